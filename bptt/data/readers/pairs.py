"""Sentences with their translations: two parallel files, or columns of one file."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bptt.data.examples import Example, Examples, gather, kept, mapped, note_empty, note_left_out
from bptt.data.readers.grid import Columns, Grid
from bptt.data.readers.headers import SOURCES, TARGETS, TEXT_LABELS, with_header_of
from bptt.data.readers.languages import language_in
from bptt.data.readers.records import are_whole, record_column
from bptt.data.readers.sources import Source, document_of, large_texts
from bptt.deferred import deferred
from bptt.errors import InputError

if TYPE_CHECKING:
    from bptt.data.large_text import LargeText
    from bptt.data.stored_rows import StoredRows

_stored_lines = deferred("bptt.data.readers.stored_grid", "stored_lines")

# Number of rows in which a column that never changes is found to hold no texts.
_ENOUGH = 4


def read_parallel(source: Source, target: Source) -> Examples[str, str]:
    """Line n of one file is the translation of line n of the other.

    Pairs with an empty side are left out and counted. Raises InputError if the files differ in length.
    """
    if large := large_texts(source, target):
        return _pairs(large[0].name, _stored_pairs(*large), ())
    document, other = document_of(source), document_of(target)
    sources, targets = document.lines, other.lines
    _check_lengths(document.name, len(sources), other.name, len(targets))
    places = (place for place, _ in document.numbered())
    return _pairs(document.name, list(map(_pair, sources, targets, places)), ())


def _stored_pairs(source: LargeText, target: LargeText) -> StoredRows[Example[str, str]]:
    """Return the pairs of two files of lines that are too large for memory."""
    sources, targets = _stored_lines(source), _stored_lines(target)
    _check_lengths(source.name, len(sources), target.name, len(targets))
    found: StoredRows[Any] = sources.beside(targets).map(lambda pair, place: _pair(pair[0], pair[1], place))
    return found


def _check_lengths(name: str, count: int, other: str, others: int) -> None:
    if count != others:
        rule = f"must have as many lines as {name}, which has {count:,}"
        raise InputError(other, rule, f"{others:,}", "Each line translates the same line there")


def _pair(source: str, target: str, place: str) -> Example[str, str]:
    return Example(source.strip(), target.strip(), place)


def read_pairs(grid: Grid, columns: Columns) -> Examples[str, str]:
    """Read the pairs of a TSV, CSV, JSON or Parquet file, the first row being its header if `find_header`
    says so.

    The columns are those that the user has named, or those of the training file, or those of usual names
    (`SOURCES`, `TARGETS`). Else the first of two columns is translated into the second: under a header of
    all, or of those that name languages, or of those that name neither the record nor a label; without a
    header of the first two that hold texts. Raises InputError naming the line or column.
    """
    grid, said = with_header_of(grid, columns, (*SOURCES, *TARGETS))
    head = grid.head
    source, target = _columns_of(head, columns)
    source = _named(grid, source, SOURCES, "source_column")
    if target is None and not columns.labelled:
        return _sources(grid, (source,), said)
    target = _named(grid, target, TARGETS, "target_column")
    both = source, target

    def example(cells: Sequence[str], place: str) -> Example[str, str]:
        if len(cells) <= max(both):
            rule = "must have a sentence and its translation, in two columns"
            raise InputError(place, rule, "fewer", "Put a tab between them")
        pair = _pair(cells[both[0]], cells[both[1]], place)
        if pair.input and "\n" in (wanted := pair.target or "") and columns.labelled:
            raise InputError(place, "what is wanted is one line", repr(wanted[:60]))
        return pair

    rows = mapped(grid.rows, grid.places, example)
    if not columns.labelled:
        return _sources(grid, both, said)
    found = _pairs(grid.name, rows, (*said, *_said(head, both)), _shown(grid, both))
    return replace(found, found=_found(grid, both))


def _columns_of(grid: Grid, columns: Columns) -> tuple[int | None, int | None]:
    """Return the columns of the source and of the target, as far as the user or the file says."""
    learned = grid.learned(columns)
    source = grid.find(columns.input, (*learned[:1], *SOURCES))
    target = grid.find(columns.target, (*learned[1:], *TARGETS))
    texts = _texts_under_names(grid, columns) if grid.header else _texts(grid, columns)
    if source is None and target is None:
        first, second, *_ = [*texts, None, None]
        return first, second
    others = [i for i in texts if i not in (source, target)]
    if len(texts) == 2 and len(others) == 1 and (columns.input or columns.target):
        return (others[0], target) if source is None else (source, others[0] if target is None else target)
    return source, target


def _texts_under_names(grid: Grid, columns: Columns) -> list[int]:
    """Return the two columns of texts, or the one that is to be translated; () where the names leave it
    open.
    """
    width, record = len(grid.header), record_column(grid)
    spoken = [i for i, name in enumerate(grid.header) if language_in(name)]
    if len(spoken) == 2:
        return spoken
    texts = [i for i in range(width) if i != record and grid.header[i].casefold() not in TEXT_LABELS]
    if width == 2 and not (record is not None and are_whole([row[record] for row in grid.rows if row])):
        return [0, 1] if columns.labelled or record is None else texts
    return texts if len(texts) == 2 or (len(texts) == 1 and not columns.labelled) else []


def _texts(grid: Grid, columns: Columns) -> list[int]:
    """Return the first two of many columns that hold texts: neither numbers of records nor one word in all
    rows.
    """
    width = len(grid.rows[0])
    cells = [[row[i].strip() for row in grid.rows if i < len(row)] for i in range(width)]
    texts = [i for i, each in enumerate(cells) if not are_whole(each) and not _is_constant(each)]
    enough = width > 2 and (len(texts) > 1 or (len(texts) == 1 and not columns.labelled))
    return texts[:2] if enough else [0, 1]


def _is_constant(cells: list[str]) -> bool:
    return len(cells) >= _ENOUGH and len(set(cells)) == 1


def _shown(grid: Grid, columns: tuple[int, ...]) -> tuple[str, ...]:
    """Return the names of columns; their numbers in a file without a header."""
    return tuple(f'"{grid.header[i]}"' if grid.header else str(i + 1) for i in columns)


def _said(grid: Grid, columns: tuple[int, ...]) -> tuple[str, ...]:
    """Return a note on the columns that are read, and on the number of others."""
    named = [
        f"{what} {name}" for what, name in zip(("source", "target"), _shown(grid, columns), strict=False)
    ]
    said = f"columns: {', '.join(named)}" + ("" if grid.header else " (no header)")
    more = max(map(len, grid.rows)) - len(columns)
    return said, *((f"not read: {more} more columns",) if more > 0 and not grid.header else ())


def _found(grid: Grid, columns: tuple[int, ...]) -> tuple[str, ...]:
    """Return the columns to look for in another file: their names, or their numbers if they are not the
    first.
    """
    if grid.header:
        return tuple(grid.header[i] for i in columns)
    return () if columns == (0, 1) else tuple(str(i + 1) for i in columns)


def _sources(grid: Grid, columns: tuple[int, ...], notes: tuple[str, ...]) -> Examples[str, str]:
    """Return the sources to be translated, with no translation and none left out."""
    source, name = columns[0], record_column(grid)
    rows: list[Example[str, str]] = [
        Example(_cell(cells, source), None, place, "" if name in (None, source) else _cell(cells, name))
        for cells, place in zip(grid.rows, grid.places, strict=True)
    ]
    empty = [row.place for row in rows if not row.input]
    said = _said(grid, columns[:1])[:1]
    found = gather(grid.name, rows, notes=(*said, *notes, *note_empty(empty)))
    return replace(found, found=_found(grid, columns)) if len(columns) == 2 else found


def _cell(cells: tuple[str, ...], column: int) -> str:
    return cells[column].strip() if column < len(cells) else ""


def _named(grid: Grid, found: int | None, usual: tuple[str, ...], option: str) -> int:
    if found is None:
        header = ", ".join(grid.header)
        raise InputError(grid.name, f"must have a column {usual[0]}", header, f"Name it (`{option}`)")
    return found


def _pairs(
    name: str,
    rows: Sequence[Example[str, str]],
    notes: tuple[str, ...],
    sides: tuple[str, ...] = ("the source", "the target"),
) -> Examples[str, str]:
    """Return the pairs that have both sides. Raises InputError if there are none, naming the side that is
    empty.
    """
    full, empty = kept(rows, lambda row: bool(row.input and row.target))
    if empty and not full:
        no_source, no_target = sum(not row.input for row in rows), sum(not row.target for row in rows)
        came = f"{no_source:,} of {len(empty):,} empty in {sides[0]}, {no_target:,} in {sides[1]}"
        cure = "Name other columns: `source_column`, `target_column`"
        raise InputError(name, "must hold at least one example that is not empty", came, cure)
    return gather(name, full, notes=(*notes, *note_left_out(empty, "are empty on one side")))
