"""The choice of the column of a table that is the label, where no name says so."""

from __future__ import annotations

from collections.abc import Sequence

from bptt.data.readers.numbers import is_like_number, is_missing, is_number
from bptt.errors import InputError

Row = Sequence[str]

# Of two columns that both may be classes, one is the label only if the other has this many times more values:
# ages beside two classes, not ten classes beside a feature of two values.
_CLEARLY = 8


def may_be_table(rows: Sequence[Row], label: int | None) -> bool:
    """Return whether all cells are numbers but those of one column: of `label`, or of the last, or, if they
    repeat beside several columns of numbers, of any other. So are those spelt otherwise (1,5): the reader
    says so.
    """
    width = len(rows[0])
    words: set[int] = set()
    for row in rows:
        words.update(i for i, cell in enumerate(row) if not is_like_number(cell))
        if len(row) != width or len(words) > 1:
            return False
    if label is None and words and width > 2 and words != {width - 1}:
        (column,) = words
        return len({row[column] for row in rows}) <= len(rows) / 2
    return width > 1 and words <= {width - 1 if label is None else label}


def label_leads(rows: Sequence[Row]) -> bool | None:
    """Return whether the first of columns of numbers may name classes and the last may not, or not as well;
    False if only the last may; None if neither may.
    """
    first, last = _classes([row[0] for row in rows]), _classes([row[-1] for row in rows])
    return None if not first and not last else bool(first) and (not last or first <= last)


def place_of_label(rows: Sequence[Row], where: str) -> int:
    """Return the column of the label in a table without a header.

    It is the only column of words; else the first or the last one, whichever may name classes: whole numbers
    that repeat. If neither may, it is the last. Raises InputError if both may, and neither clearly so.
    """
    last = len(rows[0]) - 1
    words = [i for i in (0, last) if not all(is_number(row[i]) for row in rows)] or columns_of_words(rows)
    if words:
        return words[-1]
    first_many, last_many = _classes([row[0] for row in rows]), _classes([row[last] for row in rows])
    if not first_many or not last_many:
        return 0 if first_many else last
    if _CLEARLY * min(first_many, last_many) <= max(first_many, last_many):
        return 0 if first_many < last_many else last
    came = f"column 1 with {first_many} different whole numbers, column {last + 1} with {last_many}"
    cure = f"Name it: `target_column` 1, or `target_column` {last + 1}"
    raise InputError(where, "must show which column is the label", came, cure)


def columns_of_words(rows: Sequence[Row]) -> list[int]:
    """Return the columns in which a cell is neither a number nor a number in another spelling."""
    return [i for i in range(len(rows[0])) if not all(is_like_number(row[i]) for row in rows)]


def _classes(cells: Sequence[str]) -> int:
    """Return how many classes the cells may name: whole numbers, each of which occurs twice on average;
    else 0.
    """
    if any(is_missing(cell) or not float(cell).is_integer() for cell in cells):
        return 0
    different = len({float(cell) for cell in cells})
    return different if 2 <= different <= len(cells) / 2 else 0
