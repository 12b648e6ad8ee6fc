"""A recurrence by kernels as a node of torch's graph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from bptt.runtime.batched import are_batched, for_each
from bptt.runtime.kernels.block_pool import give_back
from bptt.runtime.kernels.library import Library, Tensors, dense
from bptt.runtime.kernels.recurrence import Saved, run_backward, run_forward
from bptt.runtime.protocol import Recurrence
from bptt.runtime.reference.reference_backend import REFERENCE
from bptt.runtime.saved import save, saved
from bptt.runtime.versions import Versions


@dataclass(frozen=True, eq=False)
class Launch:
    """The kernels of a recurrence, and what is not differentiated of it."""

    library: Library
    recurrence: Recurrence

    def tensors(self, lengths: Tensor | None, tensors: Sequence[Tensor]) -> Tensors:
        """The tensors (x, *initial, *parameters) sorted by what they are."""
        count = 1 + len(self.recurrence.whole)
        return Tensors(tensors[0], lengths, tensors[1:count], tensors[count:], self.recurrence.reverse)


def run(launch: Launch, lengths: Tensor | None, tensors: Sequence[Tensor]) -> tuple[Tensor, ...]:
    """The sequences that are asked for, then the final states, without a graph."""
    result = run_forward(launch.library, launch.tensors(lengths, tensors), launch.recurrence.whole, None)
    give_back(result.block)
    return result.tensors


class KernelFunction(torch.autograd.Function):
    """The same with a graph: the derived backward pass, by kernels too."""

    @staticmethod
    def forward(ctx: Any, launch: Launch, lengths: Tensor | None, *tensors: Tensor) -> tuple[Tensor, ...]:
        """The same as `run`."""
        result = run_forward(
            launch.library,
            launch.tensors(lengths, tensors),
            launch.recurrence.whole,
            launch.recurrence.storage,
        )
        states = [state for state in result.states if state is not None]
        ctx.launch, ctx.count, ctx.lease = launch, len(tensors), iter([result.block.data_ptr()])
        ctx.versions = Versions(states)
        ctx.set_materialize_grads(False)
        # All memory that the backward pass reads goes through here: hooks may put it elsewhere, or drop it.
        # Of the states `data`, for which torch does not refuse changes in place: `versions` sees those.
        save(ctx, lengths, *tensors, *[state.data for state in states], result.block)
        return result.tensors

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        """The gradients of the arguments of `forward`, from those of what it returned."""
        launch: Launch = ctx.launch
        count: int = ctx.count
        if all(g is None for g in gradients):
            return (None,) * (2 + count)
        lengths, *read = saved(ctx, launch.library.where)
        tensors, (*kept, block) = read[:count], [t.contiguous() for t in read[count:]]
        if torch.is_grad_enabled():
            return (None, None, *differentiable(launch, tensors, gradients))
        given = launch.tensors(lengths, dense(*tensors))
        states = [kept.pop(0) if asked else None for asked in launch.recurrence.whole]
        # The first backward pass, of whatever thread, may hand the memory on; later ones compute it again.
        place = next(ctx.lease, None)
        unread = place is None or ctx.versions.changed
        left = _again(launch, given) if unread else Saved(launch.recurrence.storage, states, block)
        asked = ctx.needs_input_grad[2:]

        def one(gradients: Sequence[Tensor | None]) -> tuple[Tensor | None, ...]:
            return _pass(launch, given, left, gradients, asked)

        if are_batched(gradients):
            wanted = [t if a else None for t, a in zip(tensors, asked, strict=True)]
            found = for_each(one, gradients, wanted)
        else:
            found = one(gradients)
        # It goes to the next forward pass, unless a hook has put another one in its place.
        if place is not None and block.data_ptr() == place:
            give_back(block)
        if left.block is not block:
            give_back(left.block)
        return (None, None, *found)


def _pass(
    launch: Launch,
    given: Tensors,
    left: Saved,
    gradients: Sequence[Tensor | None],
    asked: Sequence[bool],
) -> tuple[Tensor | None, ...]:
    """One backward pass: the gradients of those arguments that `asked` marks; of all initial states."""
    known = [asked[0], *asked[1 + len(given.initial) :]]
    measure = launch.recurrence.observer is not None
    found = run_backward(launch.library, given, left, *sorted_gradients(launch, gradients), known, measure)
    if launch.recurrence.observer is not None and found.norms is not None:
        launch.recurrence.observer(found.norms)
    return (found.x, *found.initial, *found.parameters)


def _again(launch: Launch, given: Tensors) -> Saved:
    result = run_forward(
        launch.library, given, (False,) * len(launch.recurrence.whole), launch.recurrence.storage
    )
    return Saved(launch.recurrence.storage, result.states, result.block)


def sorted_gradients(
    launch: Launch, gradients: Sequence[Tensor | None]
) -> tuple[list[Tensor | None], Sequence[Tensor | None]]:
    """The gradients of the sequences of all states and of the output, and those of the final states."""
    sequences = iter(gradients)
    losses = [next(sequences) if asked else None for asked in launch.recurrence.whole]
    losses += [next(sequences) for _ in launch.library.layout.outputs]
    return losses, list(sequences)


def differentiable(
    launch: Launch, tensors: Sequence[Tensor], gradients: Sequence[Tensor | None]
) -> tuple[Tensor | None, ...]:
    """The gradients as functions that can be differentiated again: by the reference backend."""
    outputs = REFERENCE.run(launch.recurrence, tensors)
    pairs = [(o, g) for o, g in zip(outputs, gradients, strict=True) if g is not None and o.requires_grad]
    wanted = [t for t in tensors if t.requires_grad]
    found = iter(
        torch.autograd.grad(
            [o for o, _ in pairs], wanted, [g for _, g in pairs], create_graph=True, allow_unused=True
        )
    )
    return tuple(next(found) if t.requires_grad else None for t in tensors)
