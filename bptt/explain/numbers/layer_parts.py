"""The equations of a layer with their numbers: one step forward or back, and the sums over all steps."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from bptt.derive.adjoint import adjoint
from bptt.derive.network_pass import NetworkPass
from bptt.derive.normal_form import EquationStep
from bptt.explain.document import EquationLine
from bptt.explain.formula_tree import Digits, Fenced, Raised, Term, beside, total
from bptt.explain.numbers.step_notation import NumberNotation, StepNotation
from bptt.explain.numbers.written_numbers import term


def forward_lines(before: NetworkPass, number: int, step: int) -> Iterator[EquationLine]:
    """Yield the forward equations of layer `number` at `step`, both from 1, each with its numbers."""
    numbers = NumberNotation(before, number, step)
    return _lines(numbers.form.steps, StepNotation(before, number, step), numbers)


def backward_lines(before: NetworkPass, number: int, step: int) -> Iterator[EquationLine]:
    """Yield the backward equations of layer `number` at `step`, both from 1, each with its numbers."""
    numbers = NumberNotation(before, number, step)
    return _lines(numbers.backward, StepNotation(before, number, step), numbers)


def summand_terms(before: NetworkPass, number: int, name: str) -> tuple[Term, ...]:
    """Write the gradient of a parameter of layer `number` as a sum with a term for each step."""
    steps = range(1, len(before.example.inputs) + 1)
    return tuple(_summand(StepNotation(before, number, step), name) for step in steps)


def _lines(
    steps: Sequence[EquationStep], symbols: StepNotation, numbers: NumberNotation
) -> Iterator[EquationLine]:
    for step in steps:
        result = numbers.values[step.target]
        value = result[0] if step.target in symbols.scalars else result
        substituted, found = numbers.right_side(step), (term(value),)
        rows = (found,) if substituted == found else (substituted, found)
        yield EquationLine(symbols.name(step.target), symbols.right_side(step), step.target, rows)


def _summand(symbols: StepNotation, name: str) -> Term:
    """Write what one step contributes to the gradient of a matrix or vector."""
    derived = adjoint(symbols.cell)
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
