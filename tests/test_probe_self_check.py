"""`bptt check` passes what is right and finds what is wrong."""

from __future__ import annotations

from dataclasses import replace

import pytest

from bptt.cells import CATALOGUE, Cell
from bptt.cells.expression import Expression
from bptt.cells.functions import FUNCTIONS
from bptt.errors import InputError
from bptt.probe.self_check import self_check
from bptt.runtime.backend import backend


@pytest.mark.parametrize("name", ["elman-tanh", "lstm-projection", "gru", "dense"])
def test_cells_of_the_catalogue_pass(name: str) -> None:
    checks = self_check(CATALOGUE[name])
    cell = CATALOGUE[name]
    assert [c.argument for c in checks] == [
        "x",
        *(f"{s}_prev" for s in cell.states),
        *(f.name for f in cell.families),
    ]
    assert all(c.passed for c in checks)


def wrong_derivative(y: Expression, x: Expression) -> Expression:
    return 1 - y


def test_a_wrong_derivative_is_found_by_all_three_truths(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FUNCTIONS, "sigmoid", replace(FUNCTIONS["sigmoid"], partials=(wrong_derivative,)))
    # A name of its own: derivations are cached by cell.
    cell = Cell.define("planted", "h = sigmoid(W_h @ x + R_h @ h_prev)", states="h")
    checks = self_check(cell)
    assert all(c.exact > 1e-3 and c.autograd > 1e-3 and c.differences > 1e-3 for c in checks)
    assert not any(c.passed for c in checks)


def test_cells_that_need_positive_arguments_are_checked_there() -> None:
    cell = Cell.define("rooted", "n = sqrt(W_n @ x)\nh = log(1 + n * h_prev) * rsqrt(h_prev)", states="h")
    assert all(c.passed for c in self_check(cell))


def test_a_cell_without_a_value_anywhere_is_refused() -> None:
    cell = Cell.define("nowhere", "h = log(-1 - (W_h @ x)**2 - h_prev**2)", states="h")
    with pytest.raises(InputError, match=r"cell 'nowhere': .*finite values"):
        self_check(cell)


@pytest.mark.parametrize(
    "equations",
    [
        "h = step(W_h @ x + h_prev)",
        "m = mean(b_a); a = W_a @ x + R_a @ h_prev + m; h = tanh(a - mean(a))",
        "m = sum(b_a); a = exp(W_a @ x + h_prev + m); h = a / sum(a)",
        "a = tanh(W_a @ x + R_a @ h_prev); h = (a + b_h) - (a + b_h) + a",
        "h = sign(b_h) * tanh(W_h @ x + R_h @ h_prev)",
    ],
)
def test_a_gradient_that_is_zero_passes(equations: str) -> None:
    """Computed it is some rounding, which has no size relative to zero."""
    cell = Cell.define("zero", equations.replace("; ", "\n"), states="h")
    with backend("reference"):
        assert all(c.passed for c in self_check(cell))


def test_a_wrong_gradient_is_found_where_the_right_one_is_zero(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(FUNCTIONS, "sign", replace(FUNCTIONS["sign"], partials=(lambda y, x: x - x + 1e-3,)))
    cell = Cell.define("planted-zero", "h = sign(b_h) * tanh(W_h @ x + h_prev)", states="h")
    with backend("reference"):
        assert [c.argument for c in self_check(cell) if not c.passed] == ["b"]
