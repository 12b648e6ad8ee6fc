"""Many gradients of one forward pass at once: against a loop, and against torch's layers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
import torch
from torch import Tensor
from torch.autograd import functional
from torch.func import vmap

from bptt import nn
from bptt.runtime.backend import backend

T, B, I, H, N = 4, 3, 2, 5, 3
# See test_nn_torch.py: sums of a few hundred rounded terms below 1.
LIMIT = 1e-12

BACKENDS = pytest.mark.parametrize("chosen", ["cpu", "reference"])
MODULES: dict[str, Callable[[], torch.nn.Module]] = {
    "LSTM": lambda: nn.LSTM(I, H),
    "GRU": lambda: nn.GRU(I, H, 2, bidirectional=True, batch_first=True),
    "RNN": lambda: nn.RNN(I, H, nonlinearity="relu"),
    "projection": lambda: nn.LSTM(I, H, proj_size=2),
    "layer norm": lambda: nn.Recurrent("lstm-layernorm", I, H),
    "published": lambda: nn.Recurrent("gru", I, H),
    "no states": lambda: nn.Recurrent("dense", I, H),
}


def close(found: Any, truth: Any) -> None:
    both = zip(*map(torch.utils._pytree.tree_leaves, (found, truth)), strict=True)
    for one, two in both:
        torch.testing.assert_close(one, two, rtol=0, atol=LIMIT)


def sequence(*shape: int) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def loop(y: Tensor, leaves: list[Tensor], seeds: Tensor) -> list[Tensor]:
    rows = [torch.autograd.grad(y, leaves, seed, retain_graph=True) for seed in seeds]
    return [torch.stack(column) for column in zip(*rows, strict=True)]


@BACKENDS
@pytest.mark.parametrize("lengths", [None, [4, 0, 2]])
@pytest.mark.parametrize("name", MODULES)
def test_a_batch_of_gradients_equals_a_loop(name: str, lengths: list[int] | None, chosen: str) -> None:
    module, x = MODULES[name]().double(), sequence(*((B, T) if name == "GRU" else (T, B)), I).requires_grad_()
    with backend(chosen):
        y = module(x, lengths=lengths)[0]
        leaves = [x, *module.parameters()]
        seeds = sequence(N, *y.shape)
        truth = loop(y, leaves, seeds)
        found = torch.autograd.grad(y, leaves, seeds, retain_graph=True, is_grads_batched=True)
        close(list(found), truth)
        close(list(vmap(lambda v: torch.autograd.grad(y, leaves, v, retain_graph=True))(seeds)), truth)
        # Of what it shall have a gradient itself, in torch operations.
        found = torch.autograd.grad(y, leaves, seeds, is_grads_batched=True, create_graph=True)
        close([g.detach() for g in found], truth)


@BACKENDS
def test_a_batch_of_batches_and_of_final_states(chosen: str) -> None:
    module, x = nn.LSTM(I, H).double(), sequence(T, B, I).requires_grad_()
    with backend(chosen):
        _, (h, c) = module(x)
        seeds = sequence(2, N, *h.shape)

        def gradient(seed: Tensor) -> Tensor:
            found: Tensor = torch.autograd.grad([h, c], x, [seed, seed.cos()], retain_graph=True)[0]
            return found

        truth = torch.stack([torch.stack([gradient(seed) for seed in row]) for row in seeds])
        close(vmap(vmap(gradient))(seeds), truth)
        # The batch is another dimension; one of the gradients is the same for all.
        close(vmap(gradient, in_dims=3)(seeds[0].movedim(0, 3)), truth[0])
        same = vmap(lambda s: torch.autograd.grad([h, c], x, [s, seeds[0, 0]], retain_graph=True)[0])
        alone = [torch.autograd.grad([h, c], x, [s, seeds[0, 0]], retain_graph=True)[0] for s in seeds[0]]
        close(same(seeds[0]), torch.stack(alone))


@pytest.mark.filterwarnings("ignore:There is a performance drop")
@BACKENDS
@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
def test_vectorised_jacobians_and_hessians_equal_those_of_torch(kind: str, chosen: str) -> None:
    theirs = getattr(torch.nn, kind)(I, H, dtype=torch.float64)
    ours, x = nn.from_torch(theirs), sequence(T, B, I)
    with backend(chosen):
        both = [
            (
                functional.jacobian(lambda x, m=module: m(x)[0].sum(0), x, vectorize=True),
                functional.jacobian(lambda x, m=module: m(x)[0].sum(0), x, vectorize=True, create_graph=True),
                functional.hessian(lambda x, m=module: m(x)[0].square().sum(), x, vectorize=True),
            )
            for module in (ours, theirs)
        ]
    close(*both)


@BACKENDS
def test_after_a_change_in_place_and_twice(chosen: str) -> None:
    module, x = nn.GRU(I, H).double(), sequence(T, B, I).requires_grad_()
    with backend(chosen):
        y = module(x)[0]
        seeds = sequence(N, *y.shape)
        truth = loop(2 * y, [x], seeds)
        y.mul_(2)
        for _ in range(2):
            close(list(torch.autograd.grad(y, [x], seeds, retain_graph=True, is_grads_batched=True)), truth)


def test_single_steps() -> None:
    step, x = nn.LSTMCell(I, H).double(), sequence(B, I).requires_grad_()
    h = step(x)[0]
    seeds = sequence(N, *h.shape)
    found = torch.autograd.grad(h, [x], seeds, retain_graph=True, is_grads_batched=True)
    close(list(found), loop(h, [x], seeds))


@pytest.mark.parametrize("reduction", ["none", "mean", "sum"])
def test_the_loss_of_an_output_layer(reduction: str) -> None:
    leaves = [sequence(B, H).requires_grad_(), sequence(7, H).requires_grad_(), sequence(7)]
    loss = nn.linear_cross_entropy(
        *leaves[:2], torch.tensor([1, 0, 6]), linear_bias=leaves[2], reduction=reduction
    )
    seeds = sequence(N, *loss.shape)
    found = torch.autograd.grad(loss, leaves[:2], seeds, retain_graph=True, is_grads_batched=True)
    truth = loop(loss, leaves[:2], seeds)
    close(list(found), truth)
    close(list(vmap(lambda v: torch.autograd.grad(loss, leaves[:2], v, retain_graph=True))(seeds)), truth)


@BACKENDS
@pytest.mark.parametrize("name", ["LSTM", "layer norm"])
def test_an_observer_is_given_the_norms_of_each(name: str, chosen: str) -> None:
    module, x = MODULES[name]().double(), sequence(T, B, I).requires_grad_()
    seen: list[Tensor] = []
    module.observer = lambda layer, norms: seen.append(norms.delta)  # type: ignore[assignment]
    with backend(chosen):
        y = module(x)[0]
        seeds = sequence(N, *y.shape)
        truth = loop(y, [x], seeds)
        close(list(torch.autograd.grad(y, [x], seeds, is_grads_batched=True)), truth)
    assert len(seen) == 2 * N
    close(seen[N:], seen[:N])


@BACKENDS
def test_torchs_own_check_of_batched_gradients(chosen: str) -> None:
    module, x = nn.LSTM(I, 2).double(), sequence(2, 2, I).requires_grad_()
    with backend(chosen):
        assert torch.autograd.gradcheck(lambda x: module(x)[0], (x,), check_batched_grad=True)
        assert torch.autograd.gradgradcheck(lambda x: module(x)[0], (x,), check_batched_grad=True)
