"""The equations of a step with its numbers substituted: those of one unit, and the spread over all."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import replace
from math import sqrt

from bptt.cells.expression import ZERO, Expression, Size, Symbol, symbols
from bptt.derive.adjoint import DELTA, MatrixGradient, adjoint
from bptt.derive.arithmetic import FLOATS
from bptt.derive.evaluate import Vector, value
from bptt.derive.normal_form import EquationStep, MatrixProduct, normal_form
from bptt.derive.one_step import StepValues
from bptt.explain.document import Derivation, EquationLine, Part, Section, Sentence, Stage, Table, say
from bptt.explain.figures import TIMES, Spread, as_factor, as_term, figure, without_brackets
from bptt.explain.formula_tree import (
    COMMA,
    EQUALS,
    Digits,
    Fenced,
    Formula,
    FunctionName,
    MathName,
    Row,
    Term,
    total,
)
from bptt.explain.gradients import GRADIENT
from bptt.explain.legend import TIME
from bptt.explain.notation import Notation

AND_SO_ON = Term(False, Digits("⋯"))
# The number of terms of a long sum that are shown.
_FIRST = 2


def with_numbers(document: Derivation, step: StepValues, unit: int) -> Derivation:
    """Add the numbers of `unit`, from 0, below each equation of the step.

    A value with fewer units shows its last unit.
    """
    filled = _Filled(step, unit)
    return document.each_line(filled.line)


def numbers_section(step: StepValues, unit: int, title: str, about: Sequence[Part]) -> Section:
    """Return the section on a step and unit, with all their numbers in a table; `about` comes first."""
    filled = _Filled(step, unit)
    form = normal_form(step.cell)
    fewer = any(1 < len(vector) <= unit for vector in step.values.values())
    last = say(" A value that has fewer units shows its last." if fewer else "")
    names = [*step.cell.inputs, *form.previous, *(s.target for s in form.steps)]
    number, delta = str(unit + 1), MathName("", mark=DELTA)
    of_values = (say("value"), say("unit {}", number), say("least"), say("mean"), say("most"))
    head = (*of_values, say("{} of unit {}", delta, number), say("{}", Fenced(delta, "‖", "‖")))
    below = say("Below each equation are the numbers of unit {}.{}", number, last)
    parts: list[Part] = [*about, below, Table(head, tuple(map(filled.row, names)), numeric_from=1)]
    return Section(Stage.NUMBERS, title, tuple(parts))


def busiest_unit(step: StepValues) -> int:
    """Return the unit, from 0, at which the δ that the gradients of the matrices read are largest in sum."""
    read = [delta for gradient in adjoint(step.cell).matrices for delta, _ in gradient.terms]
    vectors = [step.values[delta] for delta in dict.fromkeys(read)]
    sums = [sum(map(abs, deltas)) for deltas in zip(*vectors, strict=False)]
    return max(range(len(sums)), key=sums.__getitem__)


class _Filled(Notation):
    """A notation in which every name is written as the number of one unit."""

    def __init__(self, step: StepValues, unit: int) -> None:
        super().__init__(normal_form(step.cell), "")
        self.step, self.unit, self.values = step, unit, step.values
        self.symbols = Notation(self.form, TIME if step.cell.states else "")
        backward = adjoint(step.cell)
        self.steps = {s.target: s for s in (*self.form.steps, *backward.steps)}
        self.matrix_gradients = {GRADIENT + g.matrix: g for g in backward.matrices}
        self.vector_gradients = {GRADIENT + g.vector: g for g in backward.vectors}

    # The content below a line.

    def line(self, line: EquationLine) -> EquationLine:
        """Return the line with numbers and spread of its target."""
        if line.target in self.steps:
            rows = tuple(self._rows(self.steps[line.target]))
            return replace(line, numbers=rows, spread=self._spread(self.values[line.target]))
        if line.target in self.matrix_gradients:
            return replace(line, spread=self._outer(self.matrix_gradients[line.target]))
        gradient = self.vector_gradients[line.target].expression
        vector = value(gradient, self.values, FLOATS)
        added = figure(self._own(vector))
        if not isinstance(gradient, Symbol):
            added = Row((total(self.terms(gradient)), EQUALS, added))
        return replace(line, spread=say("This step adds {} to unit {}.", added, str(self._place(vector) + 1)))

    def row(self, name: str) -> tuple[Sentence, ...]:
        """Return the entries of a value in the table: number, spread and δ."""
        vector, delta = self.values[name], self.values.get(DELTA + name)
        spread = Spread.of(vector)
        found = [self._own(vector), spread.least, spread.mean, spread.most]
        if delta is not None:
            found += [self._own(delta), sqrt(sum(d * d for d in delta))]
        entries = [say("{}", figure(x)) for x in found] + [say("")] * (6 - len(found))
        return (say("{}", self.symbols.name(name)), *entries)

    def _rows(self, step: EquationStep) -> Iterable[tuple[Term, ...]]:
        """Yield the right side in numbers; with products, first their leading terms and then their sums."""
        rest = () if step.rest == ZERO and step.products else self.terms(step.rest)
        if step.products:
            yield (*(self._beginning(p) for p in step.products), *rest)
        if not step.products or len(step.products) + len(rest) > 1:
            yield (*(as_term(self._sum(p)) for p in step.products), *rest)
        yield (as_term(self._own(self.values[step.target])),)

    def _beginning(self, product: MatrixProduct) -> Term:
        pairs = self._pairs(product)
        first = tuple(as_term(w, v) for w, v in pairs[:_FIRST])
        more = (AND_SO_ON,) if len(pairs) > _FIRST else ()
        return Term(False, Fenced(total((*first, *more))))

    def _sum(self, product: MatrixProduct) -> float:
        return sum(w * v for w, v in self._pairs(product))

    def _pairs(self, product: MatrixProduct) -> list[tuple[float, float]]:
        """Return the weights that lead to the unit, each with the number that it multiplies."""
        matrix, vector = self.step.matrices[product.matrix], self.values[product.vector]
        if product.transposed:
            weights = [row[min(self.unit, len(row) - 1)] for row in matrix]
        else:
            weights = matrix[min(self.unit, len(matrix) - 1)]
        return list(zip(weights, vector, strict=True))

    def _outer(self, gradient: MatrixGradient) -> Sentence:
        """Describe the contribution of the step to one entry of a matrix's gradient."""
        if not gradient.terms:
            return say("This step adds nothing.")
        pairs = [(self._own(self.values[d]), self.values[s][0]) for d, s in gradient.terms]
        added = Row(
            (total(tuple(as_term(*pair) for pair in pairs)), EQUALS, figure(sum(a * b for a, b in pairs)))
        )
        row = self._place(self.values[gradient.terms[0][0]]) + 1
        return say("This step adds {} to row {}, column 1.", added, str(row))

    def _spread(self, vector: Vector) -> Sentence | None:
        if len(vector) == 1:
            return None
        spread = Spread.of(vector)
        least, most, mean = figure(spread.least), figure(spread.most), figure(spread.mean)
        units = str(len(vector))
        if not spread.bars:
            return say("{} units, from {} to {}, mean {}.", units, least, most, mean)
        return say("{} units, from {} {} to {}, mean {}.", units, least, spread.bars, most, mean)

    def _place(self, vector: Vector) -> int:
        return min(self.unit, len(vector) - 1)

    def _own(self, vector: Vector) -> float:
        return float(vector[self._place(vector)])

    # The notation of names, products and sums.

    def name(self, name: str) -> Formula:
        """Write the number of the unit, in brackets if it is negative."""
        return as_factor(self._own(self.values[name]))

    def terms(self, expression: Expression) -> tuple[Term, ...]:
        """Write a sum of numbers, in which negative ones are subtracted."""
        return tuple(map(without_brackets, super().terms(expression)))

    def factor(self, expression: Expression) -> Formula:
        """Write a factor, a negative number in brackets."""
        return self.name(expression.name) if isinstance(expression, Symbol) else super().factor(expression)

    def _body(self, expression: Expression) -> Formula:
        if isinstance(expression, Size):
            return Digits(str(self.values[expression.letter][0]))
        return super()._body(expression)

    def _factors(self, factors: tuple[Expression, ...]) -> Formula:
        parts = [p for f in factors for p in (TIMES, self.factor(f))]
        return Row(tuple(parts[1:]))

    def _row_call(self, function: str, argument: Expression) -> Formula:
        """Write a statement over a row with its first units."""
        widest = max(len(self.values[name]) for name in symbols(argument))
        first = [_Filled(self.step, unit) for unit in range(min(_FIRST, widest))]
        more = [Digits("⋯")] if widest > _FIRST else []
        if function == "mean":
            shown = [*(unit.formula(argument) for unit in first), *more]
            listed = Row(tuple(p for formula in shown for p in (COMMA, formula))[1:])
            return Row((FunctionName("mean"), Fenced(listed)))
        terms = [term for unit in first for term in unit.terms(argument)]
        return Fenced(total((*terms, *([AND_SO_ON] if more else []))))
