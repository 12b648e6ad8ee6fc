"""Subclasses of torch's layers, and layers with computed weights, are looked into as torch runs them."""

from __future__ import annotations

import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.nn.utils import parametrizations, prune
from torch.nn.utils.parametrize import register_parametrization

import bptt
from bptt.errors import InputError
from bptt.probe import find_non_finite, gradient_maps, values, watch

STEPS, INPUTS, HIDDEN = 12, 3, 4
# In float64: sums of a few hundred products.
CLOSE = 1e-9


class Named(torch.nn.LSTM):
    """A subclass that sets itself up, and computes as its parent does."""

    def __init__(self, width: int) -> None:
        super().__init__(INPUTS, HIDDEN, num_layers=2, dtype=torch.float64)
        self.scale = torch.nn.Parameter(torch.ones(width))


class Again(Named):
    """A subclass of a subclass."""


class MyGRU(torch.nn.GRU):
    pass


class MyRNN(torch.nn.RNN):
    pass


class Double(torch.nn.Module):
    def forward(self, weight: Tensor) -> Tensor:
        return 2 * weight


def old(norm: Callable[..., Any], module: torch.nn.Module, name: str) -> torch.nn.Module:
    """The norms that torch calls outdated, which much code still has."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return norm(module, name)


def pruned(module: torch.nn.Module, name: str) -> torch.nn.Module:
    prune.l1_unstructured(module, name, amount=0.5)
    return module


def layers(kind: Callable[..., torch.nn.Module], **options: Any) -> torch.nn.Module:
    return kind(INPUTS, HIDDEN, dtype=torch.float64, **options)


def doubled() -> torch.nn.Module:
    module = layers(torch.nn.LSTM, proj_size=2)
    register_parametrization(module, "weight_hr_l0", Double())
    register_parametrization(module, "bias_hh_l0", Double())
    return module


KIN: dict[str, Callable[[], torch.nn.Module]] = {
    "subclass of LSTM": lambda: Named(5),
    "subclass of a subclass": lambda: Again(2),
    "subclass of GRU": lambda: layers(MyGRU, bidirectional=True),
    "subclass of RNN": lambda: layers(MyRNN, nonlinearity="relu"),
    "weight_norm": lambda: parametrizations.weight_norm(layers(torch.nn.LSTM), "weight_hh_l0"),
    "orthogonal": lambda: parametrizations.orthogonal(layers(torch.nn.RNN), "weight_hh_l0"),
    "spectral_norm": lambda: parametrizations.spectral_norm(layers(torch.nn.GRU), "weight_ih_l0"),
    "both": lambda: parametrizations.weight_norm(layers(MyGRU), "weight_hh_l0"),
    "own parametrisation": doubled,
    "without bias": lambda: parametrizations.orthogonal(layers(torch.nn.RNN, bias=False), "weight_hh_l0"),
    "old weight_norm": lambda: old(torch.nn.utils.weight_norm, layers(torch.nn.LSTM), "weight_hh_l0"),
    "old spectral_norm": lambda: old(torch.nn.utils.spectral_norm, layers(torch.nn.RNN), "weight_hh_l0"),
    "pruned": lambda: pruned(layers(torch.nn.GRU), "weight_hh_l0"),
}


@pytest.fixture(params=KIN.values(), ids=KIN.keys())
def module(request: pytest.FixtureRequest) -> torch.nn.Module:
    torch.manual_seed(0)
    return request.param()


def squares(output: Tensor) -> Tensor:
    return output.square().sum(-1)


def test_it_is_looked_into(module: torch.nn.Module, tmp_path: Path) -> None:
    x = torch.randn(STEPS, INPUTS, dtype=torch.float64)
    weights = {name: value.clone() for name, value in module.state_dict().items()}
    found = bptt.inspect(module, x, squares, tmp_path / "page.html", lags=5)
    module.eval()
    torch.testing.assert_close(found.losses, squares(module(x)[0]).detach(), rtol=CLOSE, atol=CLOSE)
    for name, value in module.state_dict().items():
        assert torch.equal(value, weights[name])


def test_weights_that_have_just_changed_count(module: torch.nn.Module) -> None:
    """An outdated norm computes its weight when the module is called, not when its parameters change."""
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.mul_(1.3)
    x = torch.randn(STEPS, 1, INPUTS, dtype=torch.float64)
    seen = values(module, x)
    output = module.eval()(x)[0]
    top = [
        next(v.tensor for v in layer.values if v.name == "h")
        for layer in seen
        if layer.layer == seen[-1].layer
    ]
    torch.testing.assert_close(torch.cat(top, -1), output, rtol=CLOSE, atol=CLOSE)


def test_each_loss_goes_back_as_in_a_plain_layer_with_the_same_weights(module: torch.nn.Module) -> None:
    x = torch.randn(STEPS, 1, INPUTS, dtype=torch.float64)
    plain = plain_of(module.eval())

    def maps(of: torch.nn.Module) -> list[Tensor]:
        def losses(steps: Any) -> Tensor:
            return squares(of(x.expand(-1, len(steps), -1))[0])[list(steps), range(len(steps))]

        return [found.net for found in gradient_maps(of, losses, range(STEPS))]

    for found, wanted in zip(maps(module), maps(plain), strict=True):
        torch.testing.assert_close(found, wanted, rtol=CLOSE, atol=CLOSE)


def plain_of(module: Any) -> torch.nn.Module:
    """Torch's own class with the weights that the module has just computed."""
    module(torch.zeros(1, INPUTS, dtype=torch.float64))
    kind = next(k for k in (torch.nn.RNN, torch.nn.LSTM, torch.nn.GRU) if isinstance(module, k))
    names = "num_layers bias bidirectional".split()
    names += {torch.nn.RNN: ["nonlinearity"], torch.nn.LSTM: ["proj_size"]}.get(kind, [])
    plain = kind(INPUTS, HIDDEN, dtype=torch.float64, **{name: getattr(module, name) for name in names})
    with torch.no_grad():
        for name, parameter in plain.named_parameters():
            parameter.copy_(getattr(module, name))
    return plain.eval()


def test_it_is_watched(module: torch.nn.Module) -> None:
    x = torch.randn(STEPS, 2, INPUTS, dtype=torch.float64)
    with watch(module, every=1) as watched:
        squares(module(x)[0]).sum().backward()
    (record,) = watched.records
    assert all(curve.median[0] > 0 for curve in record.flow.curves)
    assert "forward" not in module.__dict__


def test_overflow_is_traced_into_it() -> None:
    module = MyRNN(1, 2, nonlinearity="relu")
    torch.nn.init.constant_(module.weight_ih_l0, 1.0)
    torch.nn.init.eye_(module.weight_hh_l0).data.mul_(8)
    found = find_non_finite(module, lambda: module(torch.ones(60, 1, 1))[0].sum())
    assert found is not None and "layer 1" in str(found)


class Louder(torch.nn.LSTM):
    def forward(self, input: Tensor, hx: Any = None) -> Any:
        output, states = super().forward(input, hx)
        return 2 * output, states


def test_one_with_a_forward_of_its_own_may_compute_anything_and_is_refused(tmp_path: Path) -> None:
    loud = Louder(INPUTS, HIDDEN)
    page = tmp_path / "page.html"
    for look in (lambda: bptt.inspect(loud, torch.randn(5, INPUTS), squares, page), lambda: watch(loud)):
        with pytest.raises(
            InputError, match="subclass without a forward, got Louder, with a forward of its own"
        ):
            look()
    assert not page.exists()
