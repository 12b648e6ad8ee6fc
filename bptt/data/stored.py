"""Inputs that stay in their file until they are needed."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

from bptt.data.reading import open_file
from bptt.errors import InputError

_CHUNK = 2**20


@dataclass(frozen=True)
class Stored:
    """`size` bytes of a file from `start` on, to its end if None: an input that does not fit into memory
    with all others.
    """

    path: Path
    start: int = 0
    size: int | None = None

    def read(self) -> bytes:
        """Return the bytes. Raises InputError if the file is gone or has become shorter."""
        with open_file(self.path) as file:
            file.seek(self.start)
            data = file.read(-1 if self.size is None else self.size)
        if self.size is not None and len(data) < self.size:
            raise InputError(str(self.path), f"must have {self.start + self.size:,} bytes", len(data))
        return data

    @property
    def digest(self) -> str:
        """The SHA-256 of the bytes, read once, a megabyte at a time: equal for equal inputs."""
        return _digest(self)


@lru_cache(maxsize=2**20)
def _digest(stored: Stored) -> str:
    digest = hashlib.sha256()
    left = stored.size
    with open_file(stored.path) as file:
        file.seek(stored.start)
        while left != 0 and (part := file.read(_CHUNK if left is None else min(left, _CHUNK))):
            digest.update(part)
            left = None if left is None else left - len(part)
    return digest.hexdigest()
