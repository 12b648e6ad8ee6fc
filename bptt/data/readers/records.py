"""The column that names or numbers the records of a file, so that a model must not learn from it."""

from __future__ import annotations

import re
from collections.abc import Container, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

from bptt.data.readers.numbers import is_missing, is_number

if TYPE_CHECKING:
    from bptt.data.readers.grid import Grid

Row = Sequence[str]

# Columns that name a record, so that its answer can be joined to it.
RECORDS = (
    *"id idx index key uid guid name nr nr. no no. # row row_id sentence_id text_id textid 编号 序号".split(),
    # An index that pandas has written without a name, and read again.
    "unnamed: 0",
)
_NAMES = frozenset((*RECORDS, *"case sample record observation".split(), ""))
# patient_id, Sample ID, PassengerId, row number, and what pandas calls a column without a name.
_ENDING = re.compile(r"(?i:.*[_\s.-]id|row[_\s]?(number|names?|nr|id)|unnamed: ?\d+)|.*[a-z](Id|ID)")
# Fewer rows may hold 1, 2, 3 by chance.
_ENOUGH = 4
# Longer ones are codes; and int() refuses thousands of digits.
_MOST_DIGITS = 18


def record_column(grid: Grid) -> int | None:
    """Return the column of a usual name (`RECORDS`), or the first one if it numbers three columns or more:
    it has no name, or its cells are whole numbers that ascend.
    """
    named = grid.find(None, RECORDS)
    if named is not None:
        return named
    first = [row[0] for row in grid.rows if row]
    unnamed = bool(grid.header) and not grid.header[0].strip()
    if unnamed and len(set(first)) == len(first):
        return 0
    wide = len(grid.header or grid.rows[0]) > 2
    return 0 if wide and len(first) > 1 and ascends(first) else None


def ascends(cells: Sequence[str]) -> bool:
    """Return whether cells are whole numbers, each greater than the one before."""
    return are_whole(cells) and all(int(a) < int(b) for a, b in pairwise(cells))


def are_whole(cells: Sequence[str]) -> bool:
    """Return whether cells are whole numbers of at most 18 digits."""
    return all(cell.strip().isdecimal() and len(cell.strip()) <= _MOST_DIGITS for cell in cells)


def find_row_names(header: Row, rows: Sequence[Row], others: Container[int | None]) -> int | None:
    """Return the first column, none of the `others`, whose header names records (Id, Nr, none) and whose
    cells are all different, whole numbers or words; without a header the first, if it counts the rows.
    """
    if not header:
        counts = 0 not in others and len(rows) >= _ENOUGH and counts_rows([row[0] for row in rows])
        return 0 if counts else None
    for i, name in enumerate(header):
        if i not in others and _names_records(name) and _are_names([row[i].strip() for row in rows]):
            return i
    return None


def counts_rows(cells: Sequence[str]) -> bool:
    """Return whether cells are 0, 1, 2, or 1, 2, 3, and so on."""
    return any([cell.strip() for cell in cells] == list(map(str, range(n, n + len(cells)))) for n in (0, 1))


def are_different_numbers(cells: Sequence[str]) -> bool:
    """Return whether cells are whole numbers, no two of them equal."""
    if not all(is_number(cell) and not is_missing(cell) for cell in cells):
        return False
    return all(float(cell).is_integer() for cell in cells) and len(set(cells)) == len(cells)


def _names_records(name: str) -> bool:
    return name.strip().casefold() in _NAMES or bool(_ENDING.fullmatch(name.strip()))


def _are_names(cells: Sequence[str]) -> bool:
    words = all(cell and not is_number(cell) for cell in cells) and len(set(cells)) == len(cells)
    return words or are_different_numbers(cells)
