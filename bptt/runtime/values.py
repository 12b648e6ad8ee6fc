"""The values inside a recurrence: all that its equations name, at every step, in torch operations."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from bptt.cells.cell import Cell
from bptt.codegen.plan import plan
from bptt.derive.normal_form import normal_form
from bptt.errors import InputError
from bptt.runtime.arguments import check_arguments
from bptt.runtime.narrow import only_matrices
from bptt.runtime.reference.forward import forward
from bptt.runtime.reference.padding import zero_padding
from bptt.runtime.reference.problem import Problem, problem_of


def values(
    cell: Cell,
    x: Tensor,
    initial: Sequence[Tensor],
    parameters: Sequence[Tensor],
    names: Sequence[str],
    *,
    lengths: Tensor | None = None,
    reverse: bool = False,
) -> dict[str, Tensor]:
    """Return the sequences (T, B, width) of named values: states, gates, sums and calls of the normal form.

    The arguments are those of `bptt.runtime.operators.run`. In the padding a state keeps its value, and
    every other value is zero. Torch's autograd differentiates the results. Raises InputError if the cell has
    no value of a name, or the arguments do not fit.
    """
    known = [step.target for step in normal_form(cell).steps]
    if unknown := [name for name in names if name not in known]:
        raise InputError(f"cell {cell.name!r}", f"its values are {', '.join(known)}", ", ".join(unknown))
    problem = reference_problem(cell, x, initial, parameters, lengths, reverse)
    found = forward(problem, names)
    return {
        name: (value if name in cell.states else zero_padding(value, problem.valid)).to(x.dtype)
        for name, value in found.items()
    }


def reference_problem(
    cell: Cell,
    x: Tensor,
    initial: Sequence[Tensor],
    parameters: Sequence[Tensor],
    lengths: Tensor | None,
    reverse: bool,
) -> Problem:
    """Check the arguments of `bptt.runtime.operators.run`, and return them as a problem."""
    check_arguments(
        cell,
        x.shape,
        tuple(state.shape for state in initial),
        tuple(stack.shape for stack in parameters),
        None if lengths is None else lengths.shape,
    )
    x, initial, parameters = only_matrices(x, initial, parameters)
    return problem_of(plan(cell), (x, *initial, *parameters), lengths, reverse)
