"""A recurrence over copies of one row with different losses: for probes that look at each loss separately.

The forward pass runs over the one row. In the backward pass the rows differ, and all read that row's values.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from bptt.runtime.kernels.function import Launch, differentiable
from bptt.runtime.kernels.library import dense
from bptt.runtime.kernels.recurrence import run_backward, run_forward
from bptt.runtime.saved import save, saved


def are_copies(x: Tensor, initial: Sequence[Tensor]) -> bool:
    """Return whether x (T, B, I) is one row expanded, and the rows of each state (B, width) are equal."""
    return x.shape[1] > 1 and x.stride(1) == 0 and all(bool((s == s[:1]).all()) for s in initial)


class CopiesFunction(torch.autograd.Function):
    """`KernelFunction` with `storage="keep"`, without lengths and restarts, for rows that are copies."""

    @staticmethod
    def forward(ctx: Any, launch: Launch, *tensors: Tensor) -> tuple[Tensor, ...]:
        """Run the forward kernel over one row; return the results of `KernelFunction.forward`, expanded."""
        rows, count = tensors[0].shape[1], 1 + len(launch.recurrence.whole)
        one = [tensors[0][:, :1], *[state[:1] for state in tensors[1:count]], *tensors[count:]]
        given = launch.given(one, None, None)
        results, block, _ = run_forward(launch.library, given, launch.recurrence.whole, "keep")
        ctx.launch, ctx.count = launch, len(tensors)
        ctx.set_materialize_grads(False)
        save(ctx, *tensors, *results, block)
        return tuple(t.expand(*t.shape[:-2], rows, -1) for t in results)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        """Return the gradients of the arguments of `forward`, from those of its results."""
        launch: Launch = ctx.launch
        count: int = ctx.count
        if all(g is None for g in gradients):
            return (None,) * (1 + count)
        *read, block = saved(ctx, launch.library.where)
        tensors, whole = read[:count], launch.recurrence.whole
        if torch.is_grad_enabled():
            return (None, *differentiable(launch, tensors, gradients))
        left = [*[t.contiguous() for t in read[count : count + sum(whole)]], block]
        sequences = len(gradients) - len(whole)
        ends = None if launch.recurrence.reverse else _ends(gradients[:sequences], gradients[sequences:])
        given = launch.given(dense(*tensors), ends, None)
        asked = ctx.needs_input_grad[1:]
        found, norms = run_backward(launch.library, given, left, whole, gradients, asked, shared=True)
        if launch.recurrence.observer is not None and norms is not None:
            launch.recurrence.observer(norms)
        return None, *found


def _ends(losses: Sequence[Tensor | None], last: Sequence[Tensor | None]) -> Tensor | None:
    """Return the number of steps of each row up to its last with a gradient, (B,); None for all steps."""
    if any(g is not None for g in last):
        return None
    hit = torch.stack([g.any(-1) for g in losses if g is not None]).any(0)  # (T, B)
    steps = torch.arange(1, len(hit) + 1, device=hit.device)[:, None]
    return (hit * steps).amax(0)
