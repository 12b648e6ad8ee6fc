"""A run folder belongs to the process that trains in it, for as long as it does."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from time import monotonic, sleep

from bptt.errors import InputError, MachineError
from bptt.files import kind_of, make_folder

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

FILE = ".lock"
# Seconds between two attempts.
_PAUSE = 0.2


@contextmanager
def locked(run: Path, waits: float = 0.0) -> Iterator[None]:
    """Hold the folder `run`, made if need be; the lock ends with the process, however that ends.

    Waits up to `waits` seconds for another process that holds it. Raises InputError if it still does, or the
    file of the lock is a link, which might lead anywhere. Where there are no such locks nothing is held.
    """
    if kind_of(run / FILE) not in (None, "a file"):
        raise InputError(str(run / FILE), "must be a file", kind_of(run / FILE), "Remove it")
    make_folder(run)
    try:
        handle = os.open(run / FILE, os.O_RDWR | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0), 0o666)
    except OSError as error:
        raise MachineError(str(run), "must be writable", error.strerror) from error
    with os.fdopen(handle, "rb"):
        until = monotonic() + waits
        while not _lock(run, handle, monotonic() >= until):
            sleep(_PAUSE)
        yield


def _lock(run: Path, handle: int, last: bool) -> bool:
    """Return whether the lock is held, or there is none; the `last` time raise InputError if it is not."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        if not last:
            return False
        cure = "Wait for it or stop it, or name another folder"
        raise InputError(str(run), "is being written by another process", cure=cure) from error
    except OSError:
        # A file system without locks, such as some of networks.
        return True
    return True
