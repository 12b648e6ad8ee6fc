"""The owner of a file: code is loaded only from files that no other user can have written."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from bptt.errors import MachineError

OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


class OwnershipError(MachineError):
    """A file or folder that belongs to another user, or that others may write."""


def check_ours(path: Path, like: os.stat_result | None = None) -> None:
    """Raise OwnershipError if `path` is a link, or another user than this one and root can have written it.

    With `like`, the owner of `like` and the groups that its mode lets write are trusted too. Raises OSError
    if `path` does not exist.
    """
    status = path.lstat()
    if stat.S_ISLNK(status.st_mode):
        raise OwnershipError(str(path), "must be a file or a folder itself", "a symbolic link")
    if not hasattr(os, "geteuid"):  # Windows
        return
    owners, allowed = {os.geteuid(), 0}, 0
    if like is not None:
        owners, allowed = owners | {like.st_uid}, like.st_mode & OTHERS_WRITE
    if status.st_uid not in owners:
        raise OwnershipError(str(path), "must belong to you", f"user {status.st_uid}")
    if status.st_mode & OTHERS_WRITE & ~allowed:
        mode = stat.filemode(status.st_mode)
        raise OwnershipError(str(path), "must belong to you, and only you may write there", mode)
