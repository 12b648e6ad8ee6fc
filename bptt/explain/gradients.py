"""The gradients of the parameters on paper: sums over time, because a parameter is shared.

R4 in docs/equations.md.
"""

from __future__ import annotations

from collections.abc import Iterator

from bptt.cells.expression import ZERO
from bptt.derive.adjoint import DELTA, MatrixGradient, adjoint
from bptt.derive.normal_form import NormalForm
from bptt.explain.document import EquationLine, Part, Section, Stage, aligned, say
from bptt.explain.formula_tree import (
    EQUALS,
    Digits,
    Fenced,
    MathName,
    Raised,
    Row,
    SumOver,
    Term,
    beside,
    derivative,
    total,
)
from bptt.explain.notation import Notation

IMMEDIATE, GRADIENT = "∂⁺", "∇"


def gradient_section(form: NormalForm, notation: Notation) -> Section:
    """Return the section with the gradient of every parameter: in a recurrent cell a sum over time."""
    found = gradient_terms(form, notation, over_time=bool(form.cell.states))
    lines = (EquationLine(notation.marked(GRADIENT, name), found[name], GRADIENT + name) for name in found)
    meaning = _through_time() if form.cell.states else _one_layer()
    parts = (*meaning, *aligned(lines))
    return Section(Stage.GRADIENTS, "The gradients of the parameters", parts)


def gradient_terms(form: NormalForm, notation: Notation, over_time: bool) -> dict[str, tuple[Term, ...]]:
    """Write the gradient of every parameter, in the order of the families; `over_time` as sums over time."""
    found = adjoint(form.cell)
    matrices = {g.matrix: _outer_products(g, notation) for g in found.matrices}
    vectors = {g.vector: notation.terms(g.expression) for g in found.vectors}
    gradients = {**matrices, **vectors}
    members = [member for family in form.cell.families for member in family.members]
    return {m: _over_time(gradients[m]) if over_time else gradients[m] for m in members}


def _through_time() -> Iterator[Part]:
    shared, net, delta = MathName("W"), MathName("net", index="t"), MathName("net", index="t", mark=DELTA)
    immediate = derivative(net, shared, IMMEDIATE)
    everywhere = beside(SumOver("t"), Raised(Fenced(immediate), "T"), delta)
    yield say(
        "A parameter is shared by all time steps, so by the chain rule its gradient is the sum of its"
        " contributions at each of them, {}.",
        Row((MathName("W", mark="∇"), EQUALS, derivative(MathName("E"), shared), EQUALS, everywhere)),
    )
    yield say(
        "{} is the immediate derivative: that of step {} alone, with the incoming states held fixed. The"
        " effect of the parameter on those states is counted at the earlier steps, to which {} carries the"
        " loss. The gradient is also summed over the rows of a batch.",
        MathName("", mark=IMMEDIATE),
        MathName("t"),
        MathName("", mark=DELTA),
    )


def _one_layer() -> Iterator[Part]:
    yield say(
        "The gradient of a matrix is the {} of its output times its transposed input; that of a vector is the"
        " {} of the sum to which it is added. Both are summed over the rows of a batch.",
        MathName("", mark=DELTA),
        MathName("", mark=DELTA),
    )


def _outer_products(gradient: MatrixGradient, notation: Notation) -> tuple[Term, ...]:
    products = (
        Term(False, beside(notation.name(delta), Raised(notation.name(source), "T")))
        for delta, source in gradient.terms
    )
    return tuple(products) or notation.terms(ZERO)


def _over_time(terms: tuple[Term, ...]) -> tuple[Term, ...]:
    """Return the contribution of a step under the sign of the sum over time."""
    if terms == (Term(False, Digits("0")),):
        return terms
    alone = len(terms) == 1 and not terms[0].negative
    return (Term(False, beside(SumOver("t"), terms[0].body if alone else Fenced(total(terms)))),)
