"""Past values of one or several series: from a table with a column of times, or series without times."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from bptt.data.examples import Array, Example
from bptt.data.past.columns import PastColumns as PastColumns
from bptt.data.past.time_axis import TimeAxis, place_times
from bptt.data.readers.arrays import read_npz
from bptt.data.readers.document import Document
from bptt.data.readers.grid import Columns, Grid
from bptt.data.readers.headers import IDS, TIMES
from bptt.data.readers.measured import Numbers
from bptt.data.readers.numbers import is_like_number, is_number, read_numbers
from bptt.data.readers.series import read_ts
from bptt.data.readers.sources import Source, document_of, read_grid
from bptt.data.readers.tables import is_header
from bptt.data.reading import read_bytes
from bptt.data.signatures import ZIP
from bptt.errors import InputError

_TIMES = (*TIMES, *"date datetime ds period month year week quarter day hour 日期 时间".split())
_IDS = (*IDS, "unique_id", "item_id", "series_name")


@dataclass(frozen=True, eq=False)
class Past:
    """One series: its `name`, "" for the only one, its `values` (T, D) float64 with NaN where one is missing,
    its times, and the `place` of its first row.
    """

    name: str
    values: Numbers
    axis: TimeAxis
    place: str


@dataclass(frozen=True, eq=False)
class Pasts:
    """Series with the same columns and the same step; `notes` are lines for the user."""

    series: tuple[Past, ...]
    columns: tuple[str, ...]
    notes: tuple[str, ...]


def read_pasts(source: Source, columns: PastColumns) -> Pasts:
    """Read series. Raises InputError naming the file and line of what is no time or number, or is uneven."""
    if isinstance(source, Path) and source.is_dir():
        raise InputError(str(source), "must be a file of series", "a folder")
    if isinstance(source, Path) and read_bytes(source).startswith(ZIP):
        return _without_times(read_npz(source).rows)
    document = document_of(source) if isinstance(source, Document) or _is_text(source) else None
    if document is not None and any(line.strip().casefold() == "@data" for line in document.lines):
        return _without_times(read_ts(document, Columns(labelled=False)).rows)
    if document is not None and all(is_number(line) for line in document.lines):
        return _of_grid(_one_column(document), columns)
    return _of_grid(read_grid(source), columns)


def _is_text(source: Source) -> bool:
    return isinstance(source, Document) or not read_bytes(source).startswith(b"PAR1")


def _one_column(document: Document) -> Grid:
    lines = [(place, line.strip()) for place, line in document.numbered()]
    rows = tuple((line,) for _, line in lines)
    return Grid(document.name, ("value",), rows, tuple(place for place, _ in lines))


def _without_times(rows: Sequence[Example[Array, str]]) -> Pasts:
    found: list[Past] = []
    for row in rows:
        values = np.asarray(row.input, np.float64)
        name = str(len(found) + 1) if len(rows) > 1 else ""
        found.append(Past(name, values, TimeAxis("row", 1), row.place))
    width = found[0].values.shape[1]
    columns = ("value",) if width == 1 else tuple(map(str, range(1, width + 1)))
    return Pasts(tuple(found), columns, ())


def _of_grid(grid: Grid, columns: PastColumns) -> Pasts:
    if not grid.header and _has_header(grid, columns):
        grid = grid.with_header()
    if not grid.header:
        grid = replace(grid, header=tuple(map(str, range(1, len(grid.rows[0]) + 1))))
    grid.check_widths()
    time = _time_of(grid, columns)
    name = grid.find(columns.id, _IDS)
    places = [grid.find(each, ()) for each in columns.values]
    chosen = [i for i in places if i is not None] or _numbers_of(grid, {time, name})
    groups: dict[str, list[int]] = {}
    for i, cells in enumerate(grid.rows):
        groups.setdefault("" if name is None else cells[name].strip(), []).append(i)
    found = [_past(grid, key, members, time, chosen) for key, members in groups.items()]
    _check_steps(found, grid)
    names = tuple(grid.header[i] for i in chosen)
    said = "none" if time is None else f'"{grid.header[time]}", step {found[0][0].axis.step}'
    notes = [f"time: {said}; values: {', '.join(names)}" + (f"; {len(found):,} series" * (len(found) > 1))]
    moved = sum(each for _, each, _ in found)
    notes += [f"series whose rows were not in the order of time, and are sorted: {moved:,}"] if moved else []
    gaps = sum(gap for _, _, gap in found)
    notes += [f"times that are missing between others: {gaps:,}, values unknown there"] if gaps else []
    missing = sum(int(np.isnan(past.values).sum()) for past, _, _ in found) - gaps * len(chosen)
    notes += [f"missing: {missing:,} values"] if missing else []
    return Pasts(tuple(past for past, _, _ in found), names, tuple(notes))


def _has_header(grid: Grid, columns: PastColumns) -> bool:
    first = {cell.strip().casefold() for cell in grid.rows[0]}
    named = {each.casefold() for each in (columns.time, columns.id, *columns.values) if each}
    if first & (named | set(_TIMES) | set(_IDS)):
        return True
    return is_header(grid.rows, Columns()) or not is_like_number(grid.rows[0][-1])


def _time_of(grid: Grid, columns: PastColumns) -> int | None:
    """Return the column of the times: named, of a usual name, or the first whose cells are no numbers."""
    found = grid.find(columns.time, _TIMES)
    if found is not None or not len(grid.header) > 1:
        return found
    named = grid.find(columns.id, _IDS)
    for i in range(len(grid.header)):
        if (
            i != named
            and not any(is_number(row[i]) for row in grid.rows[:20])
            and any(char.isdigit() for char in grid.rows[0][i])
        ):
            return i
    return None


def _numbers_of(grid: Grid, others: set[int | None]) -> list[int]:
    chosen = [
        i
        for i in range(len(grid.header))
        if i not in others and any(is_like_number(row[i]) for row in grid.rows)
    ]
    if not chosen:
        cure = "Name it with `value_columns`"
        raise InputError(grid.name, "must have a column of numbers", ", ".join(grid.header), cure)
    return chosen


def _past(
    grid: Grid, name: str, members: Sequence[int], time: int | None, chosen: Sequence[int]
) -> tuple[Past, int, int]:
    """Return one series, whether its rows had to be sorted, and how many times between others are missing."""
    places = [grid.places[i] for i in members]
    names = [grid.header[k] for k in chosen]
    for i in members:
        read_numbers([grid.rows[i][k] for k in chosen], grid.places[i], lambda k: f"column {names[k]}")
    values = np.array([[_exact(grid.rows[i][k]) for k in chosen] for i in members])
    for k, column in enumerate(values.T):
        if np.isnan(column).all():
            rule = f"a series must have values in the column {grid.header[chosen[k]]}"
            raise InputError(places[0], rule, "none")
    if time is None:
        return Past(name, values, TimeAxis("row", 1), places[0]), 0, 0
    placed = place_times([grid.rows[i][time] for i in members], places)
    whole = np.full((placed.steps[-1] + 1, len(chosen)), np.nan)
    whole[list(placed.steps)] = values[list(placed.order)]
    moved = int(placed.order != tuple(range(len(members))))
    return Past(name, whole, placed.axis, places[0]), moved, len(whole) - len(values)


def _exact(cell: str) -> float:
    """Return a number in float64; NaN for a missing one."""
    try:
        return float(cell)
    except ValueError:
        return float("nan")


def _check_steps(found: Sequence[tuple[Past, int, int]], grid: Grid) -> None:
    first = found[0][0]
    for past, _, _ in found:
        if (past.axis.unit, past.axis.size) != (first.axis.unit, first.axis.size):
            rule = f"all series must have one step, {first.axis.step} as {first.name or 'the first'}"
            raise InputError(past.place, rule, past.axis.step, "Forecast them in runs of their own")
