"""The interpreter: derived equations evaluated number by number, for one sequence, in any arithmetic.

It is slow and has no tricks: the oracle that every backend's emitted code is compared with. A vector is
a list of numbers, a matrix a list of rows; a value over a row is a list of one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

from bptt.cells.cell import Cell
from bptt.cells.expression import (
    Call,
    Expression,
    Number,
    Power,
    Product,
    RowCall,
    Size,
    Sum,
    Symbol,
)
from bptt.cells.functions import get_function
from bptt.cells.language import PREVIOUS
from bptt.derive.adjoint import DELTA, FROM_LOSS, FROM_NEXT, adjoint
from bptt.derive.arithmetic import FLOATS, Arithmetic
from bptt.derive.normal_form import EquationStep, MatrixProduct, normal_form
from bptt.errors import InternalError

Vector: TypeAlias = list[Any]
Matrix: TypeAlias = list[Vector]


@dataclass(frozen=True)
class Point:
    """Everything that an evaluation starts from, by name; parameters are single members (`W_i`)."""

    sequence: Sequence[Mapping[str, Vector]]
    initial: Mapping[str, Vector]
    matrices: Mapping[str, Matrix]
    vectors: Mapping[str, Vector]


@dataclass(frozen=True)
class Trajectory:
    """All forward values of every step, by name."""

    values: Sequence[Mapping[str, Vector]]


@dataclass(frozen=True)
class Backward:
    """All δ of every step by name, and the gradients of parameters and initial states."""

    deltas: Sequence[Mapping[str, Vector]]
    matrices: Mapping[str, Matrix]
    vectors: Mapping[str, Vector]
    initial: Mapping[str, Vector]


def forward(cell: Cell, point: Point, arithmetic: Arithmetic = FLOATS) -> Trajectory:
    """Evaluate the normal form step by step."""
    state = {name: list(value) for name, value in point.initial.items()}
    values = []
    for inputs in point.sequence:
        here = _fixed(cell, point) | dict(inputs) | {s + PREVIOUS: v for s, v in state.items()}
        run(normal_form(cell).steps, here, point.matrices, arithmetic)
        state = {s: here[s] for s in cell.states}
        values.append(here)
    return Trajectory(values)


def backward(
    cell: Cell,
    point: Point,
    trajectory: Trajectory,
    losses: Sequence[Mapping[str, Vector]],
    arithmetic: Arithmetic = FLOATS,
) -> Backward:
    """Evaluate the adjoint from the last step to the first; `losses[t][s]` is ∂E/∂s_t from outside."""
    derived = adjoint(cell)
    zero = arithmetic.number(0)
    carried = {s: [zero] * len(v) for s, v in point.initial.items()}
    matrices = {m: [[zero] * len(row) for row in rows] for m, rows in point.matrices.items()}
    vectors = {v: [zero] * len(value) for v, value in point.vectors.items()}
    deltas: list[Mapping[str, Vector]] = []
    for values, loss in zip(reversed(trajectory.values), reversed(losses), strict=True):
        here = dict(values) | {FROM_LOSS + s: v for s, v in loss.items()}
        here |= {FROM_NEXT + s: v for s, v in carried.items()}
        run(derived.steps, here, point.matrices, arithmetic)
        carried = {s: here[DELTA + s + PREVIOUS] for s in cell.states}
        for m in derived.matrices:
            for delta, source in m.terms:
                matrices[m.matrix] = add_outer(matrices[m.matrix], here[delta], here[source])
        for v in derived.vectors:
            vectors[v.vector] = add_vectors(vectors[v.vector], value(v.expression, here, arithmetic))
        deltas.append({s.target: here[s.target] for s in derived.steps})
    return Backward(deltas[::-1], matrices, vectors, carried)


def run(
    steps: Sequence[EquationStep],
    values: dict[str, Vector],
    matrices: Mapping[str, Matrix],
    arithmetic: Arithmetic,
) -> None:
    """Evaluate steps in order, adding each target to `values`."""
    for step in steps:
        total = value(step.rest, values, arithmetic)
        for product in step.products:
            total = add_vectors(total, _apply(product, values, matrices))
        values[step.target] = total * values[step.width][0] if len(total) == 1 else total


def value(expression: Expression, values: Mapping[str, Vector], arithmetic: Arithmetic) -> Vector:
    """Compute an expression of the normal form; vectors of one number spread over the others."""
    match expression:
        case Number(number):
            return [arithmetic.number(number)]
        case Symbol(name):
            return values[name]
        case Size(letter):
            return [arithmetic.number(values[letter][0])]
        case Sum(parts) | Product(parts):
            result = value(parts[0], values, arithmetic)
            for part in parts[1:]:
                other = value(part, values, arithmetic)
                result = (
                    add_vectors(result, other) if isinstance(expression, Sum) else _multiply(result, other)
                )
            return result
        case Power(base, exponent):
            return [v**exponent for v in value(base, values, arithmetic)]
        case Call(function, arguments):
            return apply(function, [value(a, values, arithmetic) for a in arguments], arithmetic)
        case RowCall(function, argument):
            row = value(argument, values, arithmetic)
            return [sum(row) / len(row) if function == "mean" else sum(row)]
    raise InternalError("derive.evaluate", "an expression in normal form has no linear map", repr(expression))


def apply(function: str, arguments: Sequence[Vector], arithmetic: Arithmetic) -> Vector:
    """Compute a function, element by element."""
    row, columns = get_function(function), _spread(*arguments)
    form = arithmetic.form(row)
    if form is None:
        named = dict(zip(row.arguments, columns, strict=True))
        return value(row.applied(*row.symbols), named, arithmetic)
    return [form(*column) for column in zip(*columns, strict=True)]


def _fixed(cell: Cell, point: Point) -> dict[str, Vector]:
    """Collect constants, vector parameters, and the sizes by their letter."""
    values = {name: [number] for name, number in cell.constants.items()} | dict(point.vectors) | {"1": [1]}
    for name, vector in {**point.sequence[0], **point.initial}.items():
        values[cell.width(name)] = [len(vector)]
    for name, rows in point.matrices.items():
        values[cell.matrices[name][0]] = [len(rows)]
    return values


def _spread(*vectors: Vector) -> list[Vector]:
    length = max(map(len, vectors))
    return [v * length if len(v) == 1 else v for v in vectors]


def add_vectors(a: Vector, b: Vector) -> Vector:
    """Add two vectors; one of a single number spreads over the other."""
    return [x + y for x, y in zip(*_spread(a, b), strict=True)]


def _multiply(a: Vector, b: Vector) -> Vector:
    return [x * y for x, y in zip(*_spread(a, b), strict=True)]


def _apply(product: MatrixProduct, values: Mapping[str, Vector], matrices: Mapping[str, Matrix]) -> Vector:
    rows, vector = matrices[product.matrix], values[product.vector]
    if product.transposed:
        return [sum(row[j] * v for row, v in zip(rows, vector, strict=True)) for j in range(len(rows[0]))]
    return [sum(w * v for w, v in zip(row, vector, strict=True)) for row in rows]


def add_outer(matrix: Matrix, delta: Vector, source: Vector) -> Matrix:
    """Add the outer product delta sourceᵀ to a matrix."""
    return [
        [m + d * s for m, s in zip(row, source, strict=True)] for row, d in zip(matrix, delta, strict=True)
    ]
