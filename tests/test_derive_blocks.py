"""The Jacobian multiplied out, against differences of the forward equations in 50 digits."""

from __future__ import annotations

import mpmath
import pytest
from test_derive_evaluate import random_point

from bptt.cells import CATALOGUE, Cell, get
from bptt.cells.expression import Expression
from bptt.derive.arithmetic import DIGITS
from bptt.derive.blocks import Path, blocks
from bptt.derive.evaluate import Point, forward, value
from bptt.derive.normal_form import normal_form

Vectors = dict[str, list[mpmath.mpf]]

DISTANCE = mpmath.mpf("1e-16")
MULTIPLIED = [cell for cell in CATALOGUE.values() if cell.name != "lstm-layernorm"]


def ran(cell: Cell, point: Point) -> Vectors:
    """All values of a single step."""
    return dict(forward(cell, point, DIGITS).values[0])


def moved(point: Point, name: str, index: int, by: mpmath.mpf) -> Point:
    """The point with one number of an input or of an initial state moved."""

    def move(vectors: Vectors) -> Vectors:
        return {n: [v + by * (n == name and k == index) for k, v in enumerate(vectors[n])] for n in vectors}

    first = move(dict(point.sequence[0]))
    return Point([first], move(dict(point.initial)), point.matrices, point.vectors)


def applied(path: Path, values: Vectors, point: Point, vector: mpmath.matrix) -> mpmath.matrix:
    """The product of a path's factors times a vector."""
    for factor in reversed(path):
        if isinstance(factor, Expression):
            diagonal = value(factor, values, DIGITS)
            spread = diagonal * len(vector) if len(diagonal) == 1 else diagonal
            vector = mpmath.diag(spread) * vector
        else:
            vector = mpmath.matrix(point.matrices[factor]) * vector
    return vector


@pytest.mark.parametrize("cell", MULTIPLIED, ids=lambda cell: cell.name)
def test_blocks_are_the_derivatives_of_the_forward_equations(cell: Cell) -> None:
    found = {(b.target, b.source): b.paths for b in blocks(cell) or ()}
    with mpmath.workdps(50):
        point = random_point(cell, 1, mpmath.mpf)
        values = ran(cell, point)
        for source in normal_form(cell).previous or cell.inputs:
            name = source.removesuffix("_prev")
            for k in range(len(values[source])):
                up, down = (ran(cell, moved(point, name, k, by)) for by in (DISTANCE, -DISTANCE))
                unit = mpmath.matrix([int(j == k) for j in range(len(values[source]))])
                for target in cell.states or (cell.output,):
                    column = mpmath.matrix(
                        [(a - b) / (2 * DISTANCE) for a, b in zip(up[target], down[target], strict=True)]
                    )
                    for path in found.get((target, source), ()):
                        column -= applied(path, values, point, unit)
                    # Central differences err by distance² times a third derivative, about 1 here.
                    assert mpmath.norm(column, mpmath.inf) < 1000 * DISTANCE**2, (target, source)


def test_a_row_statement_on_the_way_is_not_multiplied_out() -> None:
    assert blocks(get("lstm-layernorm")) is None


def test_too_many_paths_are_not_multiplied_out() -> None:
    lines = ["a0 = tanh(R_a0 @ h_prev)", *(f"a{k + 1} = a{k} * sin(a{k})" for k in range(40)), "h = a40"]
    assert blocks(Cell.define("deep", "\n".join(lines), states="h")) is None
