"""Cells evaluated by torch from their equations, so that autograd differentiates what was written."""

from __future__ import annotations

import random
from collections.abc import Mapping
from dataclasses import dataclass
from functools import reduce

import torch
from torch import Tensor

from bptt.cells import Cell
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
)
from bptt.cells.language import PREVIOUS
from bptt.derive.evaluate import Point
from bptt.derive.normal_form import EquationStep

# Functions of cells that torch lacks, or has elsewhere.
FUNCTIONS = {
    "step": lambda a: (a > 0).to(a.dtype),
    "softplus": torch.nn.functional.softplus,
}
SIZES = {"I": 3, "H": 2, "P": 4}


def draw(cell: Cell, steps: int, seed: int = 0) -> tuple[Point, list[dict[str, list[float]]]]:
    """Return parameters, inputs and initial states, and the derivative of each step's loss by the output."""
    source = random.Random(seed)

    def vector(letter: str) -> list[float]:
        return [source.gauss(0, 1) for _ in range(SIZES[letter])]

    point = Point(
        sequence=[{name: vector(cell.width(name)) for name in cell.inputs} for _ in range(steps)],
        initial={s: vector(cell.width(s)) for s in cell.states},
        matrices={m: [vector(b) for _ in range(SIZES[a])] for m, (a, b) in cell.matrices.items()},
        vectors={v: vector(a) for v, a in cell.vectors.items()},
    )
    reads = dict.fromkeys((*cell.states, cell.output))
    silent = {s: [0.0] * SIZES[cell.width(s)] for s in reads if s != cell.output}
    return point, [{**silent, cell.output: vector(cell.width(cell.output))} for _ in range(steps)]


def tensor(numbers: object) -> Tensor:
    """Return a leaf in double precision whose gradient is recorded."""
    return torch.tensor(numbers, dtype=torch.float64, requires_grad=True)


def torch_value(expression: Expression, values: Mapping[str, Tensor]) -> Tensor:
    """Evaluate an expression in torch operations."""
    parts = [torch_value(part, values) for part in children(expression)]
    match expression:
        case Symbol(name):
            return values[name]
        case Number(number):
            return torch.tensor(float(number), dtype=torch.float64)
        case Sum():
            return reduce(torch.add, parts)
        case Product():
            return reduce(torch.mul, parts)
        case Power(_, exponent):
            return parts[0] ** exponent
        case Call(function):
            found: Tensor = (FUNCTIONS.get(function) or getattr(torch, function))(*parts)
            return found
        case RowCall(function):
            return parts[0].mean() if function == "mean" else parts[0].sum()
        case MatrixVector(matrix):
            return values[matrix] @ parts[0]
    raise AssertionError(expression)


@dataclass(frozen=True)
class Taped:
    """The values of every step, a copy of every parameter for each step, and the constants."""

    values: list[dict[str, Tensor]]
    copies: list[dict[str, Tensor]]


def tape(cell: Cell, point: Point, steps: tuple[EquationStep, ...]) -> Taped:
    """Run the steps of a normal form in torch; every step reads parameters of its own."""
    state = {s: tensor(v) for s, v in point.initial.items()}
    constants = {name: torch.tensor(number, dtype=torch.float64) for name, number in cell.constants.items()}
    values, copies = [], []
    for inputs in point.sequence:
        copy = {name: tensor(numbers) for name, numbers in {**point.matrices, **point.vectors}.items()}
        here = {**constants, **copy, **{name: tensor(v) for name, v in inputs.items()}}
        here |= {s + PREVIOUS: v for s, v in state.items()}
        for step in steps:
            products = [MatrixVector(p.matrix, Symbol(p.vector)) for p in step.products]
            here[step.target] = torch_value(Sum((*products, step.rest)), here)
        state = {s: here[s] for s in cell.states}
        values.append(here)
        copies.append(copy)
    return Taped(values, copies)
