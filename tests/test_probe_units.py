"""Units found by a property: a planted one first, and scores against counting all pairs."""

from __future__ import annotations

import random

import numpy as np
import pytest
import torch

from bptt import nn
from bptt.errors import InputError
from bptt.probe import LayerValues, Ranking, UnitScore, Value, find_property, rank_units, values, varies
from bptt.probe.units import HELD_OUT_FROM, average_ranks

EPS = np.finfo(np.float64).eps
LATCH = 7


def layer(numbers: torch.Tensor, name: str = "layer 1") -> LayerValues:
    return LayerValues(1, "forward", name, None, (Value("h", "state", "", numbers[:, None]),))


def draw(steps: int, units: int) -> tuple[torch.Tensor, torch.Tensor]:
    """Units with many ties, and a property that some of them follow, some against."""
    source = torch.Generator().manual_seed(steps)
    wanted = torch.rand(steps, generator=source) < 0.3
    pull = torch.linspace(-1, 1, units, dtype=torch.float64) * wanted[:, None]
    noise = torch.randn(steps, units, generator=source, dtype=torch.float64)
    return ((noise + pull) * 3).round(), wanted


def area(numbers: np.ndarray, wanted: np.ndarray) -> float:
    """The share of pairs, one step with and one without, that are in order; half of those that are equal."""
    above, below = numbers[wanted][:, None], numbers[~wanted]
    return float(np.mean((above > below) + 0.5 * (above == below)))


def spearman(numbers: np.ndarray, wanted: np.ndarray) -> float:
    def ranks(x: np.ndarray) -> np.ndarray:
        return (x[:, None] > x).sum(1) + ((x[:, None] == x).sum(1) + 1) / 2

    return float(np.corrcoef(ranks(numbers), ranks(wanted))[0, 1])


def scores(ranking: Ranking) -> dict[int, float]:
    return {found.unit: found.score for found in ranking.units}


def latch(stack: nn.LSTM, quote: int) -> None:
    """Make one unit's state change its sign at each quotation mark, from below to above at the first."""
    gates = {gate: k * stack.hidden_size + LATCH for k, gate in enumerate("ifgo")}
    with torch.no_grad():
        for row in gates.values():
            for parameter in stack.parameters():
                parameter[row] = 0
        stack.bias_ih_l0[list(gates.values())] = torch.tensor([-20.0, 20.0, 5.0, 20.0])
        stack.weight_ih_l0[gates["i"], quote] = 40
        stack.weight_ih_l0[gates["f"], quote] = -40
        stack.weight_hh_l0[gates["g"], LATCH] = -20


def test_a_unit_planted_to_follow_quotes_is_found_first() -> None:
    torch.manual_seed(0)
    chance = random.Random(0)
    phrases = [" ".join(chance.choices(["the", "cat", "already", "ate", "a"], k=3)) for _ in range(60)]
    text = " ".join(f'"{phrase}"' if chance.random() < 0.4 else phrase for phrase in phrases)
    letters = sorted(set(text))
    stack = nn.LSTM(len(letters), 40)
    with torch.no_grad():
        for parameter in stack.parameters():
            parameter *= 5  # the others move a lot
    latch(stack, letters.index('"'))
    x = torch.eye(len(letters))[[letters.index(letter) for letter in text]]

    quoted, counted = (find_property(name).of(text) for name in ("quotes", "word-position"))
    ranking, other = rank_units(values(stack, x), [quoted, counted], count=3)
    assert ranking.held_out and other.held_out
    best, second, third = ranking.units
    found = {(s.layer, s.value, s.unit) for s in (best, second)}
    assert found == {("layer 1", "c", LATCH), ("layer 1", "h", LATCH)}
    assert best.score == second.score == 1.0
    assert abs(third.score - 0.5) < 0.5
    assert other.units[0].unit != LATCH


def test_areas_are_the_shares_of_pairs_in_order() -> None:
    steps, units = HELD_OUT_FROM - 1, 9
    numbers, wanted = draw(steps, units)
    (ranking,) = rank_units([layer(numbers)], [wanted], count=units)
    assert not ranking.held_out
    truth = {unit: area(numbers[:, unit].numpy(), wanted.numpy()) for unit in range(units)}
    # Ranks are exact; a sum of them is at most steps², rounded, and divided by the pairs.
    assert scores(ranking) == pytest.approx(truth, abs=float(EPS * steps))
    assert list(scores(ranking)) == sorted(truth, key=lambda unit: -abs(truth[unit] - 0.5))
    metrics = pytest.importorskip("sklearn.metrics")
    theirs = {unit: metrics.roc_auc_score(wanted, numbers[:, unit]) for unit in range(units)}
    assert scores(ranking) == pytest.approx(theirs, abs=float(EPS * steps))


def test_correlations_are_those_of_the_ranks() -> None:
    steps, units = 150, 8
    numbers, _ = draw(steps, units)
    numbers = torch.cat([numbers, torch.ones(steps, 1)], 1)
    wanted = (torch.arange(steps) % 11).double() + numbers[:, 2]
    (ranking,) = rank_units([layer(numbers)], [wanted], count=units + 1)
    truth = {unit: spearman(numbers[:, unit].numpy(), wanted.numpy()) for unit in range(units)}
    truth[units] = 0.0  # it does not move
    assert scores(ranking) == pytest.approx(truth, abs=float(EPS * steps))
    assert ranking.units[0].unit == 2
    stats = pytest.importorskip("scipy.stats")
    theirs = {unit: stats.spearmanr(numbers[:, unit], wanted).statistic for unit in range(units)}
    assert scores(ranking) == pytest.approx({**theirs, units: 0.0}, abs=float(EPS * steps))


def test_units_are_chosen_on_one_half_and_measured_on_the_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bptt.probe.units.BLOCK", 1000)  # few units at a time
    steps, units = 2 * HELD_OUT_FROM + 1, 13
    numbers, wanted = draw(steps, units)
    late = torch.arange(steps) > steps - 5
    layers = [layer(numbers[:, :4], "layer 1"), layer(numbers[:, 4:], "layer 2")]
    first, second = rank_units(layers, [wanted, late], count=5)

    def truth(unit: int, said: torch.Tensor, part: slice) -> float:
        return area(numbers[part, unit].numpy(), said[part].numpy())

    head, tail = slice(HELD_OUT_FROM + 1), slice(HELD_OUT_FROM + 1, None)
    order = sorted(range(units), key=lambda unit: -abs(truth(unit, wanted, head) - 0.5))[:5]
    assert first.held_out
    assert [4 * (s.layer == "layer 2") + s.unit for s in first.units] == order
    close = {"abs": float(EPS * steps)}
    assert [s.score for s in first.units] == pytest.approx([truth(u, wanted, tail) for u in order], **close)

    assert not second.held_out  # the first half has nothing of it
    best = second.units[0]
    unit = 4 * (best.layer == "layer 2") + best.unit
    assert best.score == pytest.approx(truth(unit, late, slice(None)), **close)


def test_ranks_of_equal_numbers_are_shared() -> None:
    rows = torch.tensor([[3.0, 1.0, 3.0, 2.0], [0.0, 0.0, 0.0, -1.0]])
    assert average_ranks(rows).tolist() == [[3.5, 1, 3.5, 2], [3, 3, 3, 1]]


def test_what_cannot_be_ranked_is_refused() -> None:
    numbers, wanted = draw(30, 3)
    assert varies(wanted)
    with pytest.raises(InputError, match=r"a property varies, got \[False\] at all 30 steps"):
        rank_units([layer(numbers)], [wanted, torch.zeros(30, dtype=torch.bool)])
    with pytest.raises(InputError, match="layer 1 h: expected shape"):
        rank_units([layer(numbers[:-1])], [wanted])
    with pytest.raises(InputError, match="expected shape"):
        rank_units([layer(numbers)], [wanted, wanted[1:]])
    numbers[4, 1] = torch.nan
    with pytest.raises(InputError, match="finite"):
        rank_units([layer(numbers)], [wanted])


@pytest.mark.parametrize(("sign", "score"), [(1.0, 1.0), (-1.0, 0.0)])
def test_a_unit_that_is_low_inside_tells_as_much_as_one_that_is_high(sign: float, score: float) -> None:
    inside = torch.tensor([0, 1, 1, 0, 0, 1, 0], dtype=torch.bool)
    noise = torch.tensor([0.4, 0.5, 0.4, 0.5, 0.4, 0.5, 0.5])
    units = torch.stack([noise, sign * inside.float()], 1)
    (ranking,) = rank_units([layer(units)], [inside])
    best = ranking.units[0]
    assert (best.unit, best.score, best.strength, best.inverse) == (1, score, 1.0, sign < 0)


@pytest.mark.parametrize(("rho", "inverse"), [(0.8, False), (-0.8, True), (0.0, False)])
def test_the_strength_of_a_correlation_is_its_size(rho: float, inverse: bool) -> None:
    found = UnitScore("layer 1", "h", 0, rho, chance=0.0)
    assert (found.strength, found.inverse) == (abs(rho), inverse)
