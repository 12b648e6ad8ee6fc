"""Tokens that stay in their files: slices are read when they are asked for, and nothing else is in memory."""

from __future__ import annotations

import hashlib
from bisect import bisect_right
from collections import OrderedDict
from io import FileIO
from itertools import accumulate
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bptt.data.prepared.token_manifest import TokenPart
from bptt.data.reading import open_file
from bptt.errors import InputError, MachineError

# Files that are kept open: fewer than a process may open.
_OPEN = 64
# Bytes that are read at once: a multiple of those of a token.
_BLOCK = 2**20
_CURE = "Bring the file back, or prepare the texts again"


class TokenStore:
    """The tokens of a part of a folder of prepared tokens, `first` to `last` of them if these are given.

    They are read, not mapped: pages of a mapped file count as memory of the process as soon as they are
    touched.
    """

    def __init__(
        self, folder: Path, part: TokenPart, dtype: str, first: int = 0, last: int | None = None
    ) -> None:
        self._folder, self._part, self._dtype = folder, part, np.dtype(dtype).newbyteorder("<")
        self._ends = list(accumulate(shard.tokens for shard in part.shards))
        self._first, self._last = first, part.tokens if last is None else last
        self._files: OrderedDict[int, FileIO] = OrderedDict()

    def __len__(self) -> int:
        return self._last - self._first

    def check(self, size: int) -> None:
        """Read every file once. Raises InputError naming the file that is missing, has changed, or holds what
        is no token of a vocabulary of `size`.
        """
        for shard in self._part.shards:
            path, digest, count, wrong = self._folder / shard.file, hashlib.sha256(), 0, 0
            with open_file(path) as file:
                while data := file.read(_BLOCK):
                    digest.update(data)
                    whole = len(data) - len(data) % self._dtype.itemsize
                    ids = np.frombuffer(data[:whole], self._dtype)
                    count += len(ids)
                    if len(ids) and not 0 <= ids.min() <= ids.max() < size:
                        wrong = int(ids.min()) if ids.min() < 0 else int(ids.max())
            if digest.hexdigest() != shard.sha256 or count != shard.tokens:
                raise InputError(str(path), "must be as `bptt prepare` wrote it", "other bytes", _CURE)
            # A folder of somebody else may have the right hashes of wrong numbers.
            if wrong:
                rule = f"must hold numbers from 0 to {size - 1:,}, the tokens of the vocabulary"
                raise InputError(str(path), rule, wrong, _CURE)

    def section(self, first: int, last: int) -> TokenStore:
        """Return the tokens from `first` to `last`, which is not among them."""
        return TokenStore(self._folder, self._part, self._dtype.name, self._first + first, self._first + last)

    def read(self, first: int, last: int) -> NDArray[np.int64]:
        """Return a copy of the tokens from `first` to `last`, which is not among them.

        Raises InputError if a file is gone or has become shorter.
        """
        found = np.empty(last - first, np.int64)
        place, end = self._first + first, self._first + last
        filled = 0
        while place < end:
            number = bisect_right(self._ends, place)
            start = self._ends[number] - self._part.shards[number].tokens
            count = min(end, self._ends[number]) - place
            found[filled : filled + count] = self._slice(number, place - start, count)
            place, filled = place + count, filled + count
        return found

    def _slice(self, number: int, first: int, count: int) -> NDArray[np.int64]:
        file, size = self._open(number), self._dtype.itemsize
        try:
            file.seek(first * size)
            data = b""
            while len(data) < count * size and (part := file.read(count * size - len(data))):
                data += part
        except OSError as error:
            raise MachineError(str(file.name), "must be readable", error.strerror, _CURE) from error
        if len(data) < count * size:
            raise InputError(str(file.name), "must be as `bptt prepare` wrote it", "fewer bytes", _CURE)
        return np.frombuffer(data, self._dtype)

    def _open(self, number: int) -> FileIO:
        if number in self._files:
            self._files.move_to_end(number)
            return self._files[number]
        path = self._folder / self._part.shards[number].file
        try:
            self._files[number] = FileIO(path)
        except OSError as error:
            raise InputError(str(path), "must be a file", error.strerror, _CURE) from error
        if len(self._files) > _OPEN:
            self._files.popitem(last=False)[1].close()
        return self._files[number]
