"""Results changed in place before the backward pass: allowed wherever torch's layers allow it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.utils.checkpoint import checkpoint

from bptt import nn
from bptt.runtime.backend import backend

T, B, I, H = 5, 4, 3, 6
# Below 1 each, a few hundred rounded terms: see test_nn_torch.py.
LIMIT = 1e-12

Change = Callable[[Tensor, list[Tensor]], object]


def no_grad(change: Change) -> Change:
    def silently(y: Tensor, states: list[Tensor]) -> None:
        with torch.no_grad():
            change(y, states)

    return silently


def finish_rows(y: Tensor, states: list[Tensor]) -> None:
    """As loops of reinforcement learning do where an episode has ended."""
    for state in states:
        state[:, 1] = 0


CHANGES: dict[str, Change] = {
    "finished rows": finish_rows,
    "finished rows, without a graph": no_grad(finish_rows),
    "rectified output": lambda y, states: y.relu_(),
    "masked output": lambda y, states: y.mul_(torch.arange(B)[:, None] % 2),
    "last step": lambda y, states: y[-1].neg_(),
    "output without a graph": no_grad(lambda y, states: y.zero_()),
    "detached states": lambda y, states: [state.detach_() for state in states],
}
MODULES: dict[str, tuple[str, dict[str, Any]]] = {
    "RNN": ("RNN", {}),
    "GRU": ("GRU", {"bidirectional": True}),
    "LSTM": ("LSTM", {}),
    "LSTM of two layers": ("LSTM", {"num_layers": 2, "batch_first": True}),
    "LSTM with projection": ("LSTM", {"proj_size": 2}),
}


def tensors(states: Any) -> list[Tensor]:
    return [states] if isinstance(states, Tensor) else list(states)


def slopes(module: torch.nn.Module, x: Tensor, change: Change) -> tuple[Tensor, ...]:
    y, states = module(x)
    change(y, tensors(states))
    loss = y.square().sum() + sum(s.cos().sum() for s in tensors(states))
    return (y, *tensors(states), *torch.autograd.grad(loss, [x, *module.parameters()]))


def pair(name: str) -> tuple[torch.nn.Module, torch.nn.Module]:
    kind, options = MODULES[name]
    # In double precision torch does not go through oneDNN, whose LSTM refuses what its others allow.
    theirs = getattr(torch.nn, kind)(I, H, dtype=torch.float64, **options)
    return nn.from_torch(theirs), theirs


@pytest.mark.parametrize("chosen", ["cpu", "reference"])
@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
@pytest.mark.parametrize("name", MODULES)
def test_what_torch_allows_gives_the_gradients_of_torch(name: str, change: Change, chosen: str) -> None:
    torch.manual_seed(0)
    ours, theirs = pair(name)
    x = torch.randn(B, B, I, dtype=torch.float64, requires_grad=True)
    with backend(chosen):
        found = slopes(ours, x, change)
    for value, truth in zip(found, slopes(theirs, x, change), strict=True):
        torch.testing.assert_close(value, truth, rtol=0, atol=LIMIT)


@pytest.mark.parametrize("chosen", ["cpu", "reference"])
@pytest.mark.parametrize("storage", ["keep", "recompute", "segments"])
def test_in_every_storage_and_for_every_state(storage: str, chosen: str) -> None:
    """Also of what torch has no layer for: the sequences of all states, and single steps."""
    module = nn.Recurrent("lstm", I, H).double()
    module.storage = storage  # type: ignore[assignment]
    x = torch.randn(T, B, I, dtype=torch.float64, requires_grad=True)
    step, (h, c) = nn.LSTMCell(I, H).double(), torch.randn(2, B, H, dtype=torch.float64)
    with backend(chosen):
        results = []
        for plainly in (True, False):
            y, _, states = module(x, lengths=[5, 0, 3, 1], return_states=True)
            cells = states[0].forward[1]
            y, cells = (y.mul(2), cells.sin()) if plainly else (y.mul_(2), cells.sin_())
            after = step(x[0], (h, c))
            one, two = (after[0].exp(), after[1].neg()) if plainly else (after[0].exp_(), after[1].neg_())
            loss = (y.square().sum() + cells.cos().sum()) + (one * two).square().sum()
            leaves = [x, *module.parameters(), *step.parameters()]
            results.append(torch.autograd.grad(loss, leaves))
    for found, truth in zip(results[1], results[0], strict=True):
        torch.testing.assert_close(found, truth, rtol=0, atol=LIMIT)


@pytest.mark.parametrize("chosen", ["cpu", "reference"])
def test_final_states_share_no_memory_with_the_output(chosen: str) -> None:
    module, x = nn.LSTM(I, H), torch.randn(T, B, I)
    with backend(chosen), torch.no_grad():
        y, (h, c) = module(x)
        before = y.clone()
        h.zero_(), c.zero_()
    assert torch.equal(y, before)


def test_a_checkpoint_and_a_second_walk_through_the_graph() -> None:
    module = nn.GRU(I, H).double()
    x = torch.randn(T, B, I, dtype=torch.float64, requires_grad=True)
    truth = torch.autograd.grad(module(x)[0].relu().square().sum(), [x, *module.parameters()])
    loss = module(x)[0].relu_().square().sum()
    recomputed = checkpoint(lambda x: module(x)[0], x, use_reentrant=False).relu_().square().sum()
    for value, keep in ((loss, True), (loss, False), (recomputed, False)):
        found = torch.autograd.grad(value, [x, *module.parameters()], retain_graph=keep)
        for one, two in zip(found, truth, strict=True):
            torch.testing.assert_close(one, two, rtol=0, atol=LIMIT)


@pytest.mark.parametrize("chosen", ["cpu", "reference"])
@pytest.mark.parametrize("change", ["input", "parameter"])
def test_what_came_in_must_stay_as_it_is(change: str, chosen: str) -> None:
    """As with torch's layers: the gradients would be those of other numbers."""
    for module in (nn.LSTM(I, H), torch.nn.LSTM(I, H)):
        leaf = torch.randn(T, B, I, requires_grad=True)
        x = leaf * 1
        with backend(chosen):
            y = module(x)[0]
        with torch.no_grad():
            (x if change == "input" else module.weight_hh_l0).mul_(2)
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            y.sum().backward()
