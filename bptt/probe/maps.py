"""The gradient of one loss term at a time: ∂E_m/∂net_n, how much the loss at m depends on time n (R5 in
docs/equations.md).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import torch
from torch import Tensor, nn
from torch.nn import functional

from bptt.errors import InputError
from bptt.probe.listener import Listener, listening, only_vectors, recurrent_modules
from bptt.probe.undisturbed import undisturbed
from bptt.runtime.norms import Norms

# Losses of R loss steps, each of its own copy of the example: copy r is row r of every batch.
Losses: TypeAlias = Callable[[Sequence[int]], Tensor]

# The number of losses that go back together: rows enough to keep the kernels busy, few enough to stay in the
# caches.
BLOCK = 64


@dataclass(frozen=True, eq=False)
class GradientMap:
    """The gradient of each loss term at each step of one layer in one direction, in float64 on the CPU.

    `net` (M, N) is ‖∂E_m/∂net_n‖, all sums of a step together, for the loss steps m of `loss_steps` and
    all steps n; `carried` has ‖∂E_m/∂s_{n-1}‖ for each state s, what step n hands on to the one before.
    `losses` (M,) are the E_m.
    """

    layer: str
    reverse: bool
    loss_steps: tuple[int, ...]
    losses: Tensor
    net: Tensor
    carried: Mapping[str, Tensor]


def gradient_maps(
    model: nn.Module,
    losses: Losses,
    steps: Sequence[int],
    *,
    modules: Sequence[tuple[str, nn.Module]] | None = None,
    block: int = BLOCK,
    progress: Callable[[int], None] | None = None,
) -> tuple[GradientMap, ...]:
    """Compute the T x T picture of every recurrent layer of a model, by batches of losses.

    One backward pass carries the gradients of `block` losses at once: row r of a batch is a copy of the
    example, and its loss the E_m of the r-th loss step. So M passes over one row become M / `block` over
    many, which is what kernels are good at. Nothing about the model is changed.

    Args:
        model: any model with layers of bptt.nn, or RNN, LSTM or GRU of torch.nn.
        losses: takes R loss steps to their losses (R,), having run the model on R copies of the example.
        steps: the loss steps m, M of them.
        modules: the layers to look at with names of their own; None: all that are in the model.
        block: how many losses go back together.
        progress: called with the number of losses done.

    Raises InputError if there are no layers, steps or losses as said.

    """
    if not steps or block < 1:
        raise InputError("gradient maps", "steps and block are at least 1", f"{len(steps)} and {block}")
    found: list[Mapping[str, Norms]] = []
    parts = [steps[first : first + block] for first in range(0, len(steps), block)]
    values: list[Tensor] = []
    chosen = recurrent_modules(model) if modules is None else modules
    with undisturbed(model), listening(chosen) as listener:
        for part in parts:
            values.append(_go_back(model, listener, losses, part))
            found.append(listener.heard())
            if progress is not None:
                progress(sum(map(len, values)))
    if not any(found):
        raise InputError("gradient maps", "a loss depends on a recurrent layer", "none that does")
    every, energies = tuple(steps), torch.cat(values).cpu().double()
    return tuple(
        _assemble(_complete(found, layer, parts), layer, listener.is_reverse(layer), every, energies)
        for layer in listener.layers
        if any(layer in norms for norms in found)
    )


def _go_back(model: nn.Module, listener: Listener, losses: Losses, steps: Sequence[int]) -> Tensor:
    """Return the losses, after a backward pass from them."""
    listener.start()
    with only_vectors(model, listener.modules) as vectors:
        values = losses(steps)
        if values.shape != (len(steps),):
            rule = f"losses gives one loss for each of {len(steps)} steps"
            raise InputError("gradient maps", rule, f"a tensor {tuple(values.shape)}")
        if values.requires_grad:
            torch.autograd.grad(values.sum(), vectors, allow_unused=True)
    return values.detach()


def _complete(
    found: Sequence[Mapping[str, Norms]], layer: str, parts: Sequence[Sequence[int]]
) -> Iterator[Norms]:
    """Return the norms that a layer recorded for each part of the losses; zeros for losses that do not depend
    on it.
    """
    like = next(norms[layer] for norms in found if layer in norms)
    for norms, part in zip(found, parts, strict=True):
        silent = (v.new_zeros(1, len(part), v.shape[-1]) for v in (like.delta, like.carried))
        yield norms.get(layer) or Norms(like.sums, next(silent), like.states, next(silent))


def _assemble(
    heard: Iterable[Norms], layer: str, reverse: bool, steps: tuple[int, ...], losses: Tensor
) -> GradientMap:
    parts = list(heard)
    longest = max(len(norms.delta) for norms in parts)

    def rows(values: Sequence[Tensor]) -> Tensor:
        """Combine several (T, R) into (M, N), with zeros where a pass ended early, as no gradient came."""
        return torch.cat([functional.pad(v.T, (0, longest - len(v))) for v in values]).cpu()

    carried = {s: rows([p.carried[..., k] for p in parts]) for k, s in enumerate(parts[0].states)}
    return GradientMap(layer, reverse, steps, losses, rows([p.net for p in parts]), carried)
