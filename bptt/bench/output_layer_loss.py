"""The output layer and its loss: outputs of the recurrent layers to -ln P of the next tokens."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import prod

import torch
from torch import Tensor, nn
from torch.nn import functional

from bptt.bench.case_measurement import Entrants
from bptt.bench.cases import MODELS, OUTPUT_MODEL, Case
from bptt.bench.contender import Contender
from bptt.bench.contender_names import CHUNKED, OURS, PLAIN
from bptt.nn import linear_cross_entropy

# Output (T*B, H), weight (V, H), bias (V,), targets (T*B,) to the mean loss.
Loss = Callable[..., Tensor]


class OutputStep(Contender):
    """A loss with the gradients of everything that it depends on but the targets."""

    def __init__(self, name: str, loss: Loss, leaves: Mapping[str, Tensor], targets: Tensor) -> None:
        self.name, self._loss, self._targets = name, loss, targets
        self._leaves = {key: value.clone().requires_grad_() for key, value in leaves.items()}

    def before_step(self) -> None:
        """Change the weights as an optimiser's step does."""
        with torch.no_grad():
            for leaf in self._leaves.values():
                leaf.mul_(1.0)

    def step(self) -> Tensor:
        """Forward and backward."""
        for leaf in self._leaves.values():
            leaf.grad = None
        loss = self._loss(*self._leaves.values(), self._targets)
        loss.backward()  # type: ignore[no-untyped-call]
        return loss.detach()

    def numbers(self) -> Mapping[str, Tensor]:
        """Compute the loss and its gradients."""
        found = {"loss": self.step()}
        return found | {f"gradient of {n}": p.grad for n, p in self._leaves.items() if p.grad is not None}


def entrants(case: Case) -> Entrants:
    """Return our fused loss, a linear layer with torch's cross-entropy, and torch's own in chunks."""
    torch.manual_seed(0)
    steps, batch, _, hidden = case.shape
    layer = nn.Linear(hidden, MODELS[OUTPUT_MODEL].vocabulary)
    targets = torch.randint(layer.out_features, (steps * batch,))
    output = torch.tanh(torch.randn(steps * batch, hidden))
    leaves = {"output": output, "weight": layer.weight.detach(), "bias": layer.bias.detach()}
    losses: dict[str, Loss] = {PLAIN: _plain}
    if hasattr(nn, "LinearCrossEntropyOptions"):
        losses[CHUNKED] = _chunked

    def make(name: str, loss: Loss) -> Callable[[], Contender]:
        return lambda: OutputStep(name, loss, leaves, targets)

    flops = 6.0 * prod((*output.shape, layer.out_features))
    peers = {name: make(name, loss) for name, loss in losses.items()}
    return Entrants(OutputStep(OURS, _fused, leaves, targets), peers, flops, memory=True)


def _fused(output: Tensor, weight: Tensor, bias: Tensor, targets: Tensor) -> Tensor:
    return linear_cross_entropy(output, weight, targets, linear_bias=bias)


def _plain(output: Tensor, weight: Tensor, bias: Tensor, targets: Tensor) -> Tensor:
    return functional.cross_entropy(functional.linear(output, weight, bias), targets)


def _chunked(output: Tensor, weight: Tensor, bias: Tensor, targets: Tensor) -> Tensor:
    options = nn.LinearCrossEntropyOptions()
    loss: Tensor = functional.linear_cross_entropy(output, weight, targets, linear_bias=bias, options=options)
    return loss
