"""Sentences with their translations: two parallel files, or columns of one file."""

from __future__ import annotations

from collections.abc import Iterable

from bptt.data.examples import Example, Examples, gather, note_left_out
from bptt.data.readers.document import Document
from bptt.data.readers.grid import Columns, Grid
from bptt.errors import InputError

SOURCES = ("source", "src", "input")
TARGETS = ("target", "trg", "tgt", "translation", "output")


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
    """The pairs of a TSV, CSV or JSON lines file.

    The first row is a header if one of its cells is a name of `columns` or a usual one (`SOURCES`,
    `TARGETS`); then both columns must have a name. Without a header, the first column is translated
    into the second, and what stands behind is not read. Raises InputError naming the line or column.
    """
    chosen = [name for name in (columns.input, columns.target) if name]
    grid = grid.with_header_of(chosen or (*SOURCES, *TARGETS))
    source, target = 0, 1
    if grid.header or chosen:
        source, target = _named(grid, columns.input, SOURCES), _named(grid, columns.target, TARGETS)
    rows = list(zip(grid.rows, grid.places, strict=True))
    short = next((place for cells, place in rows if len(cells) <= max(source, target)), None)
    if short is not None:
        rule = "must have a sentence and its translation, in two columns"
        raise InputError(short, rule, "fewer", "Put a tab between them")
    more = max(len(cells) for cells, _ in rows) - 2
    notes = (f"not read: {more} more columns",) if more > 0 and not grid.header else ()
    return _pairs(grid.name, ((cells[source], cells[target], place) for cells, place in rows), notes)


def _named(grid: Grid, wanted: str | None, usual: tuple[str, ...]) -> int:
    found = grid.find(wanted, usual)
    if found is None:
        header = ", ".join(grid.header)
        raise InputError(grid.name, f"must have a column {usual[0]}", header, "Name the column")
    return found


def _pairs(name: str, found: Iterable[tuple[str, str, str]], notes: tuple[str, ...]) -> Examples[str, str]:
    rows, empty = [], []
    for source, target, place in found:
        if source.strip() and target.strip():
            rows.append(Example(source.strip(), target.strip(), place))
        else:
            empty.append(place)
    return gather(name, rows, notes=(*notes, *note_left_out(empty, "are empty on one side")))
