"""The states of every step, and the states that a sequence starts from (R8)."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from bptt import nn
from bptt.cells import CATALOGUE
from bptt.errors import InputError

T, B, I, H, P = 5, 3, 4, 6, 2
DOUBLE = torch.float64

# The same equations on the same numbers; only the grouping of the products differs.
TOLERANCE = 1e-13


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(0)


def sizes(cell: str) -> dict[str, Any]:
    return {
        "input_size": I,
        "hidden_size": H,
        "proj_size": P if cell == "lstm-projection" else 0,
        "dtype": DOUBLE,
    }


def as_tuple(states: Tensor | tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return (states,) if isinstance(states, Tensor) else states


@pytest.mark.parametrize("cell", sorted(CATALOGUE))
def test_every_state_is_that_of_the_single_step(cell: str) -> None:
    module, step = nn.Recurrent(cell, **sizes(cell)), nn.RecurrentCell(cell, **sizes(cell))
    step.load_state_dict({name.removesuffix("_l0"): value for name, value in module.state_dict().items()})
    x = torch.randn(T, B, I, dtype=DOUBLE)
    output, final, (layer,) = module(x, return_states=True)
    hx = None
    for t in range(T):
        here, hx = step(x[t], hx)
        torch.testing.assert_close(output[t], here, rtol=0, atol=TOLERANCE)
        for found, expected in zip(layer.forward, as_tuple(hx), strict=True):
            torch.testing.assert_close(found[t], expected, rtol=0, atol=TOLERANCE)
    for found, expected in zip(as_tuple(final), as_tuple(hx), strict=True):
        torch.testing.assert_close(found[0], expected, rtol=0, atol=TOLERANCE)
    single, _ = step(x[0, 0])
    torch.testing.assert_close(single, output[0, 0], rtol=0, atol=TOLERANCE)


def test_the_states_of_layers_and_directions() -> None:
    module = nn.LSTM(I, H, 2, bidirectional=True, batch_first=True, proj_size=P, dtype=DOUBLE)
    x = torch.randn(B, T, I, dtype=DOUBLE)
    output, (h, c), layers = module(x, return_states=True)
    assert isinstance(layers[0], nn.LayerStates) and len(layers) == 2
    for index, layer in enumerate(layers):
        assert [tuple(s.shape) for s in layer.forward] == [(B, T, P), (B, T, H)]
        assert [tuple(s.shape) for s in layer.backward] == [(B, T, P), (B, T, H)]
        for k, final in enumerate((h, c)):
            assert torch.equal(layer.forward[k][:, -1], final[2 * index])
            assert torch.equal(layer.backward[k][:, 0], final[2 * index + 1])
    assert torch.equal(output, torch.cat([layers[1].forward[0], layers[1].backward[0]], -1))
    assert nn.LSTM(I, H)(torch.randn(T, B, I), return_states=True)[2][0].backward == ()
    single = nn.GRU(I, H)(torch.randn(T, I), return_states=True)[2][0]
    assert single.forward[0].shape == (T, H)


def test_a_loss_on_inner_cell_states_has_the_gradient_of_a_loop() -> None:
    module = nn.LSTM(I, H, 2, dtype=DOUBLE)
    x = torch.randn(T, B, I, dtype=DOUBLE, requires_grad=True)
    weight = torch.randn(T, B, H, dtype=DOUBLE)
    first = module(x, return_states=True)[2][0]
    found = torch.autograd.grad(
        (first.forward[1] * weight).sum(), [x, module.weight_hh_l0, module.bias_ih_l0]
    )
    step = torch.nn.LSTMCell(I, H, dtype=DOUBLE)
    step.load_state_dict(
        {n.removesuffix("_l0"): p for n, p in module.state_dict().items() if n.endswith("_l0")}
    )
    hx, loss = None, torch.zeros((), dtype=DOUBLE)
    for t in range(T):
        hx = step(x[t], hx)
        loss = loss + (hx[1] * weight[t]).sum()
    for gradient, expected in zip(
        found, torch.autograd.grad(loss, [x, step.weight_hh, step.bias_ih]), strict=True
    ):
        torch.testing.assert_close(gradient, expected, rtol=0, atol=10 * TOLERANCE)


def test_learned_initial_states_are_parameters() -> None:
    module = nn.Recurrent("lstm", I, H, 2, bidirectional=True, initial="learned", dtype=DOUBLE)
    x = torch.randn(T, B, I, dtype=DOUBLE)
    names = [n for n, _ in module.named_parameters() if n.startswith("initial")]
    assert names[:4] == ["initial_h_l0", "initial_c_l0", "initial_h_l0_reverse", "initial_c_l0_reverse"]
    zeros = torch.zeros(4, B, H, dtype=DOUBLE)
    assert torch.equal(module(x)[0], module(x, (zeros, zeros))[0])
    with torch.no_grad():
        for name in names:
            getattr(module, name).normal_()
    hx = tuple(
        torch.stack([getattr(module, f"initial_{s}{la.suffix}").expand(B, H) for la in module.layers])
        for s in "hc"
    )
    torch.testing.assert_close(module(x)[0], module(x, hx)[0])
    # A row of length 0 keeps the learned state, and a learned state gets a gradient from every row.
    output, (h, _) = module(x, lengths=[T, 0, 2])
    assert torch.equal(h[2, 1], module.initial_h_l1)
    gradients = torch.autograd.grad(output.sum(), [getattr(module, n) for n in names])
    assert all(g.isfinite().all() and g.any() for g in gradients)
    module.reset_parameters()
    assert not any(getattr(module, n).any() for n in names)


def test_random_initial_states_are_drawn_anew_from_torchs_generator() -> None:
    module = nn.Recurrent("gru", I, H, initial="random", dtype=DOUBLE)
    x = torch.randn(1, 2000, I, dtype=DOUBLE)
    torch.manual_seed(3)
    first, second = module(x)[0], module(x)[0]
    torch.manual_seed(3)
    assert torch.equal(module(x)[0], first) and not torch.equal(first, second)
    start = module(x, lengths=[0] * 2000)[1]  # the initial states themselves
    # Standard errors of mean and deviation of 12,000 normal numbers: 0.009 and 0.0065; five of them.
    assert abs(start.mean()) < 0.046 and abs(start.std() - 1) < 0.033
    zero = torch.zeros(1, 2000, H, dtype=DOUBLE)
    assert torch.equal(module(x, zero)[0], module(x, zero)[0])


def test_an_unknown_initial_state_is_refused() -> None:
    with pytest.raises(
        InputError, match="initial is one of zero, learned, random, random-in-training, got 'ones'"
    ):
        nn.Recurrent("gru", I, H, initial="ones")  # type: ignore[arg-type]
