"""The Jacobians of a run: how the states of each step change with those of the step before."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from torch import Tensor

from bptt.cells.cell import Cell
from bptt.errors import InputError
from bptt.runtime.reference.jacobian import JacobianMap as JacobianMap
from bptt.runtime.reference.jacobian import jacobians as by_reference
from bptt.runtime.values import reference_problem


def jacobians(
    cell: Cell, x: Tensor, initial: Sequence[Tensor], parameters: Sequence[Tensor], *, reverse: bool = False
) -> Iterator[JacobianMap]:
    """Yield J_t = ∂s_t/∂s_{t-1} of each step of one sequence, by the linearised equations.

    s concatenates all states, N numbers. Each J_t is a function that maps changes of s_{t-1}, one per row,
    (K, N), to the changes of s_t, in the dtype of the run. They come in the order in which time runs: the
    last step of x first if `reverse`. Arguments are those of `runtime.operators.run`, with x (T, 1, I).
    Their products carry δ through time (R3 in docs/equations.md).

    Raises InputError if the cell has no states, x has several sequences, or shapes do not fit.
    """
    problem = reference_problem(cell, x, initial, parameters, None, reverse)
    if not cell.states:
        raise InputError(f"jacobians({cell.name})", "the cell carries states", "none")
    if x.shape[1] != 1:
        raise InputError(f"jacobians({cell.name})", "a Jacobian is that of one sequence", x.shape[1])
    return by_reference(problem)
