"""One step of a cell with random numbers, for the tests of what is printed of it."""

from __future__ import annotations

import random

from bptt.cells import Cell
from bptt.derive.evaluate import Matrix, Point, Vector
from bptt.derive.normal_form import normal_form
from bptt.derive.one_step import StepValues, evaluate_step

SIZES = {"H": 4, "I": 2, "P": 2, "1": 1}


def drawn(cell: Cell, seed: int = 0) -> StepValues:
    """A step with random numbers."""
    draw = random.Random(seed)

    def vector(letter: str) -> Vector:
        return [draw.uniform(-1, 1) for _ in range(SIZES[letter])]

    def matrix(rows: str, columns: str) -> Matrix:
        return [vector(columns) for _ in range(SIZES[rows])]

    form = normal_form(cell)
    point = Point(
        [{name: vector(cell.width(name)) for name in cell.inputs}],
        {state: vector(cell.width(state)) for state in cell.states},
        {name: matrix(*letters) for name, letters in cell.matrices.items()},
        {name: vector(letter) for name, letter in cell.vectors.items()},
    )
    results = dict.fromkeys((*cell.states, cell.output))
    loss = {name: vector(form.width(name)) for name in results}
    return evaluate_step(cell, point, loss, {s: vector(cell.width(s)) for s in cell.states})
