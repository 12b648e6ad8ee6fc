"""Evaluation mode inside, and everything as it was outside."""

from __future__ import annotations

import pytest
import torch

from bptt.probe.undisturbed import undisturbed


def test_mode_and_random_state_come_back_even_after_an_error() -> None:
    model = torch.nn.Sequential(torch.nn.Dropout(), torch.nn.Linear(2, 2), torch.nn.Dropout()).train()
    model[1].eval()
    modes, random_state = [m.training for m in model.modules()], torch.random.get_rng_state()
    with pytest.raises(ZeroDivisionError), undisturbed(model):
        assert not any(m.training for m in model.modules())
        torch.rand(3)
        raise ZeroDivisionError
    assert [m.training for m in model.modules()] == modes
    assert torch.equal(torch.random.get_rng_state(), random_state)


def test_gradients_are_kept_or_not_as_the_caller_says() -> None:
    model = torch.nn.Linear(2, 2)
    with undisturbed(model):
        assert model(torch.zeros(2)).requires_grad
    with torch.no_grad(), undisturbed(model):
        assert not model(torch.zeros(2)).requires_grad
