"""The cache of compiled kernels: a folder that processes and machines share without trusting each other."""

from __future__ import annotations

import os
import stat
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import CDLL
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import NamedTemporaryFile

from bptt.errors import MachineError
from bptt.runtime.notice import say

try:
    import fcntl
except ImportError:  # Windows
    fcntl = None  # type: ignore[assignment]

VARIABLE = "BPTT_CACHE"
PATIENCE = 120.0  # seconds
_PAUSE = 0.05


def folder() -> Path:
    """`$BPTT_CACHE`, else the place of the platform; need not exist."""
    if chosen := os.environ.get(VARIABLE):
        return Path(chosen)
    home = Path(os.path.expanduser("~"))
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "bptt"
    return Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache") / "bptt"


@dataclass(frozen=True)
class Entry:
    """One kernel in the cache: `stem`.so, and `stem`.sha256, which says whether it is whole."""

    folder: Path
    stem: str

    def open(self) -> CDLL:
        """Load the library. Raises OSError if it is not there, is damaged, or cannot be loaded."""
        _check_owner(self.folder)
        library = self._path(".so")
        if _digest(library.read_bytes()) != self._path(".sha256").read_bytes():
            raise MachineError(str(library), "must be as it was written")
        return CDLL(str(library))

    def publish(self, library: Path) -> None:
        """Put a library here; a reader meets all of it or nothing. Raises OSError."""
        _make(self.folder)
        content = library.read_bytes()
        self._place(".so", content)
        self._place(".sha256", _digest(content))

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Be the only one who builds this, unless the others take too long or there are no locks here.

        Two who build the same do no harm: the lock saves work, and ends with its process.
        """
        try:
            _make(self.folder)
            file = self._path(".lock").open("ab")
        except OSError:
            yield
            return
        with file:
            self._wait(file.fileno())
            yield

    def _wait(self, handle: int) -> None:
        end = time.monotonic() + PATIENCE
        told = False
        while not _lock(handle):
            if not told:
                say(f"bptt: another process compiles {self.stem}, waiting for it")
                told = True
            if time.monotonic() > end:
                say(f"bptt: {self.stem} is not there after {PATIENCE:.0f} s, not waiting any longer")
                return
            time.sleep(_PAUSE)

    def _path(self, suffix: str) -> Path:
        return self.folder / f"{self.stem}{suffix}"

    def _place(self, suffix: str, content: bytes) -> None:
        with NamedTemporaryFile(dir=self.folder, prefix=".", delete=False) as file:
            try:
                file.write(content)
                file.close()
                os.replace(file.name, self._path(suffix))
            except BaseException:
                os.unlink(file.name)
                raise


def _make(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _check_owner(folder)


def _check_owner(folder: Path) -> None:
    """Code is loaded from here: nobody else may have put it here."""
    status = folder.stat()
    if hasattr(os, "geteuid") and (status.st_uid != os.geteuid() or status.st_mode & stat.S_IWOTH):
        cure = f"Name a folder of your own in {VARIABLE}"
        raise MachineError(str(folder), "must belong to you, and only you may write there", cure=cure)


def _digest(content: bytes) -> bytes:
    return sha256(content).hexdigest().encode()


def _lock(handle: int) -> bool:
    """Take the lock if it is free. True also where there are no locks, as on some network file systems."""
    if fcntl is None:
        return True
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError:
        return True
    return True
