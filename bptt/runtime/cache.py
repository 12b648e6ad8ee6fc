"""The cache of compiled kernels: a folder that processes and machines may share without mutual trust."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from ctypes import CDLL
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from tempfile import NamedTemporaryFile

from bptt.deferred import deferred
from bptt.errors import MachineError
from bptt.files import CACHE
from bptt.runtime.fingerprint import SourceText
from bptt.runtime.notice import say
from bptt.runtime.ownership import OwnershipError, check_ours

_try_lock = deferred("bptt.runtime.lock", "try_lock")

# Seconds to wait for another process that builds the same kernel: several times what the largest kernel of
# the catalogue takes, so a longer wait means a process that hangs. Building twice does no harm.
PATIENCE = 120.0
_PAUSE = 0.05  # seconds between two attempts to take the lock
# Never through a symbolic link, which could make this process create a file elsewhere.
_LOCK = os.O_WRONLY | os.O_CREAT | getattr(os, "O_NOFOLLOW", 0)


class DamagedError(MachineError):
    """A cached kernel that differs from what `Entry.publish` wrote."""


@dataclass(frozen=True)
class Entry:
    """A kernel in the cache: the library `stem`.so, and its digest `stem`.sha256, which shows damage.

    An object that several kernels are linked to has another `suffix`, and is not loaded.
    """

    folder: Path
    stem: str
    suffix: str = ".so"

    @property
    def exists(self) -> bool:
        """Whether the library is there; `open` checks what it holds."""
        return self._path(self.suffix).exists()

    def open(self, source: SourceText) -> CDLL:
        """Load the library of `source`.

        Raises OSError if it cannot be loaded, DamagedError if it lacks a door of `source`, and what `read`
        raises.
        """
        content, library = self.read(), self._path(self.suffix)
        # Searched in the bytes of the file: once loaded, a wrong library would stay loaded in this process.
        if missing := [door for door in source.doors if f"{door}\0".encode() not in content]:
            raise DamagedError(
                str(library), "must have the functions of its kernel", f"no {', '.join(missing)}"
            )
        return CDLL(str(library))

    def read(self) -> bytes:
        """Return what `publish` wrote.

        Raises OSError if it is missing, DamagedError if it differs from what `publish` wrote or another user
        may have written it, MachineError if another user may write the folder.
        """
        _check_folder(self.folder)
        library, digest = self._path(self.suffix), self._path(".sha256")
        try:
            check_ours(library)
            check_ours(digest)
        except OwnershipError as error:
            raise DamagedError(error.where, error.rule, error.got) from error
        content = library.read_bytes()
        if _digest(content) != digest.read_bytes():
            raise DamagedError(str(library), "must be as it was written")
        return content

    def publish(self, library: Path) -> None:
        """Copy a library into the cache atomically: a reader finds all of it or nothing.

        Raises OSError if the folder cannot be written, MachineError if another user may write the folder.
        """
        _make(self.folder)
        content = library.read_bytes()
        self._place(self.suffix, content)
        self._place(".sha256", _digest(content))

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the lock for building this kernel; give up after `PATIENCE` or where there are no locks.

        Two processes that build the same kernel do no harm: the lock only saves work. The system releases it
        when its process ends.
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
        noticed = False
        while _try_lock(handle) is False:
            if not noticed:
                say(f"bptt: waiting for another process that compiles {self.stem}")
                noticed = True
            if time.monotonic() > end:
                say(f"bptt: {self.stem} is not there after {PATIENCE:.0f} s, compiling it here too")
                return
            time.sleep(_PAUSE)

    def _path(self, suffix: str) -> Path:
        return self.folder / f"{self.stem}{suffix}"

    def _place(self, suffix: str, content: bytes) -> None:
        _put(self._path(suffix), content)


def read_whole(path: Path) -> bytes:
    """Return what `write_whole` put into a file of the cache.

    Raises OSError if there is none, MachineError if it is not what was put there, or if somebody else may
    have written it.
    """
    _check_folder(path.parent)
    check_ours(path)
    digest, _, content = path.read_bytes().partition(b"\n")
    if digest != _digest(content):
        raise DamagedError(str(path), "must be as it was written")
    return content


def write_whole(path: Path, content: bytes) -> None:
    """Put a file into the cache with its digest. Raises OSError, MachineError if the folder is not ours."""
    _make(path.parent)
    _put(path, _digest(content) + b"\n" + content)


def check_writable(folder: Path) -> None:
    """Make the folder and, for a moment, a file in it.

    Raises OSError if that fails, MachineError if another user may write the folder.
    """
    _make(folder)
    with NamedTemporaryFile(dir=folder, prefix="."):
        pass


def _put(path: Path, content: bytes) -> None:
    """Put a file in place; a reader meets all of it or nothing."""
    with NamedTemporaryFile(dir=path.parent, prefix=".", delete=False) as file:
        try:
            file.write(content)
            file.close()
            os.replace(file.name, path)
        except BaseException:
            os.unlink(file.name)
            raise


def _make(folder: Path) -> None:
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _check_folder(folder)


def _check_folder(folder: Path) -> None:
    try:
        # A link to a folder is followed: users put a cache on another disk that way.
        check_ours(folder.resolve(strict=True))
    except OwnershipError as error:
        raise MachineError(
            error.where, error.rule, error.got, f"Name a folder of your own in {CACHE}"
        ) from error


def _digest(content: bytes) -> bytes:
    return sha256(content).hexdigest().encode()
