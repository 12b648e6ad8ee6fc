"""The notation of one step of one layer: in symbols such as h₂, and with the numbers in their place."""

from __future__ import annotations

from dataclasses import replace

from bptt.cells.expression import Expression, Size
from bptt.derive.adjoint import DELTA, FROM_LOSS, FROM_NEXT
from bptt.derive.network_pass import EMBEDDING, OUTPUT, NetworkPass
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
    derivative,
)
from bptt.explain.legend import TIME
from bptt.explain.network.symbols import LayerNotation, NetworkNotation
from bptt.explain.numbers.written_numbers import written


def step_index(before: NetworkPass, step: int) -> str:
    """Return the index of a step, from 1; none for a feed-forward network with one example."""
    alone = len(before.example.inputs) == 1 and not before.network.is_recurrent
    return "" if alone else str(step)


def parameter_symbol(before: NetworkPass, place: str, name: str) -> MathName:
    """Return the symbol of a parameter: V and b of the output layer, M of the embedding, W_h of a layer."""
    if place in (EMBEDDING, OUTPUT):
        return MathName(name)
    return StepNotation(before, int(place), 1).names[name]


class StepNotation(LayerNotation):
    """The symbols of layer `number` at `step`, both from 1.

    Every δ is minus the derivative if it is so in the pass. The derivative of the loss is written with its
    sign.
    """

    def __init__(self, before: NetworkPass, number: int, step: int) -> None:
        self.before, self.step = before, step
        layer = NetworkNotation(before.network).layers[number - 1].layer
        super().__init__(before.network.layers[number - 1], TIME, layer, MathName(""))
        if number < len(before.network.layers):
            above = StepNotation(before, number + 1, step)
            self.from_above = replace(above.input, mark=DELTA)
        else:
            by_output = derivative(MathName("E", index=self.at(0)), self.output)
            self.from_above = Fenced(Row((MINUS, by_output))) if before.sign < 0 else by_output

    def at(self, offset: int) -> str:
        """Return the number of the step `offset` steps from this one."""
        return step_index(self.before, self.step + offset)


class NumberNotation(StepNotation):
    """A notation in which every name is written as its numbers: a column, a matrix, or one number."""

    def __init__(self, before: NetworkPass, number: int, step: int) -> None:
        super().__init__(before, number, step)
        layer = before.layers[number - 1]
        later = layer.deltas[step] if step < len(layer.deltas) else {}
        self.values = {**layer.values[step - 1], **layer.deltas[step - 1]}
        for state, previous in zip(self.cell.states, self.form.previous, strict=True):
            self.values[FROM_NEXT + state] = later.get(DELTA + previous, [0.0] * len(self.values[state]))
        self.values[FROM_LOSS + self.cell.output] = layer.from_above[step - 1]
        self.matrices = layer.point.matrices

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
