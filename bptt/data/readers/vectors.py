"""Pretrained word vectors in the text format of word2vec and GloVe."""

from __future__ import annotations

import zlib
from collections.abc import Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from gzip import BadGzipFile, GzipFile
from pathlib import Path

import numpy as np

from bptt.data.examples import Array
from bptt.data.readers.numbers import is_number, read_numbers
from bptt.data.text import GZIP
from bptt.errors import InputError, MachineError


@dataclass(frozen=True, eq=False)
class Vectors:
    """The words that were found, in the order of the file, and the vector of each, (V, D)."""

    words: tuple[str, ...]
    values: Array


def read_vectors(path: Path, wanted: Collection[str]) -> Vectors:
    """The vectors of the words `wanted`; the others are passed over, so that memory holds only those.

    A line is a word and D numbers between spaces; a first line of two whole numbers, V and D, may stand
    before. Of a word that comes twice, the first vector counts. Raises InputError with the line for
    another width, for what is no number, and if none of the words is there.
    """
    # By word: a dict keeps the order of the file.
    rows: dict[str, Array] = {}
    width = 0
    with _open(path) as lines:
        for n, line in enumerate(lines, 1):
            place = f"{path}:{n}"
            text = _decode(line, place)
            if n == 1 and len(sizes := text.split()) == 2 and all(size.isdigit() for size in sizes):
                width = int(sizes[1])
                continue
            width = width or text.count(" ")
            _check_width(text, width, place)
            word, *cells = text.rsplit(" ", width)
            if word in wanted and word not in rows:
                rows[word] = read_numbers(cells, place)
                if np.isnan(rows[word]).any():
                    raise InputError(place, "a vector must be numbers", "NaN")
    if not rows:
        raise InputError(str(path), f"must have vectors of some of the {len(wanted):,} words", "none")
    return Vectors(tuple(rows), np.stack(list(rows.values())))


def _check_width(text: str, width: int, place: str) -> None:
    came = text.count(" ")
    # A few words of GloVe hold spaces themselves.
    too_wide = came > width and is_number(text.split(" ")[came - width])
    if came < max(width, 1) or too_wide:
        raise InputError(place, f"must be a word and {width} numbers", f"{came} behind the word")


def _decode(line: bytes, place: str) -> str:
    try:
        return line.decode("utf-8").removeprefix("\ufeff").rstrip(" \r\n")
    except UnicodeDecodeError as error:
        raise InputError(place, "must be UTF-8", error.object[error.start : error.end].hex(" ")) from error


@contextmanager
def _open(path: Path) -> Iterator[Iterable[bytes]]:
    """The lines of a file, plain or compressed by gzip, which may be larger than memory."""
    try:
        with path.open("rb") as file:
            packed = file.peek(2)[:2] == GZIP
            yield GzipFile(fileobj=file) if packed else file
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError) as error:
        raise InputError(str(path), "must be a file", error.strerror) from error
    except (BadGzipFile, EOFError, zlib.error) as error:
        raise InputError(str(path), "must be a whole gzip file", error, "Fetch it again") from error
    except OSError as error:
        raise MachineError(str(path), "must be readable", error.strerror) from error
