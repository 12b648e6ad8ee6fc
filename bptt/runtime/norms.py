"""How large the gradients are that pass through a recurrence: what a backward pass can hand out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

from torch import Tensor

from bptt.cells.caching import cached_by_cell
from bptt.cells.cell import Cell
from bptt.derive.normal_form import normal_form


@dataclass(frozen=True, eq=False)
class Norms:
    """The norms, over the units, of what a backward pass carries through each step of each row, in float64.

    `delta` (T, B, sums) are ‖∂E/∂v_t‖ of the sums v that the input takes part in: the net of each gate,
    named by `sums`. `carried` (T, B, states) are ‖∂E/∂s_{t-1}‖, what step t hands on to the step before, for
    each state s of `states`, the others held fixed. Both are zero in the padding.
    """

    sums: tuple[str, ...]
    delta: Tensor
    states: tuple[str, ...]
    carried: Tensor

    @property
    def net(self) -> Tensor:
        """‖∂E/∂net_t‖ (T, B), all sums of a step taken together."""
        return self.delta.square().sum(-1).sqrt()


# Is given what a backward pass went by.
Observer: TypeAlias = Callable[[Norms], None]


@cached_by_cell
def input_sums(cell: Cell) -> tuple[str, ...]:
    """The sums of a cell that its input takes part in."""
    inputs = set(cell.inputs)
    return tuple(s.target for s in normal_form(cell).steps if any(p.vector in inputs for p in s.products))
