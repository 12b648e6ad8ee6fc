"""Conversion from and to torch's modules loses nothing."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from bptt import nn
from bptt.errors import InputError

T, B, I, H = 5, 3, 4, 6

STACKS = [
    ("RNN", {"nonlinearity": "relu", "bias": False}),
    ("RNN", {"num_layers": 2, "dropout": 0.5}),
    ("LSTM", {"num_layers": 3, "bidirectional": True, "proj_size": 2}),
    ("LSTM", {"batch_first": True}),
    ("GRU", {"num_layers": 2, "bidirectional": True, "batch_first": True}),
]
STEPS = [
    ("RNNCell", {"nonlinearity": "relu"}),
    ("LSTMCell", {"bias": False}),
    ("GRUCell", {}),
]


def assert_alike(twin: torch.nn.Module, module: torch.nn.Module) -> None:
    """State, dtype, mode and what is frozen are the same, in tensors of its own."""
    expected, found = dict(module.named_parameters()), dict(twin.named_parameters())
    assert list(found) == list(expected) and twin.training == module.training
    for name, parameter in expected.items():
        assert torch.equal(found[name], parameter) and found[name].dtype == parameter.dtype
        assert found[name].requires_grad == parameter.requires_grad
        assert found[name].data_ptr() != parameter.data_ptr()


@pytest.mark.filterwarnings("ignore:LSTM with projections is not supported with oneDNN")
@pytest.mark.parametrize("training", [True, False])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
@pytest.mark.parametrize(("kind", "options"), STACKS + STEPS, ids=str)
def test_both_ways(kind: str, options: dict[str, Any], dtype: torch.dtype, training: bool) -> None:
    theirs = getattr(torch.nn, kind)(I, H, dtype=dtype, **options).train(training)
    next(theirs.parameters()).requires_grad_(False)
    before = torch.get_rng_state()
    ours = nn.from_torch(theirs)
    back = nn.to_torch(ours)
    assert torch.equal(torch.get_rng_state(), before)
    assert type(ours) is getattr(nn, kind) and type(back) is type(theirs)
    assert_alike(ours, theirs)
    assert_alike(back, ours)
    assert repr(back) == repr(theirs)
    x = torch.randn(*((T, B, I) if kind in ("RNN", "LSTM", "GRU") else (B, I)), dtype=dtype)
    results = []
    for module in (theirs, ours, back):
        torch.manual_seed(0)
        found = module(x)[0]
        results.append(found)
    tolerance = 100 * torch.finfo(dtype).eps
    torch.testing.assert_close(results[1], results[0], rtol=0, atol=tolerance)
    assert torch.equal(results[2], results[0])


def test_other_modules_are_refused() -> None:
    class Mine(torch.nn.LSTM):
        pass

    with pytest.raises(InputError, match=r"expected one of torch.nn's RNN, LSTM, .*, got Mine"):
        nn.from_torch(Mine(I, H))
    with pytest.raises(InputError, match=r"expected one of bptt.nn's RNN, LSTM, .*, got Recurrent"):
        nn.to_torch(nn.Recurrent("lstm", I, H))


@pytest.mark.filterwarnings("ignore::FutureWarning")
def test_a_weight_norm_must_be_removed_first() -> None:
    module = torch.nn.utils.weight_norm(torch.nn.LSTM(I, H), "weight_hh_l0")
    with pytest.raises(InputError, match=r"parameters of a plain module, got \['weight_hh_l0'"):
        nn.from_torch(module)
