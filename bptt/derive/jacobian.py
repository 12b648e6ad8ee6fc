"""The linearised step of a cell: forward mode over the normal form, and the Jacobian ∂s_t/∂s_{t-1}.

∂v stands for the change of v when inputs, previous states and parameters change by ∂x, ∂h_prev, ∂W. It is
the transpose of the adjoint, found by the other mode of differentiation: ⟨δ, J u⟩ = ⟨Jᵀ δ, u⟩ tests
both. With ∂x and the parameters held fixed it is the map whose product over time vanishes or explodes.
"""

from __future__ import annotations

from dataclasses import dataclass

from bptt.cells.caching import cached_by_cell
from bptt.cells.cell import Cell
from bptt.cells.expression import ZERO, Expression, RowCall, Symbol, add, symbols
from bptt.derive.differentiate import partial
from bptt.derive.normal_form import EquationStep, MatrixProduct, NormalForm, normal_form

CHANGE = "∂"


@dataclass(frozen=True)
class Jacobian:
    """Steps for ∂v of every value v, in order. `states_only` keeps ∂x and the parameters at zero."""

    cell: Cell
    steps: tuple[EquationStep, ...]
    states_only: bool


@cached_by_cell
def jacobian(cell: Cell, states_only: bool = False) -> Jacobian:
    """Derive the linear step with respect to everything, or to the previous states alone."""
    form = normal_form(cell)
    moving = (
        set(form.previous) if states_only else {*form.previous, *cell.inputs, *cell.vectors, *cell.matrices}
    )
    steps = []
    for step in form.steps:
        linear = _linearise(form, step, moving)
        if linear.products or linear.rest != ZERO or not states_only:
            moving.add(step.target)
            steps.append(linear)
    return Jacobian(cell, tuple(steps), states_only)


def _linearise(form: NormalForm, step: EquationStep, moving: set[str]) -> EquationStep:
    products = [MatrixProduct(p.matrix, CHANGE + p.vector) for p in step.products if p.vector in moving]
    products += [MatrixProduct(CHANGE + p.matrix, p.vector) for p in step.products if p.matrix in moving]
    terms = [
        Symbol(CHANGE + name) * partial(step, name, form.width(name))
        for name in symbols(step.rest)
        if name in moving
    ]
    rest: Expression = add(*terms)
    if isinstance(step.rest, RowCall) and rest != ZERO:
        rest = RowCall("sum", rest)
    return EquationStep(CHANGE + step.target, step.width, tuple(products), rest)
