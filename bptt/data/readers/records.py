"""Which column names the records of a file: it is no text, no label and no number to learn from."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from bptt.data.readers.grid import Grid

# Columns that name a record, so that its answer can be joined to it.
RECORDS = (
    *"id idx index key uid guid name nr nr. no no. # row row_id sentence_id text_id textid 编号 序号".split(),
    # An index that pandas has written without a name, and read again.
    "unnamed: 0",
)
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
    """Whether cells are whole numbers, each greater than the one before."""
    return are_whole(cells) and all(int(a) < int(b) for a, b in pairwise(cells))


def are_whole(cells: Sequence[str]) -> bool:
    """Whether cells are whole numbers of at most 18 digits."""
    return all(cell.strip().isdecimal() and len(cell.strip()) <= _MOST_DIGITS for cell in cells)
