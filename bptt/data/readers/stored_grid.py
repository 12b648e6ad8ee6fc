"""Files too large for memory, whose rows stay in them: columns of TSV, CSV or JSON lines, and plain lines."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from bptt.data.large_text import LargeText, PlacedLine
from bptt.data.readers.delimited import delimiter, first_row, is_quoted, quoted_rows
from bptt.data.readers.document import Document
from bptt.data.readers.grid import Grid
from bptt.data.readers.objects import cells_of, is_json, object_of, read_json
from bptt.data.stored_rows import StoredRows, each_line, every_line, index_records


def stored_grid(file: LargeText) -> Grid | None:
    """Return the columns of a file, whose rows are read when they are asked for; None if it has no columns.

    The separator, or the keys of the objects, are those of its first 4 MB. Raises InputError naming the line.
    """
    head = Document(file.name, file.head, cut=True)
    if is_json(head):
        return _of_objects(file, read_json(head))
    mark = delimiter(head)
    if not mark:
        return None
    if is_quoted(mark):

        def cut(lines: Iterator[PlacedLine]) -> Iterator[tuple[PlacedLine, PlacedLine]]:
            return quoted_rows(lines, file.name, mark)

        rows = index_records(file, cut, lambda text, place: first_row(text, place, mark))
    else:
        rows = index_records(file, each_line, lambda text, _: tuple(text.split(mark)))
    return Grid(file.name, (), rows, rows.places)


def stored_lines(file: LargeText) -> StoredRows[str]:
    """Return all lines of a file, read when they are asked for. Raises InputError naming the line."""
    return index_records(file, every_line, lambda text, _: text)


def _of_objects(file: LargeText, head: Grid) -> Grid:
    def make(text: str, place: str) -> tuple[str, ...]:
        return cells_of(object_of(text, place), head.header, place)

    rows: StoredRows[Any] = index_records(file, each_line, make)
    return Grid(file.name, head.header, rows, rows.places, head.unreadable, head.in_lines)
