"""The truth to compare the adjoint with: total derivatives of a cell's equations by SymPy.

Each equation is written out unit by unit with every function spelt out in elementary ones, SymPy
differentiates it, and the total derivatives follow forwards by the chain rule. So neither the normal
form, nor the table of derivatives, nor reverse mode takes part.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import mpmath
import sympy

from bptt.cells.cell import Cell
from bptt.cells.expression import (
    Call,
    Expression,
    MatrixVector,
    Number,
    Power,
    Product,
    RowCall,
    Sum,
    Symbol,
    children,
    walk,
)
from bptt.cells.functions import get_function
from bptt.cells.language import PREVIOUS, Equation
from bptt.derive.evaluate import Point, Vector
from bptt.errors import InternalError


def exact_gradients(cell: Cell, point: Point, losses: Mapping[str, Vector]) -> dict[str, list[Any]]:
    """Compute the gradient of Σ losses[s] · s after one time step, flattened, for every argument by name.

    Arguments are the inputs, the previous states, and the single parameters; `point` has one step. Call it
    inside `with mpmath.workdps(50):`, which sets the digits.
    """
    arguments = _arguments(cell, point)
    numbers = dict(arguments)
    units = [(name, k) for name, vector in arguments.items() for k in range(len(vector))]
    totals = {
        name: [_unit_vector(units.index((name, k)), len(units)) for k in range(len(v))]
        for name, v in arguments.items()
    }
    for equation in cell.equations:
        rows = _height(cell, equation.target, point)
        numbers[equation.target], totals[equation.target] = _differentiate(
            cell, equation, rows, numbers, totals
        )
    gradient = _combine_rows(
        (seed, row) for s, seeds in losses.items() for seed, row in zip(seeds, totals[s], strict=True)
    )
    found = iter(gradient)
    return {name: [next(found) for _ in vector] for name, vector in arguments.items()}


def _arguments(cell: Cell, point: Point) -> dict[str, Vector]:
    """Flatten every argument to a list of numbers."""
    arguments = dict(point.sequence[0]) | {s + PREVIOUS: v for s, v in point.initial.items()}
    flat = {name: [number for row in rows for number in row] for name, rows in point.matrices.items()}
    return {**arguments, **flat, **point.vectors}


def _unit_vector(index: int, length: int) -> Vector:
    return [mpmath.mpf(int(k == index)) for k in range(length)]


def _combine_rows(weighted: Iterable[tuple[Any, Vector]]) -> Vector:
    """Add up weight · row."""
    return [sum(column) for column in zip(*([w * v for v in row] for w, row in weighted), strict=True)]


def _differentiate(
    cell: Cell,
    equation: Equation,
    rows: int,
    numbers: Mapping[str, Vector],
    totals: Mapping[str, list[Vector]],
) -> tuple[Vector, list[Vector]]:
    """Compute one equation's units, and their total derivatives with respect to all arguments."""
    names = [n for n in dict.fromkeys(_names(equation.expression)) if n not in cell.constants]
    unknowns: dict[str, Vector] = {n: [sympy.Dummy(n) for _ in numbers[n]] for n in names}
    constants = {name: [sympy.Float(number, mpmath.mp.dps)] for name, number in cell.constants.items()}
    units = _units(equation.expression, {**unknowns, **constants})
    units = units * rows if len(units) == 1 else units
    flat = [(u, numbers[n][k], totals[n][k]) for n in names for k, u in enumerate(unknowns[n])]
    partials = [[sympy.diff(unit, u) for u, _, _ in flat] for unit in units]
    evaluate = sympy.lambdify([u for u, _, _ in flat], [units, partials], modules="mpmath")
    found, slopes = evaluate(*(number for _, number, _ in flat))
    # So that an equation of constants alone has a row as well.
    nothing = (0, [mpmath.mpf(0)] * len(totals[cell.inputs[0]][0]))
    return found, [
        _combine_rows([nothing, *((p, total) for p, (_, _, total) in zip(row, flat, strict=True))])
        for row in slopes
    ]


def _names(expression: Expression) -> list[str]:
    """List the names that an equation reads, matrices among them."""
    nodes = [e for e in walk(expression) if isinstance(e, Symbol | MatrixVector)]
    return [e.name if isinstance(e, Symbol) else e.matrix for e in nodes]


def _height(cell: Cell, name: str, point: Point) -> int:
    """Return the number of units of a value."""
    letter = cell.width(name)
    known = {cell.width(s): len(v) for s, v in {**point.sequence[0], **point.initial}.items()}
    known |= {cell.matrices[m][0]: len(rows) for m, rows in point.matrices.items()}
    known |= {cell.vectors[v]: len(vector) for v, vector in point.vectors.items()}
    return 1 if letter == "1" else known[letter]


def _units(expression: Expression, values: Mapping[str, Vector]) -> Vector:
    """Write every unit of an expression in SymPy."""
    match expression:
        case Number(number):
            return [
                sympy.Float(number, mpmath.mp.dps) if isinstance(number, float) else sympy.Integer(number)
            ]
        case Symbol(name):
            return values[name]
        case MatrixVector(matrix, vector):
            units = _units(vector, values)
            flat = values[matrix]
            count = len(units)
            rows = [flat[k : k + count] for k in range(0, len(flat), count)]
            return [sum(w * v for w, v in zip(row, units, strict=True)) for row in rows]
        case RowCall(function, argument):
            units = _units(argument, values)
            return [sum(units) / len(units) if function == "mean" else sum(units)]
        case Power(base, exponent):
            return [unit**exponent for unit in _units(base, values)]
    parts = [_units(child, values) for child in children(expression)]
    width = max(map(len, parts))
    columns = zip(*(p * width if len(p) == 1 else p for p in parts), strict=True)
    return [_combine(expression, column) for column in columns]


def _combine(expression: Expression, units: tuple[Any, ...]) -> Any:
    match expression:
        case Sum():
            return sum(units)
        case Product():
            return sympy.prod(units)
        case Call(function, _):
            row = get_function(function)
            if row.exact is not None:
                return row.exact(sympy, *units)
            named = {name: [unit] for name, unit in zip(row.arguments, units, strict=True)}
            return _units(row.applied(*row.symbols), named)[0]
    raise InternalError("derive.exact", "no rule for an expression", repr(expression))
