"""The sums of a cell that its input takes part in: the net of each gate."""

from __future__ import annotations

from bptt.cells.caching import cached_by_cell
from bptt.cells.cell import Cell
from bptt.derive.normal_form import normal_form


@cached_by_cell
def input_sums(cell: Cell) -> tuple[str, ...]:
    """Return the names of these sums, in the order of the equations."""
    inputs = set(cell.inputs)
    return tuple(s.target for s in normal_form(cell).steps if any(p.vector in inputs for p in s.products))
