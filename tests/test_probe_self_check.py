"""`bptt check` passes what is right and finds what is wrong."""

from __future__ import annotations

import pytest

from bptt.cells import CATALOGUE, Cell
from bptt.cells.expression import Expression
from bptt.cells.functions import FUNCTIONS, Function
from bptt.errors import InputError
from bptt.probe.self_check import self_check


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
    monkeypatch.setitem(FUNCTIONS, "sigmoid", Function("sigmoid", (wrong_derivative,)))  # type: ignore[arg-type]
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


def test_a_cell_whose_gradient_is_zero_passes() -> None:
    assert all(c.passed for c in self_check(Cell.define("stepped", "h = step(W_h @ x + h_prev)", states="h")))
