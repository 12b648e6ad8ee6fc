"""The backward equations of numbered steps for the loss of the last step alone, without zero terms."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass

from bptt.cells.cell import Cell
from bptt.cells.expression import ZERO, Expression, Symbol, rebuild
from bptt.cells.language import PREVIOUS
from bptt.derive.adjoint import DELTA, FROM_LOSS, FROM_NEXT, adjoint
from bptt.derive.normal_form import EquationStep


@dataclass(frozen=True)
class FollowedStep:
    """The equations of one step: `arriving` states get a δ from the step after, `handed` ones pass it on."""

    step: int
    equations: tuple[EquationStep, ...]
    arriving: tuple[str, ...]
    handed: tuple[str, ...]


def follow_loss(cell: Cell, last: int) -> tuple[FollowedStep, ...]:
    """Follow the loss of step `last`, which reads the output, back to step 1.

    The steps come in the order of the backward pass. A step that the loss does not reach has no equations.
    """
    steps: list[FollowedStep] = []
    arriving: tuple[str, ...] = ()
    for step in range(last, 0, -1):
        sources = {FROM_NEXT + state for state in arriving}
        if step == last:
            sources.add(FROM_LOSS + cell.output)
        equations = _reached(cell, sources)
        targets = {equation.target for equation in equations}
        handed = tuple(state for state in cell.states if DELTA + state + PREVIOUS in targets)
        steps.append(FollowedStep(step, equations, arriving, handed))
        arriving = handed
    return tuple(steps)


def _reached(cell: Cell, sources: Set[str]) -> tuple[EquationStep, ...]:
    """Return the backward equations in which only `sources` come from outside, all others being zero."""
    outside = {FROM_NEXT + state for state in cell.states}
    outside |= {FROM_LOSS + name for name in (*cell.states, cell.output)}
    zeros = outside - sources
    kept = []
    for step in adjoint(cell).steps:
        rest = _without(step.rest, zeros)
        products = tuple(p for p in step.products if p.vector not in zeros)
        if rest == ZERO and not products:
            zeros.add(step.target)
        else:
            kept.append(EquationStep(step.target, step.width, products, rest))
    return tuple(kept)


def _without(expression: Expression, zeros: Set[str]) -> Expression:
    """Put zero for names in an expression, which is linear in them."""
    if isinstance(expression, Symbol):
        return ZERO if expression.name in zeros else expression
    return rebuild(expression, lambda child: _without(child, zeros))
