"""Whether a loss depends on what a layer gives: asked where no gradient passes the layer itself."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor, nn

from bptt.nn.exposure import Exposure, Part
from bptt.nn.stack import Stack
from bptt.probe.flow import Anchors
from bptt.probe.listener import only_vectors
from bptt.probe.maps import BLOCK, GradientMap, Losses
from bptt.probe.undisturbed import undisturbed


def own_anchors(subject: Exposure, part: Part, maps: Mapping[str, GradientMap]) -> Anchors:
    """Return where each loss enters the layers of a part whose steps have losses of their own: at its own
    step.

    None for a loss that does not depend on the layer, as one that a mask sets to zero. `maps` are by layer,
    in torch's order.
    """
    found: dict[str, Sequence[int | None]] = {}
    for number, (layer, picture) in enumerate(maps.items()):
        steps, silent = picture.loss_steps, _silent(picture)
        arrived = dict.fromkeys(steps, True)
        if silent:
            reached = arrivals(subject.model, part.stack, subject.losses, silent)[number]
            arrived |= dict(zip(silent, reached.tolist(), strict=True))
        found[layer] = [step if arrived[step] else None for step in steps]
    return found


def _silent(picture: GradientMap) -> list[int]:
    """Return the losses that have no gradient in the layer at all."""
    norms = torch.stack([picture.net, *picture.carried.values()])  # (1 + states, M, N)
    heard = norms.ne(0).any(-1).any(0).tolist()
    return [step for step, any_ in zip(picture.loss_steps, heard, strict=True) if not any_]


def arrivals(model: nn.Module, stack: Stack, losses: Losses, steps: Sequence[int]) -> Tensor:
    """Return whether the gradient of each loss arrives at the output of a layer, (layers * directions, M)
    bool.

    The upper layers of the stack are left out of account: a gradient arrives below where it arrives above.
    """
    parts = [steps[first : first + BLOCK] for first in range(0, len(steps), BLOCK)]
    return torch.cat([_arrivals(model, stack, losses, part) for part in parts], 1)


def _arrivals(model: nn.Module, stack: Stack, losses: Losses, steps: Sequence[int]) -> Tensor:
    calls: list[tuple[Tensor, ...]] = []

    def keep(module: nn.Module, given: Any, returned: Any) -> None:
        output, final, *_ = returned
        calls.append((output, *(final if isinstance(final, tuple) else (final,))))

    hook = stack.register_forward_hook(keep)
    layers, directions = stack.num_layers, stack.num_directions
    came = torch.zeros(layers, directions, len(steps), dtype=torch.bool)
    try:
        with undisturbed(model), only_vectors(model, [stack]):
            total = losses(steps).sum()
            every = [tensor for call in calls for tensor in call]
            if not (total.requires_grad and every):
                return came.flatten(0, 1)
            found = torch.autograd.grad(total, every, materialize_grads=True)
    finally:
        hook.remove()
    gradients = iter(found)
    for call in calls:
        output, *finals = (next(gradients).ne(0).cpu() for _ in call)
        for final in finals:  # (layers * directions, M, width)
            came |= final.any(-1).view_as(came)
        halves = output.chunk(directions, -1)  # (T, M, width) each
        came[-1] |= torch.stack([half.any(-1).any(0) for half in halves])
    for layer in reversed(range(layers - 1)):
        came[layer] |= came[layer + 1].any(0)
    return came.flatten(0, 1)
