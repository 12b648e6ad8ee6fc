"""A cell as the body of a Scan: its equations node by node; what depends on no state is computed outside.

A value is a constant (made of parameters alone), of the whole sequence (made of these and the input), or of
one step (made of a state). The first two are computed once, before the loop.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum

import torch
from torch import Tensor

from bptt.cells.cell import Cell
from bptt.cells.expression import (
    Call,
    Expression,
    MatrixVector,
    Number,
    Power,
    Product,
    RowCall,
    Size,
    Sum,
    Symbol,
    walk,
)
from bptt.cells.functions import get_function
from bptt.cells.language import PREVIOUS
from bptt.errors import InputError
from bptt.graphs.onnx_graph import BOOL, FLOAT, OnnxGraph

_OPERATORS = {
    "sigmoid": "Sigmoid",
    "tanh": "Tanh",
    "relu": "Relu",
    "exp": "Exp",
    "log": "Log",
    "sqrt": "Sqrt",
    "softplus": "Softplus",
    "sin": "Sin",
    "cos": "Cos",
    "abs": "Abs",
    "sign": "Sign",
    "minimum": "Min",
    "maximum": "Max",
}


class Dependence(IntEnum):
    """The dependence of a value: on parameters alone, on the input too, on a state too."""

    CONSTANT = 0
    SEQUENCE = 1
    STEP = 2


@dataclass(frozen=True)
class GraphValue:
    """A value of a graph: (width,) of a constant, (T, B, width) of a sequence, (B, width) of a step."""

    name: str
    on: Dependence


class CellWriter:
    """Writes one layer in one direction: `parameters` by the names of the equations, `sizes` by letters."""

    def __init__(
        self, graph: OnnxGraph, cell: Cell, parameters: Mapping[str, Tensor], sizes: Mapping[str, int]
    ) -> None:
        self._graph, self._cell, self._sizes = graph, cell, {**sizes, "1": 1}
        self._parameters = parameters
        self._body = graph.body()
        self._read: dict[str, str] = {}
        self._maps: dict[tuple[str, Expression], GraphValue] = {}
        self._values: dict[str, GraphValue] = {}

    def write(
        self, x: str, initial: Sequence[str], valid: str | None, reverse: bool
    ) -> tuple[str, list[str]]:
        """Return the output (T, B, width) and the final states (B, width).

        `x` is (T, B, I); `initial` has a value (B, width) for each state; `valid` (T, B, 1) is false in the
        padding, where the output is zero.
        """
        cell, body = self._cell, self._body
        self._values[cell.inputs[0]] = GraphValue(x, Dependence.SEQUENCE)
        before = []
        for state in cell.states:
            name = body.input(body.fresh(state + PREVIOUS), FLOAT, None)
            self._values[state + PREVIOUS] = GraphValue(name, Dependence.STEP)
            before.append(name)
        here = None if valid is None else self._step_of(valid, BOOL)
        new = {
            equation.target: self._equation(equation.target, equation.expression)
            for equation in cell.equations
        }
        for state, old in zip(cell.states, before, strict=True):
            value = self._stepwise(new[state], old)
            value = value if here is None else body.op("Where", here, value, old)
            body.output(body.fresh(state), value, FLOAT, None)
        output = self._values[cell.output]
        if output.on is Dependence.STEP:
            body.output(body.fresh(cell.output), output.name, FLOAT, None)
        found: list[str] = []
        if cell.states:
            read = [*self._read]
            # A loop must read something to know its length.
            if not read:
                self._step_of(x, FLOAT)
                read = [*self._read]
            found = self._graph.scan(body, initial, read, reverse)
        final = found[: len(cell.states)]
        sequence = found[-1] if output.on is Dependence.STEP else self._everywhere(output, x)
        if valid is not None:
            sequence = self._graph.op("Where", valid, sequence, self._graph.constant(0.0))
        return sequence, final

    def _equation(self, target: str, expression: Expression) -> GraphValue:
        value = self._values[target] = self._write(expression)
        return value

    def _write(self, expression: Expression) -> GraphValue:
        match expression:
            case Number(value):
                return GraphValue(self._graph.constant(value), Dependence.CONSTANT)
            case Size(letter):
                return GraphValue(self._graph.constant(self._sizes[letter]), Dependence.CONSTANT)
            case Symbol(name):
                return self._named(name)
            case Sum(terms):
                return self._folded("Add", [self._write(term) for term in terms])
            case Product(factors):
                return self._folded("Mul", [self._write(factor) for factor in factors])
            case Power(base, exponent):
                return self._power(self._write(base), exponent)
            case Call(function, arguments):
                return self._call(function, arguments)
            case RowCall(function, argument):
                return self._row(function, argument)
            case MatrixVector():
                return self._map(expression)
        raise TypeError(f"not an expression: {expression!r}")

    def _named(self, name: str) -> GraphValue:
        if name not in self._values:
            known = self._cell.constants
            value = known[name] if name in known else self._parameters[name]
            self._values[name] = GraphValue(self._graph.constant(value, name), Dependence.CONSTANT)
        return self._values[name]

    def _folded(self, kind: str, values: Sequence[GraphValue]) -> GraphValue:
        """Combine values, those of the lowest level first: what does not depend on a state stays outside."""
        ordered = sorted(values, key=lambda value: value.on)
        found = ordered[0]
        for value in ordered[1:]:
            found = self._op(kind, found, value)
        return found

    def _op(self, kind: str, *values: GraphValue) -> GraphValue:
        level = max(value.on for value in values)
        if level is Dependence.STEP:
            names = [self._in_body(value) for value in values]
            return GraphValue(self._body.op(kind, *names), level)
        return GraphValue(self._graph.op(kind, *(value.name for value in values)), level)

    def _in_body(self, value: GraphValue) -> str:
        return self._step_of(value.name, FLOAT) if value.on is Dependence.SEQUENCE else value.name

    def _step_of(self, sequence: str, kind: str) -> str:
        """Return the name in the body of one step of a sequence."""
        if sequence not in self._read:
            self._read[sequence] = self._body.input(self._body.fresh(f"{sequence}_t"), kind, None)
        return self._read[sequence]

    def _power(self, base: GraphValue, exponent: int) -> GraphValue:
        if exponent < 0:
            return self._op("Reciprocal", self._power(base, -exponent))
        if exponent <= 2:
            return base if exponent == 1 else self._op("Mul", base, base)
        return self._op("Pow", base, GraphValue(self._graph.constant(exponent), Dependence.CONSTANT))

    def _call(self, function: str, arguments: tuple[Expression, ...]) -> GraphValue:
        values = [self._write(argument) for argument in arguments]
        if function in _OPERATORS:
            return self._op(_OPERATORS[function], *values)
        if function == "rsqrt":
            return self._op("Reciprocal", self._op("Sqrt", *values))
        if function == "step":
            return self._op("Relu", self._op("Sign", *values))
        known = get_function(function)
        if known.value is None:
            rule = "ONNX has the functions of this package, and those whose value is an expression in them"
            raise InputError(f"cell {self._cell.name!r}", rule, function, "Give the function a `value`")
        return self._write(known.applied(*arguments))

    def _row(self, function: str, argument: Expression) -> GraphValue:
        value = self._write(argument)
        kind = {"sum": "ReduceSum", "mean": "ReduceMean"}[function]
        graph = self._body if value.on is Dependence.STEP else self._graph
        return GraphValue(graph.reduce(kind, value.name, -1, keep=True), value.on)

    def _map(self, node: MatrixVector) -> GraphValue:
        """Multiply by every matrix that meets the same vector, in one product."""
        key = (node.matrix, node.vector)
        if key not in self._maps:
            together = [
                other.matrix
                for equation in self._cell.equations
                for other in walk(equation.expression)
                if isinstance(other, MatrixVector) and other.vector == node.vector
            ]
            self._multiply(list(dict.fromkeys(together)), node.vector)
        return self._maps[key]

    def _multiply(self, matrices: Sequence[str], vector: Expression) -> None:
        value = self._write(vector)
        stacked = torch.cat([self._parameters[name] for name in matrices])
        weights = GraphValue(self._graph.constant(stacked.t(), "_".join(matrices)[:40]), Dependence.CONSTANT)
        product = self._op("MatMul", value, weights)
        graph = self._body if value.on is Dependence.STEP else self._graph
        parts = graph.split(product.name, [len(self._parameters[name]) for name in matrices], -1)
        for name, part in zip(matrices, parts, strict=True):
            self._maps[name, vector] = GraphValue(part, product.on)

    def _stepwise(self, value: GraphValue, like: str) -> str:
        """Return a value as one step of a sequence, with a row for each of `like`."""
        name = self._in_body(value)
        if value.on is Dependence.CONSTANT:
            return self._body.op("Expand", name, self._body.op("Shape", like))
        return name

    def _everywhere(self, value: GraphValue, x: str) -> str:
        """Return a constant or a sequence as a sequence."""
        if value.on is Dependence.SEQUENCE:
            return value.name
        graph = self._graph
        width = self._sizes[self._cell.width(self._cell.output)]
        return graph.op("Expand", value.name, graph.sizes(graph.size(x, 0), graph.size(x, 1), width))
