"""Cells compared by their weights: at equal size, and at an equal budget of weights."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass

from bptt.cells.cell import Cell
from bptt.errors import InputError


@dataclass(frozen=True)
class Count:
    """The weights of a cell at a common size, and its hidden size at a common budget."""

    cell: Cell
    weights: int
    hidden_at_budget: int
    weights_at_budget: int


def compare(
    cells: Iterable[Cell], input_size: int, hidden_size: int, budget: int | None = None
) -> list[Count]:
    """Count every cell with I inputs and H hidden units; a projection has P = H/2, rounded down.

    `budget` is a number of weights; by default what the first cell has. The hidden size at the
    budget is the largest whose weights do not exceed it. Raises InputError for sizes below 1.
    """
    for name, value in (("input", input_size), ("hidden", hidden_size), ("budget", budget)):
        if value is not None and value < 1:
            raise InputError("bptt cells", f"{name} is at least 1", value)
    chosen = list(cells)
    limit = budget or _weights(chosen[0], input_size, hidden_size)
    return [_count(cell, input_size, hidden_size, limit) for cell in chosen]


def _count(cell: Cell, input_size: int, hidden_size: int, budget: int) -> Count:
    candidates = range(budget + 1)
    fitting = bisect_right(candidates, budget, key=lambda h: _weights(cell, input_size, h)) - 1
    return Count(
        cell,
        _weights(cell, input_size, hidden_size),
        fitting,
        _weights(cell, input_size, fitting),
    )


def _weights(cell: Cell, input_size: int, hidden_size: int) -> int:
    return cell.count({"I": input_size, "H": hidden_size, "P": hidden_size // 2})
