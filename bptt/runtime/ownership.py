"""Whose a file is: code is loaded only from where nobody else can have put it."""

from __future__ import annotations

import os
import stat
from pathlib import Path

from bptt.errors import MachineError

OTHERS_WRITE = stat.S_IWGRP | stat.S_IWOTH


class OwnershipError(MachineError):
    """A file or a folder belongs to somebody else, or others may write it."""


def check_ours(path: Path, like: os.stat_result | None = None) -> None:
    """Raise OwnershipError unless `path` is no link, and only this user, or root, can have written it.

    With `like`, its owner and everybody whom its mode lets write may have written it too. Raises OSError if
    there is nothing.
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
