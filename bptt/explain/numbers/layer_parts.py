"""The equations of a layer with their numbers: one step forward or back, and the sums over all steps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bptt.derive.adjoint import Adjoint, adjoint
from bptt.derive.network_pass import LayerPass, NestedNumbers
from bptt.derive.normal_form import EquationStep, normal_form
from bptt.explain.document import EquationLine
from bptt.explain.formula_tree import Digits, Fenced, Raised, Term, beside, total
from bptt.explain.numbers.step_notation import NumberNotation, StepNotation, notations
from bptt.explain.numbers.written_numbers import term


def forward_lines(layer: LayerPass, step: int) -> Iterator[EquationLine]:
    """Yield the forward equations of a step, from 1, each with its numbers."""
    return _lines(normal_form(layer.cell).steps, *notations(layer, step, minus=False, is_top=True))


def backward_lines(layer: LayerPass, step: int, minus: bool, is_top: bool) -> Iterator[EquationLine]:
    """Yield the backward equations of a step, from 1, each with its numbers."""
    return _lines(adjoint(layer.cell).steps, *notations(layer, step, minus, is_top))


def summand_terms(layer: LayerPass, name: str, minus: bool) -> tuple[Term, ...]:
    """Write the gradient of a parameter as a sum with a term for each step."""
    derived = adjoint(layer.cell)
    steps = range(1, len(layer.values) + 1)
    return tuple(_summand(derived, name, notations(layer, step, minus, is_top=True)[0]) for step in steps)


def array_terms(parts: Sequence[NestedNumbers]) -> tuple[Term, ...]:
    """Write the numbers of each summand."""
    return tuple(map(term, parts))


def _lines(
    steps: Sequence[EquationStep], symbols: StepNotation, numbers: NumberNotation
) -> Iterator[EquationLine]:
    for step in steps:
        result = numbers.values[step.target]
        value = result[0] if step.target in symbols.scalars else result
        substituted, found = numbers.right_side(step), (term(value),)
        rows = (found,) if substituted == found else (substituted, found)
        yield EquationLine(symbols.name(step.target), symbols.right_side(step), step.target, rows)


def _summand(derived: Adjoint, name: str, symbols: StepNotation) -> Term:
    """Write what one step contributes to the gradient of a matrix or vector."""
    terms: tuple[Term, ...] = ()
    for gradient in derived.matrices:
        if gradient.matrix == name:
            pairs = ((symbols.name(delta), symbols.name(source)) for delta, source in gradient.terms)
            terms = tuple(Term(False, beside(delta, Raised(source, "T"))) for delta, source in pairs)
    for vector in derived.vectors:
        if vector.vector == name:
            terms = symbols.terms(vector.expression)
    if not terms:
        return Term(False, Digits("0"))
    return terms[0] if len(terms) == 1 else Term(False, Fenced(total(terms)))
