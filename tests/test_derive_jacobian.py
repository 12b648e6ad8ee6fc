"""The linearised step: the transpose of the adjoint, and the derivative of the evaluated step."""

from __future__ import annotations

import random

import pytest

from bptt.cells import CATALOGUE, Cell
from bptt.cells.language import PREVIOUS
from bptt.derive.adjoint import DELTA
from bptt.derive.arithmetic import FLOATS
from bptt.derive.evaluate import Matrix, Point, Vector, backward, forward, run
from bptt.derive.jacobian import CHANGE, jacobian

SIZES = {"I": 3, "H": 4, "P": 2}
ROWS = Cell.define(
    "rows",
    "m = mean(h_prev)\ne = h_prev - m\nv = sum(w_h * e) + m\nh = tanh(W_h @ x + v * e) * rsqrt(m * m + 1)",
    states="h",
)
CELLS = {**CATALOGUE, "rows": ROWS}
# Sums of up to 12·13 products of order one, twice: 2.2e-16 · 312, and as much again for what they cancel.
LIMIT = 2e-13


def draw(cell: Cell, seed: int) -> Point:
    source = random.Random(seed)

    def vector(letter: str) -> Vector:
        return [source.gauss(0, 1) for _ in range(SIZES[letter])]

    return Point(
        sequence=[{name: vector(cell.width(name)) for name in cell.inputs}],
        initial={state: vector(cell.width(state)) for state in cell.states},
        matrices={m: [vector(b) for _ in range(SIZES[a])] for m, (a, b) in cell.matrices.items()},
        vectors={v: vector(a) for v, a in cell.vectors.items()},
    )


def flat(point: Point) -> dict[str, Vector]:
    """Every argument by name, a matrix row after row."""
    matrices = {m: [n for row in rows for n in row] for m, rows in point.matrices.items()}
    states = {s + PREVIOUS: v for s, v in point.initial.items()}
    return {**point.sequence[0], **states, **matrices, **point.vectors}


def tangent(cell: Cell, point: Point, moves: Point, states_only: bool = False) -> dict[str, Vector]:
    """∂v of every value, by the steps of `jacobian`."""
    changes = {s + PREVIOUS: v for s, v in moves.initial.items()}
    matrices: dict[str, Matrix] = dict(point.matrices)
    if not states_only:
        changes |= {**moves.sequence[0], **moves.vectors}
        matrices |= {CHANGE + m: rows for m, rows in moves.matrices.items()}
    values = dict(forward(cell, point).values[0]) | {CHANGE + n: v for n, v in changes.items()}
    run(jacobian(cell, states_only).steps, values, matrices, FLOATS)
    return values


def dot(a: Vector, b: Vector) -> float:
    return sum(x * y for x, y in zip(a, b, strict=True))


@pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS)
def test_it_is_the_transpose_of_the_adjoint(cell: Cell) -> None:
    """⟨δ, J u⟩ = ⟨Jᵀ δ, u⟩: two derivations in opposite directions give one number."""
    point, moves, seeds = draw(cell, 0), draw(cell, 1), random.Random(2)
    outputs = dict.fromkeys((*cell.states, cell.output))
    deltas = {s: [seeds.gauss(0, 1) for _ in range(SIZES[cell.width(s)])] for s in outputs}
    changes = tangent(cell, point, moves)
    found = backward(cell, point, forward(cell, point), [deltas])
    gradients = flat(Point([{}], found.initial, found.matrices, found.vectors))
    gradients |= {name: found.deltas[0][DELTA + name] for name in cell.inputs}
    left = sum(dot(delta, changes[CHANGE + s]) for s, delta in deltas.items())
    right = sum(dot(gradients[name], move) for name, move in flat(moves).items())
    assert abs(left - right) < LIMIT


@pytest.mark.parametrize(
    "cell", [c for c in CELLS.values() if c.states], ids=[n for n in CELLS if n != "dense"]
)
def test_the_states_alone_are_the_whole_with_the_rest_held(cell: Cell) -> None:
    point, moves = draw(cell, 0), draw(cell, 1)
    still = Point(
        [{n: [0.0] * len(v) for n, v in moves.sequence[0].items()}],
        moves.initial,
        {m: [[0.0] * len(row) for row in rows] for m, rows in moves.matrices.items()},
        {v: [0.0] * len(value) for v, value in moves.vectors.items()},
    )
    whole, alone = tangent(cell, point, still), tangent(cell, point, moves, states_only=True)
    for state in cell.states:
        for a, b in zip(whole[CHANGE + state], alone[CHANGE + state], strict=True):
            assert abs(a - b) < LIMIT


@pytest.mark.parametrize("cell", CELLS.values(), ids=CELLS)
def test_it_is_the_derivative_of_the_step(cell: Cell) -> None:
    """Central differences along one direction err by ε² and by eps/ε: 1e-10 for ε = 1e-6, times the sums."""
    point, moves, step = draw(cell, 0), draw(cell, 1), 1e-6

    def moved(factor: float) -> Vector:
        def shift(a: Vector, b: Vector) -> Vector:
            return [x + factor * y for x, y in zip(a, b, strict=True)]

        at = Point(
            [{n: shift(v, moves.sequence[0][n]) for n, v in point.sequence[0].items()}],
            {s: shift(v, moves.initial[s]) for s, v in point.initial.items()},
            {
                m: [shift(a, b) for a, b in zip(rows, moves.matrices[m], strict=True)]
                for m, rows in point.matrices.items()
            },
            {v: shift(value, moves.vectors[v]) for v, value in point.vectors.items()},
        )
        return list(forward(cell, at).values[0][cell.output])

    found = tangent(cell, point, moves)[CHANGE + cell.output]
    for value, low, high in zip(found, moved(-step), moved(step), strict=True):
        assert abs(value - (high - low) / (2 * step)) < 1e-7


def test_the_path_of_the_cell_state_is_the_forget_gate() -> None:
    steps = {s.target: str(s) for s in jacobian(CATALOGUE["lstm"], states_only=True).steps}
    assert steps["∂c"] == "∂c = ∂f * c_prev + ∂c_prev * f + ∂i * g + ∂g * i"
    assert steps["∂net_i"] == "∂net_i = R_i @ ∂h_prev"


def test_what_does_not_move_is_left_out() -> None:
    cell = Cell.define("own", "a = tanh(W_a @ x)\nh = a * h_prev", states="h")
    assert [str(s) for s in jacobian(cell, states_only=True).steps] == ["∂h = ∂h_prev * a"]
