"""Texts too large for memory: read a line at a time, and again in parts, from the file that they stay in."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import BinaryIO, NamedTuple

from bptt.data.long_reading import followed
from bptt.data.reading import PACKED, UTF8, encoding_of, keeps_lines, open_file
from bptt.data.signatures import PARQUET, signature_of
from bptt.data.text import bad_byte, decode_text
from bptt.errors import InputError

# Bytes of the beginning, which shows the form of a file.
HEAD = 2**22
_BLOCK = 2**20
_MARK = "\ufeff"


class PlacedLine(NamedTuple):
    """Line `number` of a text, from 1, without its end: `size` bytes from `start` on, its end included."""

    number: int
    start: int
    size: int
    text: str


@dataclass(frozen=True)
class LargeText:
    """A file of text in lines, and the size and time by which a change of it is found."""

    path: Path
    size: int
    changed: int

    @property
    def name(self) -> str:
        """The name in errors."""
        return str(self.path)

    @property
    def head(self) -> str:
        """The first lines, 4 MB at most. Raises as `read_text` does."""
        start = self.read(0, HEAD)
        end = start.rfind(b"\n") + 1
        return decode_text(start[: end or len(start)], self.name, encoding=encoding_of(self.path))

    def lines(self) -> Iterator[PlacedLine]:
        """Yield all lines. Raises InputError with the line for bytes that `read_text` refuses."""
        encoding, start = encoding_of(self.path), 0
        with open_file(self.path) as file:
            self._check(file)
            for number, data in enumerate(followed(file, self.name, self.size, len), 1):
                text = self._decoded(data, encoding, number, start)
                mark = 0
                if number == 1 and text.startswith(_MARK):
                    text, mark = text[1:], len(_MARK.encode(encoding))
                yield PlacedLine(number, start + mark, len(data) - mark, _without_end(text))
                start += len(data)
            self._check(file)

    def read(self, start: int, size: int) -> bytes:
        """Return `size` bytes from `start` on, or those to the end.

        Raises InputError if the file is gone, or has changed since it was first read.
        """
        with open_file(self.path, "Put it back, and resume") as file:
            self._check(file)
            file.seek(start)
            return file.read(size)

    def text(self, data: bytes) -> str:
        r"""Return the text of whole lines, the last without its end, `` `` between them."""
        text = data.decode(encoding_of(self.path)).removesuffix("\n")
        return "\n".join(map(_without_end, text.split("\n"))) if "\r" in text else text

    def _check(self, file: BinaryIO) -> None:
        now = os.fstat(file.fileno())
        if (now.st_size, now.st_mtime_ns) != (self.size, self.changed):
            cure = "Put the file back as it was, and resume; or begin a new run"
            came = f"{now.st_size:,} bytes, or another time of change"
            raise InputError(self.name, "must stay as it was when it was first read", came, cure)

    def _decoded(self, data: bytes, encoding: str, number: int, start: int) -> str:
        zero = data.find(b"\0")
        if zero >= 0:
            rule, place = "must be text, not binary data", f"{self.name}:{number}"
            raise bad_byte(place, rule, "a zero byte", start + zero, "")
        try:
            return data.decode(encoding)
        except UnicodeDecodeError as error:
            came, position = data[error.start : error.end].hex(" "), start + error.start
            if encoding == UTF8:
                raise bad_byte(f"{self.name}:{number}", "must be UTF-8", came, position) from error
            cure = "Give the encoding of this text, or leave `encoding` out if it is UTF-8"
            rule = f"must be {encoding}, as `encoding` says"
            raise InputError(f"{self.name}:{number}", rule, f"{came} at byte {position}", cure) from error


# Paths of several encodings are equal, but not of one type.
@lru_cache(maxsize=4, typed=True)
def text_in_parts(path: Path, size: int, changed: int) -> LargeText | None:
    """Return the text of a file of this size and time of change, of which parts can be read.

    None for files that must be read whole: compressed ones, those without line ends, and lists in JSON.
    """
    if not keeps_lines(encoding_of(path)):
        return None
    large = LargeText(path, size, changed)
    start = large.read(0, HEAD)
    if start.startswith((*PACKED, PARQUET)) or signature_of(start) or b"\n" not in start:
        return None
    # Lists in JSON are one value from their beginning to their end.
    first = start.lstrip(b"\xef\xbb\xbf \t\r\n")
    return None if first.startswith(b"[") or first.split(b"\n", 1)[0].strip() == b"{" else large


def spans(starts: Iterable[int], sizes: Iterable[int]) -> Iterator[list[tuple[int, int]]]:
    """Yield the places of records, `sizes` bytes from `starts` on, in groups that are read at once: rising,
    and no more than a megabyte from the first to the last.
    """
    group: list[tuple[int, int]] = []
    for start, size in zip(starts, sizes, strict=True):
        if group and not group[-1][0] <= start <= group[0][0] + _BLOCK:
            yield group
            group = []
        group.append((start, size))
    if group:
        yield group


def _without_end(line: str) -> str:
    # Files that were converted twice have two of them.
    return line.removesuffix("\n").rstrip("\r")
