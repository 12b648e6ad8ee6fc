"""TSV and CSV: which character separates the columns, and the rows between them."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from itertools import islice
from typing import TYPE_CHECKING

from bptt.data.readers.grid import Grid
from bptt.data.readers.numbers import is_like_number
from bptt.errors import InputError

if TYPE_CHECKING:
    import _csv

    from bptt.data.large_text import PlacedLine
    from bptt.data.readers.document import Document

Row = tuple[str, ...]

# Three bars are those of word aligners: source ||| target.
_MARKS = ("\t", "|||", ",", ";", "|")
# Number of rows that are compared to find the separator.
_SAMPLE = 1000
# The largest limit that `csv` takes where a C long has 32 bits.
_ANY_SIZE = 2**31 - 1
# Errors of `csv`: a quote that is not closed, and a carriage return outside quotes.
_NO_END, _RETURN = "unexpected end of data", "new-line character seen in unquoted field"


def delimiter(document: Document) -> str:
    """Return the separator of columns, "" if the first line has none.

    It is the one that cuts every row into the same number of columns, tabs first; a tab inside quotes is
    none. Where several of the others do so, the labels decide: the column with the fewest different cells
    holds no separator; but semicolons go before the commas of numbers (1,5;2,5). Where none does, it is the
    first of them all in the first line.
    """
    first, whole = _first_lines(document)
    there = sorted((mark for mark in _MARKS if mark in whole), key=lambda mark: mark not in first)
    even = {mark: rows for mark in there if (rows := _even_rows(document, mark))}
    if "\t" in even and _quotes_are_closed(even["\t"]):
        return "\t"
    if ";" in even and _are_numbers(even[";"]):
        return ";"
    clear = [mark for mark, rows in even.items() if _labels_are_clear(rows)]
    return next(iter([*clear, *even, *there]), "")


def _first_lines(document: Document) -> tuple[str, str]:
    """Return the first line that is not blank, and the lines from it on that a quoted first row may have."""
    lines = document.lines
    start = next((n for n, line in enumerate(lines) if line.strip()), 0)
    end, quotes = start + 1, lines[start].count('"')
    while quotes % 2 and end < min(len(lines), start + _SAMPLE):
        quotes += lines[end].count('"')
        end += 1
    return lines[start], "\n".join(lines[start:end])


def read_delimited(document: Document) -> Grid:
    """Return the rows of a TSV or CSV file without blank lines, the header still among them; of a file
    without separators each line is a cell, or the quoted text in it.

    Between tabs or three bars, quotes are characters like any other; with other separators they are those of
    RFC 4180. Raises InputError with the line if they are not.
    """
    mark = delimiter(document)
    found = list(_rows(document, mark)) if mark else _one_column(document)
    return Grid(document.name, (), tuple(row for row, _ in found), tuple(place for _, place in found))


def _one_column(document: Document) -> list[tuple[Row, str]]:
    try:
        found = list(_quoted(document, ","))
    except InputError:
        found = []
    if found and all(len(row) == 1 for row, _ in found):
        return found
    # Commas below a line without any are those of texts.
    return [((line,), place) for place, line in document.numbered() if line.strip()]


def even_rows(document: Document) -> tuple[Row, ...]:
    """Return the first rows of a text, if each has the same number of columns, at least two; else ()."""
    mark = delimiter(document)
    return _even_rows(document, mark) if mark else ()


def _even_rows(document: Document, mark: str) -> tuple[Row, ...]:
    rows: list[Row] = []
    try:
        rows.extend(row for row, _ in islice(_rows(document, mark), _SAMPLE))
    except InputError as error:
        if not (document.cut and str(error.__cause__) == _NO_END and len(rows) > 1):
            return ()
    widths = {len(row) for row in rows}
    return tuple(rows) if len(widths) == 1 and widths != {1} else ()


def _quotes_are_closed(rows: Sequence[Row]) -> bool:
    return not all(any(cell.count('"') % 2 for cell in row) for row in rows)


def _are_numbers(rows: Sequence[Row]) -> bool:
    """Return whether all columns but one are numbers, in any spelling."""
    words = {i for row in rows for i, cell in enumerate(row) if not is_like_number(cell)}
    return len(words) <= 1


def _labels_are_clear(rows: Sequence[Row]) -> bool:
    """Return whether the column with the fewest different cells, the last of these, holds no other
    separator.
    """
    columns = reversed(list(zip(*rows, strict=True)))
    labels = min(columns, key=lambda cells: len({cell.strip() for cell in cells}))
    return not any(mark in cell for cell in labels for mark in _MARKS)


def _rows(document: Document, mark: str) -> Iterator[tuple[Row, str]]:
    return _quoted(document, mark) if is_quoted(mark) else _unquoted(document, mark)


def is_quoted(mark: str) -> bool:
    """Return whether quotes may enclose a cell between these separators."""
    return len(mark) == 1 and mark != "\t"


def _unquoted(document: Document, mark: str) -> Iterator[tuple[Row, str]]:
    for place, line in document.numbered():
        if line.strip():
            yield tuple(line.split(mark)), place


def _quoted(document: Document, mark: str) -> Iterator[tuple[Row, str]]:
    # `csv` would also end a line at a carriage return, which belongs to its line.
    reader = _reader((f"{line}\n" for line in document.lines), mark)
    while True:
        place = f"{document.name}:{reader.line_num + 1}"
        if (row := _next_row(reader, place)) is None:
            return
        if any(cell.strip() for cell in row):
            yield tuple(row), place


def quoted_rows(lines: Iterator[PlacedLine], name: str, mark: str) -> Iterator[tuple[PlacedLine, PlacedLine]]:
    """Yield the first and the last line of each row that is not blank. Raises as `read_delimited` does."""
    taken: list[PlacedLine] = []

    def taking() -> Iterator[str]:
        for line in lines:
            taken.append(line)
            yield f"{line.text}\n"

    reader = _reader(taking(), mark)
    while (row := _next_row(reader, f"{name}:{reader.line_num + 1}")) is not None:
        if any(cell.strip() for cell in row):
            yield taken[0], taken[-1]
        taken.clear()


def first_row(text: str, place: str, mark: str) -> Row:
    """Return the cells of a text that is one row. Raises as `read_delimited` does."""
    return tuple(_next_row(_reader(io.StringIO(text, newline=""), mark), place) or ())


def _reader(lines: Iterable[str], mark: str) -> _csv.Reader:
    return csv.reader(lines, delimiter=mark, strict=True)


def _next_row(reader: _csv.Reader, place: str) -> list[str] | None:
    try:
        with _cells_of_any_size():
            return next(reader, None)
    except csv.Error as error:
        came: object = error
        cure = "Double the quotes inside a quoted cell, or give a TSV or JSON lines"
        if str(error).startswith(_RETURN):
            came = "a carriage return (0D) that is neither in quotes nor before a line feed"
            cure = "Quote the cell, or end all lines alike, e.g. with tr '\\r' '\\n'"
        raise InputError(place, "must be CSV as in RFC 4180", came, cure) from error


@contextmanager
def _cells_of_any_size() -> Iterator[None]:
    """Raise the limit of `csv`, which is one for the whole process, for a while."""
    before = csv.field_size_limit(_ANY_SIZE)
    try:
        yield
    finally:
        csv.field_size_limit(before)
