"""Temporary folders for the compiler; the next process removes those that a killed process left behind."""

from __future__ import annotations

import os
import re
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

from bptt.runtime.lock import try_lock

_NAME = re.compile(r"bptt-(\d+)-")
_ALIVE = "alive"  # locked as long as the process lives


@contextmanager
def scratch() -> Iterator[Path]:
    """Create a temporary folder that only this process writes to, and remove it afterwards."""
    _remove_left_over()
    with TemporaryDirectory(prefix=f"bptt-{os.getpid()}-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        with (folder / _ALIVE).open("wb") as alive:
            try_lock(alive.fileno())
            yield folder


@cache
def _remove_left_over() -> None:
    """Remove the folders of this user's dead processes, once in a process."""
    try:
        folders = list(Path(tempfile.gettempdir()).glob("bptt-*"))
    except OSError:
        return
    for folder in folders:
        if _is_left_over(folder):
            shutil.rmtree(folder, ignore_errors=True)


def _is_left_over(folder: Path) -> bool:
    match = _NAME.match(folder.name)
    try:
        if (
            match is None
            or folder.is_symlink()
            or folder.stat().st_uid != os.geteuid()
            or _lives(int(match[1]))
        ):
            return False
        # The process may live in another container, under another number: then it holds the lock.
        with (folder / _ALIVE).open("rb") as alive:
            return try_lock(alive.fileno()) is True
    except (OSError, AttributeError):
        return False


def _lives(process: int) -> bool:
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True
