"""The notation of one step of one layer: in symbols such as h₂, and with the numbers in their place."""

from __future__ import annotations

from collections.abc import Mapping

from bptt.cells.expression import Expression, Size
from bptt.derive.adjoint import DELTA, FROM_LOSS, FROM_NEXT
from bptt.derive.evaluate import Matrix, Vector
from bptt.derive.network_pass import LayerPass
from bptt.derive.normal_form import NormalForm, normal_form
from bptt.explain.figures import TIMES, as_factor
from bptt.explain.formula_tree import (
    HADAMARD,
    INVISIBLE_PRODUCT,
    MINUS,
    Digits,
    Fenced,
    Formula,
    MathName,
    Row,
)
from bptt.explain.legend import TIME
from bptt.explain.notation import Notation
from bptt.explain.numbers.written_numbers import written

ABOVE = "above"


class StepNotation(Notation):
    """The symbols of step `step`, from 1.

    With `minus` every δ is minus the derivative. `is_top` marks a layer whose output the loss of the step
    reads; another one gets the δ of the layer above.
    """

    def __init__(self, form: NormalForm, step: int, minus: bool, is_top: bool) -> None:
        self.step, self.minus, self.is_top = step, minus, is_top
        super().__init__(form, TIME if form.cell.states else "")

    def at(self, offset: int) -> str:
        """Return the number of the step `offset` steps from this one."""
        return str(self.step + offset)

    def name(self, name: str) -> Formula:
        """Return the symbol of a value or δ of this step."""
        if name == FROM_LOSS + self.form.cell.output and not self.is_top:
            return MathName(ABOVE, index=self.at(0), mark=DELTA)
        symbol = super().name(name)
        derivative = name.startswith((FROM_LOSS, FROM_NEXT)) or name[1:] in self.form.previous
        return Fenced(Row((MINUS, symbol))) if derivative and self.minus else symbol


class NumberNotation(StepNotation):
    """A notation in which every name is written as its numbers: a column, a matrix, or one number."""

    def __init__(
        self, notation: StepNotation, values: Mapping[str, Vector], matrices: Mapping[str, Matrix]
    ) -> None:
        super().__init__(notation.form, notation.step, notation.minus, notation.is_top)
        self.values, self.matrices = values, matrices

    def name(self, name: str) -> Formula:
        """Write the numbers of a value or matrix."""
        if name in self.matrices:
            return written(self.matrices[name])
        vector = self.values[name]
        return as_factor(vector[0]) if name in self.scalars else written(vector)

    def _body(self, expression: Expression) -> Formula:
        if isinstance(expression, Size):
            return Digits(str(self.values[expression.letter][0]))
        return super()._body(expression)

    def _factors(self, factors: tuple[Expression, ...]) -> Formula:
        """Write a product: numbers first, with a dot between them."""
        scalars = [self.factor(f) for f in factors if self._is_scalar(f)]
        vectors = [self.factor(f) for f in factors if not self._is_scalar(f)]
        parts = [part for f in scalars for part in (TIMES, f)]
        for k, vector in enumerate(vectors):
            parts += [HADAMARD if k else INVISIBLE_PRODUCT, vector]
        return Row(tuple(parts[1:]))


def notations(layer: LayerPass, step: int, minus: bool, is_top: bool) -> tuple[StepNotation, NumberNotation]:
    """Return the notations of one step of a layer, from 1: symbols, and numbers of the passes both ways."""
    form, cell = normal_form(layer.cell), layer.cell
    symbols = StepNotation(form, step, minus, is_top)
    later = layer.deltas[step] if step < len(layer.deltas) else {}
    here = {**layer.values[step - 1], **layer.deltas[step - 1]}
    for state, previous in zip(cell.states, form.previous, strict=True):
        nothing = [0.0] * len(here[state])
        here[FROM_LOSS + state] = nothing
        here[FROM_NEXT + state] = later.get(DELTA + previous, nothing)
    here[FROM_LOSS + cell.output] = layer.from_above[step - 1]
    return symbols, NumberNotation(symbols, here, layer.point.matrices)
