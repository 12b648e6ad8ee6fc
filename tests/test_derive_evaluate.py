"""The interpreter against numpy and mpmath, and the adjoint against SymPy in 50 digits."""

from __future__ import annotations

import math
import random

import mpmath
import numpy as np
import pytest

from bptt.cells import CATALOGUE, Cell
from bptt.cells.expression import Call, Symbol
from bptt.cells.functions import FUNCTIONS
from bptt.derive.adjoint import DELTA
from bptt.derive.arithmetic import DIGITS, FLOATS
from bptt.derive.evaluate import Point, apply, backward, forward, value
from bptt.derive.exact import exact_gradients

SIZES = {"I": 3, "H": 2, "P": 4}


def random_point(cell: Cell, steps: int, number: type = float, seed: int = 0) -> Point:
    source = random.Random(seed)

    def draw(length: int) -> list[object]:
        return [number(source.gauss(0, 1)) for _ in range(length)]

    return Point(
        sequence=[{name: draw(SIZES["I"]) for name in cell.inputs} for _ in range(steps)],
        initial={s: draw(SIZES[cell.width(s)]) for s in cell.states},
        matrices={m: [draw(SIZES[b]) for _ in range(SIZES[a])] for m, (a, b) in cell.matrices.items()},
        vectors={v: draw(SIZES[a]) for v, a in cell.vectors.items()},
    )


def flat_gradients(cell: Cell, point: Point, losses: dict[str, list[object]]) -> dict[str, list[object]]:
    found = backward(cell, point, forward(cell, point, DIGITS), [losses], DIGITS)
    return {
        **{name: list(found.deltas[0][DELTA + name]) for name in cell.inputs},
        **{f"{s}_prev": list(v) for s, v in found.initial.items()},
        **{m: [n for row in rows for n in row] for m, rows in found.matrices.items()},
        **{v: list(numbers) for v, numbers in found.vectors.items()},
    }


OWN = Cell.define(
    "own",
    """
    k = maximum(minimum(W_k @ x + p_k * h_prev, limit), -limit)
    s = softplus(W_s @ x + R_s @ h_prev) / (1 + exp(k))
    m = mean(abs(s))
    h = s * sin(k) + cos(h_prev) * sqrt(1 + k**2) - log(2 + m) * sign(k)
    """,
    states="h",
    constants={"limit": 0.75},
)


@pytest.mark.parametrize("cell", [*CATALOGUE.values(), OWN], ids=lambda cell: cell.name)
def test_the_adjoint_equals_sympys_total_derivative_in_50_digits(cell: Cell) -> None:
    with mpmath.workdps(50):
        point = random_point(cell, 1, mpmath.mpf)
        source = random.Random(9)
        names = dict.fromkeys((*cell.states, cell.output))
        losses = {s: [mpmath.mpf(source.gauss(0, 1)) for _ in range(SIZES[cell.width(s)])] for s in names}
        truth = exact_gradients(cell, point, losses)
        found = flat_gradients(cell, point, losses)
        assert found.keys() == truth.keys()
        for name, numbers in truth.items():
            # 50 digits, of which a few thousand operations and one cancellation cost less than ten.
            assert max(abs(a - b) for a, b in zip(found[name], numbers, strict=True)) < mpmath.mpf("1e-40"), (
                name
            )


@pytest.mark.parametrize("name", [n for n in FUNCTIONS if n not in ("minimum", "maximum")])
@pytest.mark.parametrize("x", [-100.0, -3.3, -1e-9, 0.0, 1e-9, 0.7, 100.0])
def test_functions_in_floats_agree_with_50_digits(name: str, x: float) -> None:
    if x <= 0 and name in ("log", "sqrt", "rsqrt"):
        x = abs(x) + 1e-3
    with mpmath.workdps(50):
        (truth,) = apply(name, [[mpmath.mpf(x)]], DIGITS)
        (found,) = apply(name, [[x]], FLOATS)
        # One rounding of the result; libm is right to 1 ulp, and sigmoid and softplus chain three calls.
        assert abs(found - truth) <= 4 * 2.3e-16 * abs(truth) + 5e-324


def test_floats_reach_their_limits_without_overflow() -> None:
    call = {name: row.floats for name, row in FUNCTIONS.items()}
    assert call["sigmoid"](-1e4) == 0.0 and call["sigmoid"](1e4) == 1.0
    assert call["exp"](1e4) == math.inf and call["softplus"](1e4) == 1e4
    assert call["log"](0.0) == -math.inf and math.isnan(call["log"](-1.0))
    assert call["rsqrt"](0.0) == math.inf and math.isnan(call["sqrt"](-1.0))


def test_ties_and_kinks_are_as_stated() -> None:
    a, b = Symbol("a"), Symbol("b")
    here = {"a": [1.0], "b": [1.0]}
    first, second = FUNCTIONS["minimum"].partials
    assert value(first(Symbol("y"), a, b), here, FLOATS) == [1.0]
    assert value(second(Symbol("y"), a, b), here, FLOATS) == [0.0]
    first, second = FUNCTIONS["maximum"].partials
    assert value(first(Symbol("y"), a, b), here, FLOATS) == [0.0]
    assert value(second(Symbol("y"), a, b), here, FLOATS) == [1.0]
    assert value(Call("step", (Symbol("z"),)), {"z": [0.0]}, FLOATS) == [0]


def test_the_interpreter_runs_an_lstm_as_numpy_does() -> None:
    cell = CATALOGUE["lstm"]
    point = random_point(cell, 4)
    found = forward(cell, point)
    h, c = (np.array(point.initial[s]) for s in ("h", "c"))
    for t, step in enumerate(point.sequence):
        gates = {}
        for gate in "ifgo":
            w, r = np.array(point.matrices[f"W_{gate}"]), np.array(point.matrices[f"R_{gate}"])
            net = w @ np.array(step["x"]) + r @ h + np.array(point.vectors[f"b_{gate}"])
            gates[gate] = np.tanh(net) if gate == "g" else 1 / (1 + np.exp(-net))
        c = gates["f"] * c + gates["i"] * gates["g"]
        h = gates["o"] * np.tanh(c)
        # About 30 operations a step on numbers of order one, four steps deep.
        np.testing.assert_allclose(found.values[t]["h"], h, rtol=0, atol=120 * 2.3e-16)
        np.testing.assert_allclose(found.values[t]["c"], c, rtol=0, atol=120 * 2.3e-16)


def test_backward_over_several_steps_equals_differences_of_the_loss() -> None:
    cell = CATALOGUE["gru"]
    with mpmath.workdps(50):
        point = random_point(cell, 3, mpmath.mpf)
        losses = [{"h": [mpmath.mpf(1 + t), mpmath.mpf(-t)]} for t in range(3)]

        def loss() -> object:
            states = forward(cell, point, DIGITS).values
            return sum(
                w * v
                for at, here in zip(losses, states, strict=True)
                for w, v in zip(at["h"], here["h"], strict=True)
            )

        found = backward(cell, point, forward(cell, point, DIGITS), losses, DIGITS)
        row, step = point.matrices["R_n"][1], mpmath.mpf("1e-15")
        centre = row[0]
        row[0] = centre + step
        above = loss()
        row[0] = centre - step
        slope = (above - loss()) / (2 * step)
        # A central difference errs by step² times a third derivative of order one.
        assert abs(slope - found.matrices["R_n"][1][0]) < mpmath.mpf("1e-27")
