"""A run folder belongs to the process that trains in it, for as long as it does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bptt.errors import InputError, MachineError

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

FILE = ".lock"


@contextmanager
def locked(run: Path) -> Iterator[None]:
    """Hold the folder `run`, made if need be; the lock ends with the process, however that ends.

    Raises InputError if another process holds it. Where there are no such locks nothing is held.
    """
    try:
        run.mkdir(parents=True, exist_ok=True)
        file = (run / FILE).open("ab")
    except OSError as error:
        raise MachineError(str(run), "must be writable", error.strerror) from error
    with file:
        _lock(run, file.fileno())
        yield


def _lock(run: Path, handle: int) -> None:
    if fcntl is None:
        return
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        cure = "Wait for it or stop it, or name another folder"
        raise InputError(str(run), "is being trained by another process", cure=cure) from error
    except OSError:
        # A file system without locks, such as some of networks.
        return
