"""Columns of numbers: a table whose rows are examples, or a long one whose rows are steps of series."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise

import numpy as np

from bptt.data.examples import Array, Example, Examples, gather, numbered
from bptt.data.readers.grid import LABELS, Columns, Grid
from bptt.data.readers.headers import IDS, TIMES
from bptt.data.readers.numbers import is_missing, is_number, note_missing, read_numbers
from bptt.errors import InputError


def read_table(grid: Grid, columns: Columns) -> Examples[Array, str]:
    """The rows of a table, (D,) each.

    The first row is a header if the user says so, or if it holds, before its last cell, something that is
    no number; columns without a header are named 1, 2, and so on. The label is the column `columns.target`,
    or one of a usual name (`LABELS`), or the last. With `columns.features` these are the numbers, in this
    order, and a table without another column has no labels. Raises InputError naming line and column.
    """
    if not grid.header and _is_header(grid.rows[0], columns):
        grid = grid.with_header()
    grid.check_widths()
    names = grid.header or numbered(len(grid.rows[0]))
    named = replace(grid, header=names)
    label = named.find(columns.target, (*columns.learned[1:], *LABELS))
    if label is None and names[-1] not in columns.features and not any(columns.learned[1:]):
        label = len(names) - 1
    features = _features(named, columns, {label})
    rows = []
    for cells, place in zip(named.rows, named.places, strict=True):
        target = None if label is None else _label(cells[label], place)
        rows.append(Example(_numbers(cells, features, place, names), target, place))
    return gather(grid.name, rows, tuple(names[i] for i in features), note_missing(rows))


def _is_header(row: Sequence[str], columns: Columns) -> bool:
    if columns.header is not None:
        return columns.header
    return not all(is_number(cell) for cell in row[:-1])


def is_long(header: Sequence[str]) -> bool:
    """Whether a header names an id and a time."""
    names = {name.casefold() for name in header}
    return not (names.isdisjoint(IDS) or names.isdisjoint(TIMES))


def read_long(grid: Grid, columns: Columns) -> Examples[Array, str]:
    """The series of a long table, (T, D) each, in the order in which they begin.

    Its header names an id (`IDS`), a time (`TIMES`), and perhaps a label, the same in all rows of an id;
    all else are the D numbers. The rows of an id are sorted by time, by its number, or as a text where
    it is none (2026-01-31). Raises InputError naming line and column, also for a time that occurs twice.
    """
    grid = grid if grid.header else grid.with_header()
    grid.check_widths()
    name, time = grid.find(None, IDS), grid.find(None, TIMES)
    if name is None or time is None:
        rule = f"must have a column {IDS[0]} and a column {TIMES[0]}"
        raise InputError(grid.name, rule, ", ".join(grid.header), "Call them so")
    label = grid.find(columns.target, (*columns.learned[1:], *LABELS))
    features = _features(grid, columns, {name, time, label})
    times = _times(grid, time)
    groups: dict[str, list[int]] = {}
    for i, cells in enumerate(grid.rows):
        groups.setdefault(cells[name], []).append(i)
    rows = []
    for key, members in groups.items():
        steps = _ordered(grid, members, times)
        values = [_numbers(grid.rows[i], features, grid.places[i], grid.header) for i in steps]
        target = None if label is None else _one_label(grid, members, label)
        rows.append(Example(np.stack(values), target, grid.places[members[0]], key))
    return gather(grid.name, rows, tuple(grid.header[i] for i in features), note_missing(rows))


def _features(grid: Grid, columns: Columns, others: set[int | None]) -> list[int]:
    """The columns of the numbers: those of the model, or all but `others`."""
    if columns.features:
        found = [grid.find(name, ()) for name in columns.features]
        return [i for i in found if i is not None]
    features = [i for i in range(len(grid.header)) if i not in others]
    if not features:
        raise InputError(grid.name, "must have a column of numbers", ", ".join(grid.header))
    return features


def _numbers(cells: Sequence[str], features: Sequence[int], place: str, names: Sequence[str]) -> Array:
    return read_numbers([cells[i] for i in features], place, [f"column {names[i]}" for i in features])


def _label(cell: str, place: str) -> str:
    if not cell.strip():
        raise InputError(place, "must have a label", "an empty cell", "Add it, or remove the row")
    return cell.strip()


def _one_label(grid: Grid, members: Sequence[int], label: int) -> str:
    first = _label(grid.rows[members[0]][label], grid.places[members[0]])
    for i in members:
        if grid.rows[i][label].strip() != first:
            rule = f"all rows of a series have one label, {first} at {grid.places[members[0]]}"
            raise InputError(grid.places[i], rule, repr(grid.rows[i][label]))
    return first


def _times(grid: Grid, time: int) -> list[float] | list[str]:
    """The time of each row: all as numbers, or all as texts."""
    cells = [row[time] for row in grid.rows]
    for cell, place in zip(cells, grid.places, strict=True):
        if is_missing(cell):
            raise InputError(place, "must have a time", "none", "Add it, or remove the row")
    return [float(cell) for cell in cells] if all(map(is_number, cells)) else cells


def _ordered(grid: Grid, members: Sequence[int], times: Sequence[float | str]) -> list[int]:
    """The rows of a series in the order of time."""
    order = sorted(members, key=lambda i: times[i])
    for before, i in pairwise(order):
        if times[before] == times[i]:
            raise InputError(grid.places[i], "a series has one row for each time", times[i])
    return order
