"""Numbers in cells of text."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from math import isfinite, isnan
from typing import TYPE_CHECKING

import numpy as np

from bptt.errors import InputError

if TYPE_CHECKING:
    from bptt.data.examples import Array, Example

# Spellings of a value that was not measured; it is read as NaN.
_MISSING = frozenset({"", "?", "na", "n/a", "nan", "null", "none"})

# Numbers as they are written elsewhere, and what to write instead.
_SPELT = (
    (re.compile(r"[+-]?\d{1,3}(,\d{3})+"), "A comma is no part of a number: write 1100, or 1.1, for 1,100"),
    (re.compile(r"[+-]?\d*,\d+([eE][+-]?\d+)?"), "Write a point for the decimal comma: 1.5 for 1,5"),
    (re.compile(r"[+-]?\d{1,3}(,\d{3})+\.\d+"), "Leave out the thousands separators: 1100.5 for 1,100.5"),
    (re.compile(r"[+-]?\d{1,3}(\.\d{3})+(,\d+)?"), "Write 1100.5 for 1.100,5"),
    (
        re.compile(r"[+-]?\d{1,3}(['’ \u00a0\u2009\u202f]\d{3})+([.,]\d+)?"),
        "Leave out what separates thousands",
    ),
    (re.compile(r"[+-]?\d+([.,]\d+)?\s*%"), "Leave out the percent sign"),
    (re.compile(r"(?i)true|false"), "Write 1 for true and 0 for false"),
)

_LARGEST = float(np.finfo(np.float32).max)


def is_number(cell: str) -> bool:
    """Return whether a cell holds a number, or a mark for a missing one."""
    try:
        float(cell)
    except ValueError:
        return cell.strip().casefold() in _MISSING
    return True


def finite(cell: str) -> float | None:
    """Return the number of a cell; None for infinity, a missing number, and what is none."""
    try:
        value = float(cell)
    except ValueError:
        return None
    return value if isfinite(value) else None


def is_like_number(cell: str) -> bool:
    """Return whether a cell is a number, or would be one in a spelling that is read: 1,5 or 1,100 or True is
    not.
    """
    return is_number(cell) or _cure(cell) is not None


def _cure(cell: str) -> str | None:
    """Return the cure for a number that is spelt otherwise."""
    return next((cure for sign, cure in _SPELT if sign.fullmatch(cell.strip())), None)


def number_name(i: int) -> str:
    """Return the name of cell `i` where columns have none."""
    return f"number {i + 1}"


def read_numbers(cells: Sequence[str], place: str, name: Callable[[int], str] = number_name) -> Array:
    """Return the numbers of cells, (D,) float32, NaN for a missing one.

    Raises InputError with `place`, and the `name` of the cell, for a cell that is no number or one that
    float32 cannot hold.
    """
    try:
        values = [float(cell) for cell in cells]
    except ValueError:
        values = [_read(cell, place, name, i) for i, cell in enumerate(cells)]
    wrong = next((i for i, value in enumerate(values) if abs(value) > _LARGEST), None)
    if wrong is not None:
        raise InputError(place, "must be a finite number of float32", cells[wrong])
    return np.array(values, np.float32)


def note_missing(rows: Iterable[Example[Array, str]]) -> tuple[str, ...]:
    """Return a note on the numbers that are missing; none if all are there."""
    total, first = 0, ""
    for row in rows:
        if count := int(np.isnan(row.input).sum()):
            total, first = total + count, first or row.place
    return (f"missing: {total:,} numbers, read as NaN, the first at {first}",) if total else ()


def _read(cell: str, place: str, name: Callable[[int], str], i: int) -> float:
    try:
        return float(cell)
    except ValueError:
        if cell.strip().casefold() in _MISSING:
            return float("nan")
    raise InputError(
        place, f"{name(i)} must be a number", repr(cell), _cure(cell) or "Code categories as numbers"
    )


def is_missing(cell: str) -> bool:
    """Return whether a cell marks a number that is missing."""
    try:
        return isnan(float(cell))
    except ValueError:
        return cell.strip().casefold() in _MISSING
