"""One time step of one sequence in numbers: every value, and every δ, that the equations name."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from bptt.cells.cell import Cell
from bptt.derive.adjoint import FROM_LOSS, FROM_NEXT, adjoint
from bptt.derive.arithmetic import FLOATS
from bptt.derive.evaluate import Matrix, Point, Vector, forward, run


@dataclass(frozen=True)
class StepValues:
    """The numbers of a step, by the names that the derivation uses.

    `values` holds inputs, previous states, vector parameters, constants, all values, `loss_h` and `next_h`
    (what the losses at this step and after it say of a state), and the δ.
    """

    cell: Cell
    values: Mapping[str, Vector]
    matrices: Mapping[str, Matrix]


def evaluate_step(
    cell: Cell, point: Point, loss: Mapping[str, Vector], later: Mapping[str, Vector]
) -> StepValues:
    """Evaluate the first step of `point`, forward and backward.

    `loss[s]` is what the loss at this step says of a state, or of the output, and `later[s]` what those
    of later steps say of a state.
    """
    here = dict(forward(cell, point).values[0])
    here |= {FROM_LOSS + name: vector for name, vector in loss.items()}
    here |= {FROM_NEXT + name: vector for name, vector in later.items()}
    run(adjoint(cell).steps, here, point.matrices, FLOATS)
    return StepValues(cell, here, point.matrices)
