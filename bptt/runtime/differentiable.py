"""Gradients with a graph of their own, for second derivatives."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def gradients_with_graph(
    outputs: Sequence[Tensor], gradients: Sequence[Tensor | None], tensors: Sequence[Tensor]
) -> tuple[Tensor | None, ...]:
    """Return the gradients of `tensors`, None for those that require none, from those of `outputs`.

    The outputs must have a graph that torch can differentiate twice.
    """
    pairs = zip(outputs, gradients, strict=True)
    found = [(o, g) for o, g in pairs if g is not None and o.requires_grad]
    # Under autocast a gradient has its dtype, and the equations compute in that of the parameters.
    given = [g.to(o.dtype) for o, g in found]
    wanted = [t for t in tensors if t.requires_grad]
    result = iter(
        torch.autograd.grad([o for o, _ in found], wanted, given, create_graph=True, allow_unused=True)
    )
    return tuple(next(result) if t.requires_grad else None for t in tensors)
