"""Sentences with their translations: two parallel files, or columns of one file."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from bptt.data.examples import Example, Examples, gather, note_empty, note_left_out
from bptt.data.readers.document import Document
from bptt.data.readers.grid import Columns, Grid
from bptt.data.readers.headers import RECORDS, SOURCES, TARGETS, with_header_of
from bptt.errors import InputError


def read_parallel(source: Document, target: Document) -> Examples[str, str]:
    """Line n of one file is the translation of line n of the other.

    Pairs with an empty side are left out and counted. Raises InputError if the files differ in length.
    """
    sources, targets = source.lines, target.lines
    if len(sources) != len(targets):
        rule = f"must have as many lines as {source.name}, which has {len(sources):,}"
        raise InputError(target.name, rule, f"{len(targets):,}", "Each line translates the same line there")
    places = (place for place, _ in source.numbered())
    return _pairs(source.name, zip(sources, targets, places, strict=True), ())


def read_pairs(grid: Grid, columns: Columns) -> Examples[str, str]:
    """The pairs of a TSV, CSV, JSON or Parquet file, the first row being its header if `find_header` says so.

    Under a header, the columns are those that the user has named, or those of usual names (`SOURCES`,
    `TARGETS`); of two columns whose names are others, the first is translated into the second, as without a
    header, where further columns are not read. Raises InputError naming the line or column.
    """
    grid, said = with_header_of(grid, columns, (*SOURCES, *TARGETS))
    source = grid.find(columns.input, (*columns.learned[:1], *SOURCES))
    target = grid.find(columns.target, (*columns.learned[1:], *TARGETS))
    if source is None and target is None and (not grid.header or len(grid.header) == 2):
        source, target = 0, 1
    source = _named(grid, source, SOURCES, "--source-column")
    if target is None and not columns.labelled:
        return _sources(grid, source, said)
    target = _named(grid, target, TARGETS, "--target-column")
    rows = list(zip(grid.rows, grid.places, strict=True))
    short = next((place for cells, place in rows if len(cells) <= max(source, target)), None)
    if short is not None:
        rule = "must have a sentence and its translation, in two columns"
        raise InputError(short, rule, "fewer", "Put a tab between them")
    more = max(len(cells) for cells, _ in rows) - 2
    notes = (*said, *((f"not read: {more} more columns",) if more > 0 and not grid.header else ()))
    found = tuple(grid.header[i] for i in (source, target)) if grid.header else ()
    pairs = ((cells[source], cells[target], place) for cells, place in rows)
    if not columns.labelled:
        return replace(_sources(grid, source, notes), found=found)
    return replace(_pairs(grid.name, pairs, notes), found=found)


def _sources(grid: Grid, source: int, notes: tuple[str, ...]) -> Examples[str, str]:
    """What is to be translated, with no translation and none left out."""
    name = grid.find(None, RECORDS)
    rows: list[Example[str, str]] = [
        Example(_cell(cells, source), None, place, "" if name is None else _cell(cells, name))
        for cells, place in zip(grid.rows, grid.places, strict=True)
    ]
    empty = [row.place for row in rows if not row.input]
    said = (f'columns: source "{grid.header[source]}"',) if grid.header else ()
    return gather(grid.name, rows, notes=(*said, *notes, *note_empty(empty)))


def _cell(cells: tuple[str, ...], column: int) -> str:
    return cells[column].strip() if column < len(cells) else ""


def _named(grid: Grid, found: int | None, usual: tuple[str, ...], option: str) -> int:
    if found is None:
        header = ", ".join(grid.header)
        raise InputError(grid.name, f"must have a column {usual[0]}", header, f"Name it ({option})")
    return found


def _pairs(name: str, found: Iterable[tuple[str, str, str]], notes: tuple[str, ...]) -> Examples[str, str]:
    rows, empty = [], []
    for source, target, place in found:
        if source.strip() and target.strip():
            rows.append(Example(source.strip(), target.strip(), place))
        else:
            empty.append(place)
    return gather(name, rows, notes=(*notes, *note_left_out(empty, "are empty on one side")))
