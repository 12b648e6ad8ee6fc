"""Pretrained word vectors in the text format of word2vec and GloVe."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from gzip import BadGzipFile, GzipFile
from pathlib import Path
from zlib import error as ZlibError

import numpy as np

from bptt.data.examples import Array
from bptt.data.memory import check_inflation
from bptt.data.readers.numbers import is_number, read_numbers
from bptt.data.reading import GZIP, broken_gzip, open_file
from bptt.errors import InputError

# Words and numbers of each in a first line.
_SIZES = re.compile(r" *[0-9]{1,9} +([0-9]{1,9}) *")
# Ten thousand numbers in all their digits take a tenth of it.
_LONGEST_LINE = 2**22


@dataclass(frozen=True, eq=False)
class Vectors:
    """The words that were found, in the order of the file, and the vector of each, (V, D)."""

    words: tuple[str, ...]
    values: Array


def read_vectors(path: Path, wanted: Collection[str], others: int = 0) -> Vectors:
    """Read the vectors of the words `wanted`, and of the first `others` words of the file that are not
    wanted; the rest is skipped, so that memory holds only those.

    A line is a word and D numbers between spaces; a first line of two whole numbers, V and D, may precede
    them. Of a word that comes twice, the first vector counts. Raises InputError with the line for another
    width, for a cell that is no number, and if none of the words is there.
    """
    # By word: a dict keeps the order of the file.
    rows: dict[str, Array] = {}
    width = 0
    for n, line in enumerate(_lines(path), 1):
        place = f"{path}:{n}"
        text = _decode(line, place)
        if n == 1 and (sizes := _SIZES.fullmatch(text)):
            width = int(sizes[1])
            continue
        width = width or _width(text, place)
        _check_width(text, width, place)
        word, *cells = text.rsplit(" ", width)
        is_other = word not in wanted
        if word in rows or (is_other and not others):
            continue
        others -= is_other
        rows[word] = read_numbers(cells, place)
        if np.isnan(rows[word]).any():
            raise InputError(place, "a vector must be numbers", "NaN")
    if rows.keys().isdisjoint(wanted):
        raise InputError(str(path), f"must have vectors of some of the {len(wanted):,} words", "none")
    return Vectors(tuple(rows), np.stack(list(rows.values())))


def _width(text: str, place: str) -> int:
    """Return the number of numbers in a first line of a word and its vector. Raises InputError if it is
    none.
    """
    _, *last = text.rsplit(" ", 1)
    if not last or not is_number(last[0]):
        cure = "Put spaces in the place of the tabs" if "\t" in text else "Name such a file"
        width = text.count(" ") or "its"
        rule = f"must be a word and {width} numbers between spaces, as word2vec and GloVe write"
        raise InputError(place, rule, repr(text[:40]), cure)
    return text.count(" ")


def _check_width(text: str, width: int, place: str) -> None:
    came = text.count(" ")
    # A few words of GloVe hold spaces themselves.
    too_wide = came > width and is_number(text.split(" ")[came - width])
    if came < max(width, 1) or too_wide:
        raise InputError(place, f"must be a word and {width} numbers", f"{came} behind the word")


def _decode(line: bytes, place: str) -> str:
    if len(line) == _LONGEST_LINE:
        raise InputError(place, f"must be a word and numbers in less than {_LONGEST_LINE:,} bytes", "more")
    try:
        return line.decode("utf-8").removeprefix("\ufeff").rstrip(" \r\n")
    except UnicodeDecodeError as error:
        raise InputError(place, "must be UTF-8", error.object[error.start : error.end].hex(" ")) from error


def _lines(path: Path) -> Iterator[bytes]:
    """Yield the lines of a file, plain or compressed by gzip, which may be larger than memory."""
    with open_file(path) as file:
        packed = file.read(len(GZIP)) == GZIP
        file.seek(0)
        source = GzipFile(fileobj=file) if packed else file
        total = 0
        try:
            while line := source.readline(_LONGEST_LINE):
                total += len(line)
                if packed:
                    check_inflation(str(path), file.tell(), total)
                yield line
        except (BadGzipFile, EOFError, ZlibError) as error:
            raise broken_gzip(str(path), error) from error
