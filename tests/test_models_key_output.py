"""Frames of keys: probabilities over all sets of keys sum to one, and draws follow them."""

from __future__ import annotations

from itertools import product

import pytest
import torch
from torch import Tensor

from bptt.data.batches import NOTHING
from bptt.models.heads.key_output import IndependentKeys, KeyChain, KeyOutput

K, D = 6, 5
EVERY = torch.tensor(list(product((0.0, 1.0), repeat=K)), dtype=torch.float64)  # (2^K, K)


@pytest.fixture(params=["independent", "chain"])
def layer(request: pytest.FixtureRequest) -> KeyOutput:
    torch.manual_seed(3)
    made = IndependentKeys(D, K) if request.param == "independent" else KeyChain(D, K, 7)
    return made.double()


def output(rows: int = 1) -> Tensor:
    torch.manual_seed(5)
    return 2 * torch.randn(rows, D, dtype=torch.float64)


def shares(layer: KeyOutput, o: Tensor) -> Tensor:
    """Return P of every frame, (2^K,), for one output (1, D)."""
    with torch.no_grad():
        return layer.score(o.expand(len(EVERY), -1), EVERY).exp()


def test_the_probabilities_of_all_frames_sum_to_one(layer: KeyOutput) -> None:
    for o in output(4).split(1):
        # 64 terms below one, each with some units in the last place.
        assert abs(shares(layer, o).sum().item() - 1) < 1e-13


def test_a_chain_is_the_product_of_its_conditional_probabilities() -> None:
    torch.manual_seed(3)
    layer, o = KeyChain(D, K, 7).double(), output()
    p = dict(zip(map(tuple, EVERY.tolist()), shares(layer, o).tolist(), strict=True))
    for frame in EVERY.tolist():
        expected = 1.0
        for key in range(K):
            begun = [p[each] for each in p if each[:key] == tuple(frame[:key])]
            so = [p[each] for each in p if each[: key + 1] == tuple(frame[: key + 1])]
            expected *= sum(so) / sum(begun)
        assert expected == pytest.approx(p[tuple(frame)], rel=1e-10)
    # It is no product of independent keys.
    single = [sum(v for each, v in p.items() if each[key]) for key in range(K)]
    both = sum(v for each, v in p.items() if each[0] and each[1])
    assert abs(both - single[0] * single[1]) > 1e-3


def test_draws_have_the_frequencies_of_the_likelihood(layer: KeyOutput) -> None:
    o, count = output(), 40_000
    places = torch.rand(count, K, generator=torch.Generator().manual_seed(1), dtype=torch.float64)
    with torch.no_grad():
        drawn = layer.draw(o.expand(count, -1), places, 1.0, torch.ones(count, K, dtype=torch.bool))
    powers = 2 ** torch.arange(K - 1, -1, -1)
    found = torch.bincount((drawn.long() * powers).sum(1), minlength=2**K) / count
    p = shares(layer, o)
    # Five standard deviations of a frequency.
    assert ((found - p).abs() <= 5 * (p * (1 - p) / count).sqrt() + 1e-4).all()


def test_forbidden_keys_are_silent_and_zero_temperature_takes_the_likelier(layer: KeyOutput) -> None:
    o, allowed = output(50), torch.ones(50, K, dtype=torch.bool)
    allowed[:, 2] = False
    places = torch.rand(50, K, dtype=torch.float64)
    with torch.no_grad():
        assert not layer.draw(o, places, 2.0, allowed)[:, 2].any()
        frames = layer.draw(o, places, 0.0, torch.ones_like(allowed)).double()
        assert torch.equal(frames > 0, layer.logits(o, frames) > 0)


def test_frames_of_nothing_have_no_likelihood(layer: KeyOutput) -> None:
    frames = EVERY[:3].clone()
    frames[1] = NOTHING
    with torch.no_grad():
        found = layer.score(output(3), frames)
    assert found[1] == 0 and (found[[0, 2]] < 0).all()


def test_gradients_are_those_of_differences(layer: KeyOutput) -> None:
    torch.manual_seed(8)
    o = output(3).requires_grad_()
    frames = (torch.rand(3, K) < 0.4).double()
    assert torch.autograd.gradcheck(lambda x: layer.score(x, frames), (o,))
