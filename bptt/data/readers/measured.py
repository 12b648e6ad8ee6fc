"""Examples whose targets are numbers: one or several for an example, or for each step of a series."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from bptt.data.examples import Example, Examples, in_file, mapped, numbered
from bptt.data.readers.arrays import read_npz_numbers
from bptt.data.readers.forms import read_examples
from bptt.data.readers.grid import LABELS, Columns, Grid, check_width
from bptt.data.readers.headers import IDS, TEXT_LABELS, TEXTS, TIMES, with_header_of
from bptt.data.readers.labelled import read_labelled
from bptt.data.readers.numbers import is_number, read_numbers
from bptt.data.readers.records import RECORDS, find_row_names
from bptt.data.readers.sources import Source, path_of, read_grid, read_rows
from bptt.data.readers.tables import find_rows, is_header, read_long, read_table
from bptt.deferred import deferred
from bptt.errors import InputError

Numbers = npt.NDArray[np.float64]
Measured = Examples[Any, Numbers]

_in_arrays = deferred("bptt.data.measured_rows", "in_arrays")
_with_numbers = deferred("bptt.data.measured_rows", "with_numbers")

# Joins the cells of several targets of a row: part of no number in any spelling.
_MARK = ";"
# Names of columns that hold what a text is worth, beside those of labels.
_AMOUNTS = ("score", "value", "amount", "price")
# The name of a target in a form that has no names of columns.
_UNNAMED = "target"
_UNLABELLED = "Name the column of the target: `target_column` NAME"


def read_measured(
    source: Source, form: str, columns: Columns, targets: tuple[str, ...], every_step: bool | None = None
) -> Measured:
    """Read examples in a form of `data.readers.forms.FORMS`, each with its numbers, float64.

    `targets` names the columns of the numbers; () looks for a usual name, and in a table takes the last
    column. A target is (M,) for an example, or (T, M) with NaN at a step that has none; a long table has the
    latter where the targets change within a series, unless `every_step` decides. `found` of the result
    holds the name of the input column, "" if there is none, and those of the targets. Without
    `columns.labelled` the targets may be missing. Raises InputError with the place of a target that is
    missing or no number.
    """
    if form == "npz":
        return read_npz_numbers(path_of(source), columns.labelled)
    if form == "long":
        return _read_long(read_grid(source), columns, targets, every_step)
    if form in ("columns", "table"):
        # Rows to be answered keep the names by which a table calls them.
        read = read_rows if columns.labelled else read_grid
        return _read_rows(read(source), form, columns, targets)
    return _parse(read_examples(source, form, columns), (_UNNAMED,), columns.labelled)


def _read_rows(grid: Grid, form: str, columns: Columns, targets: tuple[str, ...]) -> Measured:
    """Read texts, or rows of a table, with the cells of their targets joined into one column."""
    notes: tuple[str, ...] = ()
    # A name that the user has given is one of the header.
    columns = replace(columns, target=targets[0]) if targets else columns
    if form == "columns":
        grid, notes = with_header_of(grid, columns, (*TEXTS, *TEXT_LABELS))
    elif not grid.header and is_header(grid.rows, columns):
        grid = grid.with_header()
    grid.head.check_widths()
    named = bool(grid.header)
    grid = replace(grid, header=grid.header or numbered(len(grid.rows[0])))
    chosen = _find(grid, columns, targets, TEXT_LABELS if form == "columns" else LABELS)
    if not chosen and columns.labelled:
        chosen = [_target_of_texts(grid, columns) if form == "columns" else _last(grid)]
    if chosen:
        grid, joined = _join(grid, chosen)
        names = tuple(joined.split(_MARK))
        columns = replace(columns, target=joined)
        if named or form == "columns":
            said = f"target{'s' if len(names) > 1 else ''}: {', '.join(names)}"
            notes = (*notes, said)
    else:
        names = targets or columns.learned[1:]
    if form == "table" and in_file(grid.rows):
        return _in_arrays_of(grid, columns, names, notes)
    read = read_labelled if form == "columns" else read_table
    found = read(grid, columns)
    kept = tuple(note for note in found.notes if not note.startswith("columns: text"))
    found = replace(found, notes=(*notes, *kept))
    return _parse(found, names, columns.labelled)


def _in_arrays_of(grid: Grid, columns: Columns, names: tuple[str, ...], notes: tuple[str, ...]) -> Measured:
    """Read the rows of a table in a file one at a time, so that their numbers alone are in memory."""
    table = find_rows(grid, columns)

    def measure(row: Example[Any, str], place: str) -> Example[Any, Numbers]:
        return Example(row.input, _numbers(row.target, names, place, columns.labelled), place)

    found = table.gather(_in_arrays(mapped(table.rows, grid.places, measure)), columns)
    said = (*notes, *found.notes)
    return replace(found, notes=said, found=("", *names), unlabelled=_UNLABELLED)


def _find(grid: Grid, columns: Columns, targets: tuple[str, ...], usual: Sequence[str]) -> list[int]:
    """Return the columns that the user has named, or that were learned, or the one of a usual name."""
    if targets:
        found = [grid.find(name, ()) for name in targets]
        if len(set(found)) < len(found):
            raise InputError("target_column", "each target is named once", ", ".join(targets))
        return [i for i in found if i is not None]
    learned = [grid.find(None, (name,)) for name in columns.learned[1:]]
    there = [i for i in learned if i is not None]
    if there and len(there) == len(learned):
        return there
    known = {name.casefold() for name in columns.features}
    found_usual = grid.find(None, [name for name in usual if name.casefold() not in known])
    return [] if found_usual is None or columns.learned[1:] else [found_usual]


def _last(grid: Grid) -> int:
    """Return the last column of a table but that which names its rows."""
    name = find_row_names(grid.header, grid.head.rows, set())
    others = [i for i in range(len(grid.header)) if i != name]
    if len(others) < 2:
        raise InputError(grid.name, "must have a column of numbers beside the target", ", ".join(grid.header))
    return others[-1]


def _target_of_texts(grid: Grid, columns: Columns) -> int:
    """Return the only column of numbers beside the text. Raises InputError if there is none, or several."""
    named = grid.find(None, _AMOUNTS)
    if named is not None:
        return named
    text = grid.find(columns.input, TEXTS)
    record = grid.find(None, RECORDS)
    numbers = [
        i
        for i in range(len(grid.header))
        if i not in (text, record) and all(is_number(row[i]) for row in grid.head.rows)
    ]
    if len(numbers) != 1:
        cure = "Name it: `target_column` NAME"
        raise InputError(grid.name, "must show which column is the target", ", ".join(grid.header), cure)
    return numbers[0]


def _join(grid: Grid, chosen: Sequence[int]) -> tuple[Grid, str]:
    """Return the grid with one column, the last, for the targets, and the name of that column."""
    kept = [i for i in range(len(grid.header)) if i not in chosen]
    name = _MARK.join(grid.header[i] for i in chosen)

    def join(row: tuple[str, ...], place: str) -> tuple[str, ...]:
        check_width(row, place, len(grid.header))
        return (*(row[i] for i in kept), _MARK.join(row[i].strip() or "nan" for i in chosen))

    rows = mapped(grid.rows, grid.places, join)
    rows = rows if in_file(rows) else tuple(rows)
    return replace(grid, header=(*(grid.header[i] for i in kept), name), rows=rows), name


def _parse(found: Examples[Any, str], names: tuple[str, ...], labelled: bool) -> Measured:
    """Return the examples with the numbers of their targets."""
    if labelled and not found.has_targets:
        rule = "an example to learn from has a number as its target"
        raise InputError(found.rows[0].place, rule, "none", _UNLABELLED)

    def read(row: Example[Any, str]) -> Numbers | None:
        return _numbers(row.target, names, row.place, labelled)

    if in_file(found.rows):
        rows = _with_numbers(found.rows, read)
    else:
        rows = _all_or_none([Example(row.input, read(row), row.place, row.name) for row in found.rows])
    named = ("".join(found.found[:1]), *names)
    return Examples(rows, found.columns, found.notes, named, unlabelled=_UNLABELLED)


def _all_or_none(rows: Sequence[Example[Any, Numbers]]) -> tuple[Example[Any, Numbers], ...]:
    """Return the examples, without targets unless each has one."""
    if any(row.target is None for row in rows):
        return tuple(replace(row, target=None) for row in rows)
    return tuple(rows)


def _numbers(target: str | None, names: Sequence[str], place: str, labelled: bool) -> Numbers | None:
    if target is None:
        return None
    cells = target.split(_MARK)
    checked = read_numbers(cells, place, lambda i: f"the target {names[i]}" if i < len(names) else _UNNAMED)
    if np.isnan(checked).any():
        if not labelled:
            return None
        missing = names[int(np.isnan(checked).argmax())]
        cure = "Add it, or remove the example"
        raise InputError(place, f"must have a number as its target {missing}", "none", cure)
    # Not the float32 that was checked: whole numbers above 2**24 keep their digits.
    return np.array([float(cell) for cell in cells])


def _read_long(grid: Grid, columns: Columns, targets: tuple[str, ...], every_step: bool | None) -> Measured:
    """Read the series of a long table: targets are read as further numbers of each step, and then parted."""
    grid = grid if grid.header else grid.with_header()
    grid.check_widths()
    chosen = _find(grid, columns, targets, LABELS)
    if not chosen and columns.labelled:
        cure = "Name it: `target_column` NAME"
        raise InputError(grid.name, "must show which column is the target", ", ".join(grid.header), cure)
    others = {*chosen, grid.find(None, IDS), grid.find(None, TIMES)}
    known = columns.features or tuple(name for i, name in enumerate(grid.header) if i not in others)
    if not known:
        raise InputError(grid.name, "must have a column of numbers beside the target", ", ".join(grid.header))
    names = tuple(grid.header[i] for i in chosen)
    found = read_long(grid, replace(columns, target=None, learned=(), features=(*known, *names)))
    width = len(known)
    rows = [_parted(row, width, bool(chosen), columns.labelled) for row in found.rows]
    rows = list(_all_or_none(rows))
    missing = sum(int(np.isnan(row.input).sum()) for row in rows)
    notes = (f"missing: {missing:,} numbers, read as NaN",) if missing else ()
    every = _change(rows) if every_step is None else every_step
    if rows[0].target is not None:
        if not every:
            rows = [_at_end(row) for row in rows]
        notes = (
            *notes,
            f"targets: {', '.join(names)}, " + ("one for each step" if every else "one a series"),
        )
        bare = sum(int(np.isnan(row.target).any(-1).sum()) for row in rows if row.target is not None)
        notes = (*notes, *([f"steps without a target, not learned from: {bare:,}"] if bare else []))
    named = ("", *(names or columns.learned[1:]))
    return Examples(tuple(rows), known, notes, named, unlabelled=_UNLABELLED)


def _parted(row: Example[Any, Any], width: int, has_targets: bool, labelled: bool) -> Example[Any, Numbers]:
    target = row.input[:, width:].astype(np.float64) if has_targets else None
    if target is not None and np.isnan(target).all(0).any():
        if labelled:
            cure = "Add it, or remove the series"
            raise InputError(row.place, "a series to learn from has a number as its target", "none", cure)
        target = None
    return replace(row, input=np.ascontiguousarray(row.input[:, :width]), target=target)


def _change(rows: Sequence[Example[Any, Numbers]]) -> bool:
    """Return whether a target differs within a series, so that each step has one of its own."""
    return any(
        row.target is not None and bool((np.nanmax(row.target, 0) > np.nanmin(row.target, 0)).any())
        for row in rows
    )


def _at_end(row: Example[Any, Numbers]) -> Example[Any, Numbers]:
    """Return the one target of a series, which all of its rows hold."""
    assert row.target is not None
    low, high = np.nanmin(row.target, 0), np.nanmax(row.target, 0)
    if (low < high).any():
        came = f"{low.max():g} and {high.max():g}"
        cure = "Train with a target at every step (`every_step`)"
        raise InputError(row.place, "all rows of a series have one target", came, cure)
    return replace(row, target=high)
