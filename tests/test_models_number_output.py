"""The output layer for numbers: losses beside their definition, gradients, coverage of intervals."""

from __future__ import annotations

import math

import pytest
import torch

from bptt.errors import InputError
from bptt.models.heads.number_output import (
    NumberOptions,
    NumberOutput,
    conformal_quantile,
    median,
    number_losses,
    pinball,
)


def test_the_pinball_loss_is_its_definition() -> None:
    draw = torch.Generator().manual_seed(0)
    found, wanted = (torch.randn(7, 3, generator=draw, dtype=torch.float64) for _ in range(2))
    levels = torch.tensor([0.1, 0.5, 0.9], dtype=torch.float64)
    losses = pinball(found, wanted, levels)
    for i in range(7):
        for k, level in enumerate(levels.tolist()):
            error = wanted[i, k].item() - found[i, k].item()
            by_hand = level * error if error >= 0 else (level - 1) * error
            assert losses[i, k].item() == pytest.approx(by_hand, rel=1e-15)


def test_the_constant_of_least_pinball_loss_is_the_quantile() -> None:
    wanted = torch.arange(1.0, 102)
    for level in (0.1, 0.5, 0.9):
        candidates = torch.arange(1.0, 102)
        losses = pinball(candidates[:, None, None], wanted[None, :, None], torch.tensor([level])).sum((1, 2))
        assert candidates[losses.argmin()].item() == pytest.approx(1 + 100 * level, abs=1)


@pytest.mark.parametrize("loss", ["squared", "absolute", "huber", "quantile"])
def test_losses_and_their_gradients(loss: str) -> None:
    options = NumberOptions(loss, delta=0.5)  # type: ignore[arg-type]
    draw = torch.Generator().manual_seed(1)
    found = torch.randn(5, 2, options.width, generator=draw, dtype=torch.float64, requires_grad=True)
    wanted = torch.randn(5, 2, generator=draw, dtype=torch.float64)
    assert torch.autograd.gradcheck(lambda f: number_losses(f, wanted, options), (found,))
    point, error = found[..., 0], (found[..., 0] - wanted).abs()
    by_hand = {
        "squared": error.square(),
        "absolute": error,
        "huber": torch.where(error < 0.5, error.square() / 2, 0.5 * (error - 0.25)),
    }
    if loss in by_hand:
        torch.testing.assert_close(number_losses(found, wanted, options), by_hand[loss])
    assert point.shape == (5, 2)


def test_targets_are_standardised_and_answers_are_not() -> None:
    output = NumberOutput(3, 2, NumberOptions())
    targets = torch.tensor([[1.0, 10], [3, 50], [5, math.nan]])
    output.fit(targets)
    assert output.mean.tolist() == [3, 30]
    assert output.deviation.tolist() == pytest.approx([math.sqrt(8 / 3), 20])
    assert output.median.tolist() == [3, 30]
    found = torch.tensor([[[0.0], [1.0]]])
    assert output.read(found)[0, :, 0].tolist() == [3, 50]
    assert output.loss(found, torch.tensor([[3.0, 50]])).item() == 0


def test_a_missing_target_does_not_count() -> None:
    output = NumberOutput(1, 2, NumberOptions(standardise=False))
    found = torch.ones(2, 2, 1, requires_grad=True)
    loss = output.loss(found, torch.tensor([[1.0, math.nan], [3.0, 2.0]]))
    assert loss.item() == pytest.approx((0 + 4 + 1) / 3)
    loss.backward()  # type: ignore[no-untyped-call]
    assert found.grad is not None
    assert found.grad[0, 1].item() == 0


def test_a_target_that_never_changes_is_refused() -> None:
    with pytest.raises(InputError, match="must differ"):
        NumberOutput(1, 1, NumberOptions()).fit(torch.full((4, 1), 2.5))


def test_crossed_quantiles_are_sorted() -> None:
    output = NumberOutput(1, 1, NumberOptions("quantile"))
    assert output.read(torch.tensor([[3.0, 1.0, 2.0]]))[0].tolist() == [1, 2, 3]


def test_the_conformal_quantile_by_hand() -> None:
    scores = torch.tensor([5.0, 1, 4, 2, 3, 9, 8, 7, 6])
    # ⌈(9 + 1) 0.8⌉ = 8: the eighth smallest of nine.
    assert conformal_quantile(scores, 0.8).item() == 8
    assert conformal_quantile(scores, 0.9).item() == 9
    # ⌈(9 + 1) 0.85⌉ = 9, but ⌈9 · 0.85⌉ = 8; above all nine the largest.
    assert conformal_quantile(scores, 0.85).item() == 9
    assert conformal_quantile(scores, 0.99).item() == 9


@pytest.mark.parametrize("loss", ["squared", "quantile"])
def test_intervals_hold_the_share_that_they_say(loss: str) -> None:
    """On 2,000 draws with 199 to calibrate by: the mean coverage is between 0.9 and 0.905, its deviation over
    draws √(0.9 · 0.1 / 201) = 0.021 by Vovk 2012, that of the mean over 40 draws 0.0034: five of these.
    """
    options = NumberOptions(loss)  # type: ignore[arg-type]
    draw = torch.Generator().manual_seed(2)
    shares = []
    for _ in range(40):
        output = NumberOutput(1, 1, options)
        # Answers that are wrong on purpose: the margin has to make good for it.
        targets = torch.randn(2199, 1, generator=draw, dtype=torch.float64).exp()
        values = (torch.tensor([0.9, 1.0, 1.1]) if options.levels else torch.ones(1)).expand(2199, 1, -1)
        values = values.double()
        output.calibrate(values[:199], targets[:199])
        ends = output.interval(values[199:])
        assert ends is not None
        shares.append(((ends[0] <= targets[199:]) & (targets[199:] <= ends[1])).double().mean().item())
    assert abs(sum(shares) / len(shares) - 0.9025) < 5 * 0.0034


def test_an_interval_that_is_too_wide_becomes_narrower_and_never_turns_over() -> None:
    output = NumberOutput(1, 1, NumberOptions("quantile"))
    wide = torch.tensor([-9.0, 0, 9], dtype=torch.float64).expand(99, 1, 3)
    output.calibrate(wide, torch.linspace(-1, 1, 99, dtype=torch.float64)[:, None])
    assert output.margin.item() < 0
    narrow = torch.tensor([[[-0.1, 0, 0.1]]], dtype=torch.float64)
    ends = output.interval(narrow)
    assert ends is not None
    assert ends[0].item() == ends[1].item() == 0


def test_without_held_out_examples_a_point_has_no_interval() -> None:
    assert NumberOutput(1, 1, NumberOptions()).interval(torch.zeros(1, 1, 1)) is None
    assert NumberOutput(1, 1, NumberOptions("quantile")).interval(torch.zeros(1, 1, 3)) is not None


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"loss": "cubic"}, "loss: is one of squared"),
        ({"quantiles": (0.5, 0.1)}, "quantiles: are rising numbers between 0 and 1, got 0.5, 0.1"),
        ({"quantiles": ()}, "quantiles: are rising"),
        ({"quantiles": (0.0, 0.5)}, "quantiles: are rising"),
        ({"delta": 0.0}, "delta: is above 0"),
        ({"interval": 0.0}, "interval: is above 0"),
        ({"interval": 1.0}, "interval: is at least 0 and below 1"),
    ],
)
def test_options_that_cannot_be(options: dict[str, object], words: str) -> None:
    with pytest.raises(InputError, match=words):
        NumberOptions(**options)  # type: ignore[arg-type]


@pytest.mark.parametrize("count", [1, 2, 7, 8, 1001, 1002])
def test_the_median_is_that_of_quantile(count: int) -> None:
    values = torch.randn(count, dtype=torch.float64)
    assert torch.equal(median(values), values.quantile(0.5))


def test_more_targets_than_quantile_takes() -> None:
    """Half are below 1, half above 3."""
    count = 2**24 + 2
    values = torch.zeros(count, 1)
    values[: count // 2, 0], values[count // 2 :, 0] = 1, 3
    output = NumberOutput(1, 1, NumberOptions())
    output.fit(values)
    assert output.median.item() == 2
