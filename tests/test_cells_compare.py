"""Weights counted at equal size and at an equal budget, against the counts of the papers."""

from __future__ import annotations

import pytest

from bptt.cells import CATALOGUE, Cell, get
from bptt.cells.compare import compare
from bptt.errors import InputError

INPUT, HIDDEN = 7, 10


def test_gru_has_three_quarters_of_the_lstm() -> None:
    lstm, gru = compare([get("lstm"), get("gru")], INPUT, HIDDEN)
    assert lstm.weights == 4 * (HIDDEN * INPUT + HIDDEN * HIDDEN + HIDDEN)
    assert gru.weights * 4 == lstm.weights * 3


@pytest.mark.parametrize("cell", CATALOGUE.values(), ids=list(CATALOGUE))
@pytest.mark.parametrize("budget", [1, 500, 12_345])
def test_the_budget_is_used_and_kept(cell: Cell, budget: int) -> None:
    (count,) = compare([cell], INPUT, HIDDEN, budget)
    (larger,) = compare([cell], INPUT, count.hidden_at_budget + 1, budget)
    assert count.weights_at_budget <= budget < larger.weights


@pytest.mark.parametrize(
    ("sizes", "name"), [((0, 1, 1), "input"), ((1, 0, 1), "hidden"), ((1, 1, 0), "budget")]
)
def test_sizes_are_positive(sizes: tuple[int, int, int], name: str) -> None:
    with pytest.raises(InputError, match=f"{name} is at least 1, got 0"):
        compare([get("lstm")], *sizes)
