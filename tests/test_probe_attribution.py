"""Attributions against one backward pass of torch for each loss, and where a sum has to come out."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from numpy.testing import assert_allclose
from torch import Tensor

from bptt import nn
from bptt.errors import InputError
from bptt.probe import gradient_x_input, integrated_gradients
from bptt.probe.attribution import POINTS, _gauss_legendre

STEPS, INPUTS, HIDDEN, CLASSES = 9, 4, 6, 5
EPS = np.finfo(np.float64).eps
TERMS = list(range(STEPS))


class Model:
    """-ln P of a class after each step, from two layers in both directions."""

    def __init__(self) -> None:
        torch.manual_seed(1)
        self.stack = nn.LSTM(INPUTS, HIDDEN, 2, bidirectional=True, dtype=torch.float64)
        self.head = torch.nn.Linear(2 * HIDDEN, CLASSES, dtype=torch.float64)
        self.inputs = torch.randn(STEPS, 1, INPUTS, dtype=torch.float64)
        self.targets = torch.randint(CLASSES, (STEPS,))
        for parameter in self.stack.parameters():
            parameter.grad = torch.zeros_like(parameter)

    def losses(self, inputs: Tensor, terms: Sequence[int]) -> Tensor:
        m = torch.tensor(terms)
        output = self.stack(inputs)[0][m, torch.arange(len(terms))]
        return torch.nn.functional.cross_entropy(self.head(output), self.targets[m], reduction="none")

    def by_torch(self, m: int) -> Tensor:
        """∂E_m/∂x · x by torch's own network, (T,)."""
        theirs = torch.nn.LSTM(INPUTS, HIDDEN, 2, bidirectional=True, dtype=torch.float64)
        theirs.load_state_dict(self.stack.state_dict())
        x = self.inputs[:, 0].clone().requires_grad_()
        output = theirs(x)[0]
        torch.nn.functional.cross_entropy(self.head(output[m]), self.targets[m]).backward()
        assert x.grad is not None
        return (x.grad * x.detach()).sum(-1)


@pytest.mark.parametrize("block", [1, 4, 64])
def test_gradient_x_input_is_that_of_one_backward_pass_for_each_loss(block: int) -> None:
    model = Model()
    terms = [3, 0, 8, 8, 5]
    with torch.no_grad():
        found = gradient_x_input(model.losses, model.inputs, terms, block)
    truth = torch.stack([model.by_torch(m) for m in terms])
    # Sums of 2 (HIDDEN + HIDDEN) products, through two layers of STEPS steps.
    close = EPS * 8 * STEPS * 2 * HIDDEN * float(truth.abs().max())
    assert found.dtype == torch.float64
    assert_allclose(found, truth, rtol=0, atol=close)
    assert not model.inputs.requires_grad
    assert all(not p.grad.any() for p in model.stack.parameters() if p.grad is not None)


@pytest.mark.parametrize("block", [7, 1000])
def test_integrated_gradients_sum_to_the_difference_of_losses(block: int) -> None:
    model = Model()
    baseline = torch.randn(STEPS, 1, INPUTS, dtype=torch.float64)
    for start in (None, baseline):
        found = integrated_gradients(model.losses, model.inputs, TERMS, start, 1e-6, block)
        away = torch.zeros_like(baseline) if start is None else start
        with torch.no_grad():
            rise = torch.cat([model.losses(model.inputs, [m]) - model.losses(away, [m]) for m in TERMS])
        assert found.scores.shape == (STEPS, STEPS)
        assert float(found.errors.max()) < 1e-6
        assert_allclose(found.scores.sum(1), rise, rtol=0, atol=1e-6)


def test_a_linear_model_is_attributed_exactly() -> None:
    weights = torch.randn(STEPS, 1, INPUTS, dtype=torch.float64)
    inputs = torch.randn(STEPS, 1, INPUTS, dtype=torch.float64)

    def losses(x: Tensor, terms: Sequence[int]) -> Tensor:
        return torch.tensor(terms) * ((weights * x).sum((0, 2)) + 3)

    truth = torch.outer(torch.arange(3.0).double(), (weights * inputs).sum((1, 2)))
    found = integrated_gradients(losses, inputs, [0, 1, 2])
    # Products of the same numbers in another order.
    assert_allclose(found.scores, truth, rtol=0, atol=EPS * 8 * INPUTS * float(truth.abs().max()))
    assert_allclose(gradient_x_input(losses, inputs, [0, 1, 2]), truth, rtol=0, atol=EPS * 8 * INPUTS * 10)
    assert float(found.errors.max()) < EPS * 100 * STEPS * INPUTS


def powers(x: Tensor, terms: Sequence[int]) -> Tensor:
    """Σ_t x_t^degree, the term's number being the degree."""
    return torch.stack([x[:, row].pow(degree).sum() for row, degree in enumerate(terms)])


def test_where_the_loss_bends_the_way_is_halved(monkeypatch: pytest.MonkeyPatch) -> None:
    inputs = torch.linspace(-1, 1.1, 4, dtype=torch.float64).reshape(-1, 1, 1)
    degrees = [1, 2, 15, 80]
    truth = torch.stack([inputs.flatten() ** degree for degree in degrees])
    asked = []

    def losses(x: Tensor, terms: Sequence[int]) -> Tensor:
        asked.extend(terms)
        return powers(x, terms)

    found = integrated_gradients(losses, inputs, degrees, tolerance=1e-3)
    # Eight points are exact up to degree 16, as far as eigenvalues are: to a few EPS.
    assert_allclose(found.scores[:3], truth[:3], rtol=0, atol=EPS * 1000)
    assert [asked.count(degree) for degree in degrees[:3]] == [10, 10, 10]
    assert asked.count(80) > 10
    assert 0 < float(found.errors[3]) < 1e-3
    # 1.1^80 is 2048.
    missing = abs(float(found.scores[3].sum() - truth[3].sum()))
    assert float(found.errors[3]) == pytest.approx(missing, abs=float(EPS * 1000 * 2048))
    monkeypatch.setattr("bptt.probe.attribution.NARROWEST", 1.0)
    once = integrated_gradients(powers, inputs, degrees, tolerance=1e-3)
    assert float(once.errors[3]) > 1e-3


def test_gradient_x_input_counts_a_power_as_often_as_its_degree() -> None:
    inputs = torch.linspace(-1.2, 1.3, 4, dtype=torch.float64).reshape(-1, 1, 1)
    found = gradient_x_input(powers, inputs, [2, 3])
    assert_allclose(found, torch.stack([d * inputs.flatten() ** d for d in (2, 3)]), rtol=1e-14)


def test_a_loss_that_is_no_number_ends_the_search() -> None:
    asked: list[int] = []

    def losses(x: Tensor, terms: Sequence[int]) -> Tensor:
        asked.extend(terms)
        return torch.nan * powers(x, terms)

    found = integrated_gradients(losses, torch.ones(2, 1, 1), [1, 2])
    assert found.errors.isnan().all()
    assert len(asked) == 20


def test_rule_of_gauss_and_legendre_is_the_published_one() -> None:
    places, weights = np.polynomial.legendre.leggauss(POINTS)
    found = _gauss_legendre(POINTS)
    assert_allclose(found[0], (places + 1) / 2, atol=EPS * 10)
    assert_allclose(found[1], weights / 2, atol=EPS * 10)


def test_what_cannot_be_attributed_is_refused() -> None:
    model = Model()
    with pytest.raises(InputError, match=r"expected shape \(T, 1, I\)"):
        gradient_x_input(model.losses, model.inputs[:, 0], TERMS)
    with pytest.raises(InputError, match="one loss term or more"):
        integrated_gradients(model.losses, model.inputs, [])
    with pytest.raises(InputError, match="block is at least 1"):
        gradient_x_input(model.losses, model.inputs, TERMS, 0)
    with pytest.raises(InputError, match="tolerance is at least 0"):
        integrated_gradients(model.losses, model.inputs, TERMS, tolerance=-1)
    with pytest.raises(InputError, match="baseline: expected shape"):
        integrated_gradients(model.losses, model.inputs, TERMS, model.inputs[1:])
