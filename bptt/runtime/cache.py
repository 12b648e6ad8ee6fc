"""The cache of compiled kernels: a folder that processes and machines share without trusting each other."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import CDLL
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import NamedTemporaryFile

from bptt.codegen.kernel_source import KernelSource
from bptt.errors import MachineError
from bptt.runtime.lock import try_lock
from bptt.runtime.notice import say
from bptt.runtime.ownership import OwnershipError, check_ours

VARIABLE = "BPTT_CACHE"
PATIENCE = 120.0  # seconds
_PAUSE = 0.05
# Not through a link: what it leads to is not ours to create.
_LOCK = os.O_WRONLY | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)


def folder() -> Path:
    """`$BPTT_CACHE`, else the place of the platform; need not exist."""
    if chosen := os.environ.get(VARIABLE):
        return Path(chosen)
    home = Path(os.path.expanduser("~"))
    if sys.platform == "darwin":
        return home / "Library" / "Caches" / "bptt"
    return Path(os.environ.get("XDG_CACHE_HOME") or home / ".cache") / "bptt"


class DamagedError(MachineError):
    """A kernel of the cache is not what was put there."""


@dataclass(frozen=True)
class Entry:
    """One kernel in the cache: `stem`.so, and `stem`.sha256, which says whether it is whole."""

    folder: Path
    stem: str

    def open(self, source: KernelSource) -> CDLL:
        """Load the library of `source`.

        Raises OSError if it is not there or cannot be loaded, DamagedError if it is not what `publish` wrote
        or if somebody else may have written it.
        """
        _check_folder(self.folder)
        library, digest = self._path(".so"), self._path(".sha256")
        try:
            check_ours(library)
            check_ours(digest)
        except OwnershipError as error:
            raise DamagedError(error.where, error.rule, error.got) from error
        content = library.read_bytes()
        if _digest(content) != digest.read_bytes():
            raise DamagedError(str(library), "must be as it was written")
        # Looked up in the file: a library that was loaded once stays, whatever is in its place afterwards.
        if missing := [door for door in source.doors if f"{door}\0".encode() not in content]:
            raise DamagedError(
                str(library), "must have the functions of its kernel", f"no {', '.join(missing)}"
            )
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
            handle = os.open(self._path(".lock"), _LOCK, 0o600)
        except OSError:
            yield
            return
        try:
            self._wait(handle)
            yield
        finally:
            os.close(handle)

    def _wait(self, handle: int) -> None:
        end = time.monotonic() + PATIENCE
        told = False
        while try_lock(handle) is False:
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
    _check_folder(folder)


def _check_folder(folder: Path) -> None:
    try:
        # A link to a folder is followed: that is how a cache is put on another disk.
        check_ours(folder.resolve(strict=True))
    except OwnershipError as error:
        raise MachineError(
            error.where, error.rule, error.got, f"Name a folder of your own in {VARIABLE}"
        ) from error


def _digest(content: bytes) -> bytes:
    return sha256(content).hexdigest().encode()
