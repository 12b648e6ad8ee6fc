"""The role of each column of a table: the label, a number, the name of its row, or of no meaning to a
model.
"""

from __future__ import annotations

from bptt.data.examples import numbered
from bptt.data.readers.grid import LABELS, Columns, Grid
from bptt.data.readers.label_place import columns_of_words, place_of_label
from bptt.data.readers.numbers import is_number
from bptt.data.readers.records import are_different_numbers, counts_rows, find_row_names
from bptt.errors import InputError

# The column of the label, that of the names of the rows, and what to say about them.
Roles = tuple[int | None, int | None, tuple[str, ...]]

# Columns of a table without a header are named 1, 2, and so on.
_FIRST = "1"


def shown_columns(grid: Grid, named: Grid, columns: Columns) -> Roles:
    """Return the columns of a table to learn from, as detected; `named` is `grid` with names in any case."""
    names = named.header
    label = named.find(columns.target, (*columns.learned[1:], *LABELS))
    # Of two columns one is the number.
    name = find_row_names(grid.header, grid.rows, {label}) if len(names) > 2 else None
    notes = () if name is None else (_said(grid, name),)
    others = [i for i in range(len(names)) if i != name]
    if label is not None or not others:
        return label, name, notes
    if grid.header:
        words = [i for i in columns_of_words(grid.rows) if i in others]
        if len(words) != 1 or words[0] == others[-1]:
            return others[-1], name, notes
        said = f'"{grid.header[words[0]]}" is the label: its cells are no numbers'
        return words[0], name, (*notes, f"{said} (`target_column` says otherwise)")
    place = place_of_label([[row[i] for i in others] for row in grid.rows], grid.name)
    if place:
        return others[place], name, notes
    said = f"no header: column {names[others[0]]} is the label (`target_column` says otherwise)"
    return others[0], name, (*notes, said)


def known_columns(grid: Grid, named: Grid, columns: Columns) -> Roles:
    """Return the columns of a table for a model that knows its features, and perhaps its label."""
    names, features = named.header, {name.casefold() for name in columns.features}
    taken: set[int | None] = {i for i, name in enumerate(names) if name.casefold() in features}
    knows = any(columns.learned[1:])
    usual = [name for name in (*columns.learned[1:], *LABELS) if name.casefold() not in features]
    label = named.find(columns.target, usual)
    if grid.header:
        name = find_row_names(names, grid.rows, taken | {label})
    else:
        name = 0 if label != 0 and names[0] == _FIRST and _names_rows(columns) else None
    if label is not None or (knows and not columns.labelled):
        return label, name, ()
    others = [i for i in (len(names) - 1, 0) if i not in taken and i != name]
    label = next((i for i in others if i or not grid.header), None)
    said = (f"column {names[label]} is the label",) if knows and label is not None else ()
    return label, name, said


def _said(grid: Grid, name: int) -> str:
    which = f'"{grid.header[name]}"' if grid.header and grid.header[name] else str(name + 1)
    cure = "another name" if grid.header else "a header"
    return f"column {which} names the rows: it is no feature ({cure} makes it one)"


def names_without_header(grid: Grid, columns: Columns) -> tuple[str, ...]:
    """Return the names of columns without a header: those of the features of a model, if it has as many, else
    their numbers in the table that was learned from, which may have had a column of names or a label more.

    Raises InputError if one column is missing and the cells do not show which.
    """
    width, features = len(grid.rows[0]), columns.features
    if width == len(features):
        return features
    every = numbered(len(features) + 2)
    if not _names_rows(columns) or width != len(every) - 1:
        return numbered(width)
    label = columns.learned[1]
    nameless, unlabelled = every[1:], tuple(name for name in every if name != label)
    first = [row[0] for row in grid.rows]
    last = [row[nameless.index(label)].strip() for row in grid.rows]
    may_be_labels = set(last) <= set(columns.classes)
    if may_be_labels and not (counts_rows(first) and all(map(is_number, last))):
        return nameless
    if not may_be_labels and are_different_numbers(first):
        return unlabelled
    rule = (
        f"must have {len(features)} columns of numbers, or also the label and, first, the number of the row"
    )
    raise InputError(
        grid.places[0], rule, f"{width} columns", "Leave out both, or add the one that is missing"
    )


def _names_rows(columns: Columns) -> bool:
    """Return whether a model learned from a table without a header whose first column numbers the rows."""
    label = "".join(columns.learned[1:])
    known = {*columns.features, label}
    return label.isdecimal() and _FIRST not in known and all(map(str.isdecimal, columns.features))
