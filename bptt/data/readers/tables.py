"""Columns of numbers: a table whose rows are examples, or a long one whose rows are steps of series."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from itertools import pairwise
from typing import Any, NamedTuple

import numpy as np

from bptt.data.examples import Array, Example, Examples, gather, mapped
from bptt.data.readers.grid import LABELS, Columns, Grid, check_width
from bptt.data.readers.headers import IDS, TIMES
from bptt.data.readers.numbers import is_like_number, note_missing, read_numbers
from bptt.data.readers.table_columns import known_columns, names_without_header, shown_columns
from bptt.data.readers.times import read_times
from bptt.errors import InputError


class FoundTable(NamedTuple):
    """The rows of a table as they were read, the columns of their numbers and of their label, and notes."""

    grid: Grid
    rows: Sequence[Example[Array, str]]
    features: Sequence[int]
    label: int | None
    notes: tuple[str, ...]

    def gather(self, rows: Sequence[Example[Array, Any]], columns: Columns) -> Examples[Array, Any]:
        """Return these rows, or what was made of them, as examples."""
        return _gather(
            self.grid, rows, self.features, self.label, (*self.notes, *note_missing(rows)), columns
        )


def read_table(grid: Grid, columns: Columns) -> Examples[Array, str]:
    """Read the rows of a table, (D,) each.

    The first row is a header if the user says so, or if it holds, before its last cell, something that is
    no number above a number; columns without a header are named 1, 2, and so on. The label is the column
    `columns.target`, or one of a usual name (`LABELS`), or the last; without a header the one that
    `place_of_label` finds. A column that names the rows (`find_row_names`) is no number to learn from. With
    `columns.features` these are the numbers, in this order, and a table without another column has no labels.
    Raises InputError naming line and column.
    """
    table = find_rows(grid, columns)
    return table.gather(table.rows, columns)


def find_rows(grid: Grid, columns: Columns) -> FoundTable:
    """Return the rows of a table as `read_table` does; those that stay in their file are read, and checked,
    when they are asked for.
    """
    if not grid.header and is_header(grid.rows, columns):
        grid = grid.with_header()
    head = grid.head
    head.check_widths()
    named = replace(head, header=grid.header or names_without_header(head, columns))
    if columns.features:
        label, name, notes = known_columns(head, named, columns)
    else:
        label, name, notes = shown_columns(head, named, columns)
    features = _features(named, columns, {label, name})

    def example(cells: Sequence[str], place: str) -> Example[Array, str]:
        check_width(cells, place, len(named.header))
        target = None if label is None else _label(cells[label], place, columns)
        values = _numbers(cells, features, place, named.header)
        return Example(values, target, place, "" if name is None else cells[name].strip())

    return FoundTable(named, mapped(grid.rows, grid.places, example), features, label, notes)


def is_header(rows: Sequence[Sequence[str]], columns: Columns) -> bool:
    """Return whether the first row has, before its last cell, something that is no number above a number; no
    known label, as of a single row that was typed.
    """
    if columns.header is not None:
        return columns.header
    first = enumerate(rows[0][:-1])
    words = [i for i, cell in first if not is_like_number(cell) and cell.strip() not in columns.classes]
    below = rows[1] if len(rows) > 1 else ()
    return any(i >= len(below) or is_like_number(below[i]) for i in words)


def read_long(grid: Grid, columns: Columns) -> Examples[Array, str]:
    """Return the series of a long table, (T, D) each, in the order in which they begin.

    Its header names an id (`IDS`), a time (`TIMES`), and perhaps a label, the same in all rows of an id;
    all else are the D numbers. The rows of an id are sorted by time: numbers, clock times or dates
    (`read_times`). Raises InputError naming line and column, also for a time that occurs twice.
    """
    grid = grid if grid.header else grid.with_header()
    grid.check_widths()
    name, time = grid.find(None, IDS), grid.find(None, TIMES)
    if name is None or time is None:
        rule = f"must have a column {IDS[0]} and a column {TIMES[0]}"
        raise InputError(grid.name, rule, ", ".join(grid.header), "Call them so")
    known = {name.casefold() for name in columns.features}
    usual = [name for name in (*columns.learned[1:], *LABELS) if name.casefold() not in known]
    label = grid.find(columns.target, usual)
    features = _features(grid, columns, {name, time, label})
    times = read_times([cells[time] for cells in grid.rows], grid.places)
    groups: dict[str, list[int]] = {}
    for i, cells in enumerate(grid.rows):
        groups.setdefault(cells[name], []).append(i)
    rows = []
    for key, members in groups.items():
        steps = _ordered(grid, members, times, time)
        values = [_numbers(grid.rows[i], features, grid.places[i], grid.header) for i in steps]
        target = None if label is None else _one_label(grid, members, label, columns)
        rows.append(Example(np.stack(values), target, grid.places[members[0]], key))
    return _gather(grid, rows, features, label, note_missing(rows), columns)


def _features(grid: Grid, columns: Columns, others: set[int | None]) -> list[int]:
    """Return the columns of the numbers: those of the model, or all but `others`."""
    if columns.features:
        numbers = {name.casefold(): i for i, name in enumerate(grid.header)}
        absent = next((name for name in columns.features if name.casefold() not in numbers), None)
        # Found to be missing, with the error that names it.
        grid.find(absent, ())
        return [numbers[name.casefold()] for name in columns.features]
    features = [i for i in range(len(grid.header)) if i not in others]
    if not features:
        raise InputError(grid.name, "must have a column of numbers", ", ".join(grid.header))
    return features


def _numbers(cells: Sequence[str], features: Sequence[int], place: str, names: Sequence[str]) -> Array:
    return read_numbers([cells[i] for i in features], place, lambda i: f"column {names[features[i]]}")


def _gather(
    grid: Grid,
    rows: Sequence[Example[Array, str]],
    features: Sequence[int],
    label: int | None,
    notes: tuple[str, ...],
    columns: Columns,
) -> Examples[Array, str]:
    """Return the examples, with the names of the columns that were read."""
    found = gather(grid.name, rows, tuple(grid.header[i] for i in features), notes, columns.labelled)
    return found if label is None else replace(found, found=("", grid.header[label]))


def _label(cell: str, place: str, columns: Columns) -> str | None:
    """Return the label in a cell; None for an empty one of a row that is to be answered."""
    if not cell.strip():
        if not columns.labelled:
            return None
        raise InputError(place, "must have a label", "an empty cell", "Add it, or remove the row")
    return cell.strip()


def _one_label(grid: Grid, members: Sequence[int], label: int, columns: Columns) -> str | None:
    first = _label(grid.rows[members[0]][label], grid.places[members[0]], columns)
    for i in members:
        if grid.rows[i][label].strip() != (first or ""):
            rule = f"all rows of a series have one label, {first} at {grid.places[members[0]]}"
            raise InputError(grid.places[i], rule, repr(grid.rows[i][label]))
    return first


def _ordered(grid: Grid, members: Sequence[int], times: Sequence[float], time: int) -> list[int]:
    """Return the rows of a series in the order of time."""
    order = sorted(members, key=lambda i: times[i])
    for before, i in pairwise(order):
        if times[before] == times[i]:
            raise InputError(grid.places[i], "a series has one row for each time", grid.rows[i][time])
    return order
