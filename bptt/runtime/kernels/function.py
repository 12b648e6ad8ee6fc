"""A recurrence by kernels as a node of autograd's graph."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from bptt.deferred import imported
from bptt.runtime.batched import are_batched, for_each
from bptt.runtime.differentiable import gradients_with_graph
from bptt.runtime.kernels.block_pool import give_back
from bptt.runtime.kernels.library import Library, Tensors, dense
from bptt.runtime.kernels.recurrence import Saved, run_backward, run_forward
from bptt.runtime.protocol import Backend, Recurrence
from bptt.runtime.saved import save, saved
from bptt.runtime.versions import Versions


@dataclass(frozen=True, eq=False)
class Launch:
    """The kernels of a recurrence, and its arguments that have no gradients."""

    library: Library
    recurrence: Recurrence

    def tensors(self, lengths: Tensor | None, tensors: Sequence[Tensor]) -> Tensors:
        """Return the tensors (x, *initial, *parameters) as a record."""
        count = 1 + len(self.recurrence.whole)
        return Tensors(tensors[0], lengths, tensors[1:count], tensors[count:], self.recurrence.reverse)


class KernelFunction(torch.autograd.Function):
    """A recurrence by kernels, whose backward pass runs the derived equations by kernels too."""

    @staticmethod
    def forward(ctx: Any, launch: Launch, lengths: Tensor | None, *tensors: Tensor) -> tuple[Tensor, ...]:
        """Return the requested sequences, then the final states; save what the backward pass reads."""
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
        # All memory that the backward pass reads is saved through torch: hooks of saved tensors may move it
        # elsewhere, or drop it. The states are saved as `data`, because torch would refuse the backward pass
        # after a change in place; `versions` detects the change, and they are computed again.
        save(ctx, lengths, *tensors, *[state.data for state in states], result.block)
        return result.tensors

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        """Return the gradients of the arguments of `forward`, from those of its results."""
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
        # `lease` yields once, also under threads: the first backward pass owns the block and returns it to
        # the pool; later ones (retain_graph) run the forward pass again.
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
        # Return the block to the pool, unless a hook of saved tensors has replaced it by a copy.
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
    """Run one backward pass; return the gradients of the arguments that `asked` marks, and of all states."""
    known = [asked[0], *asked[1 + len(given.initial) :]]
    measure = launch.recurrence.observer is not None
    found = run_backward(launch.library, given, left, *sorted_gradients(launch, gradients), known, measure)
    if launch.recurrence.observer is not None and found.norms is not None:
        launch.recurrence.observer(found.norms)
    return (found.x, *found.initial, *found.parameters)


def _again(launch: Launch, given: Tensors) -> Saved:
    """Run the forward pass again, for a backward pass whose saved values are gone or changed."""
    result = run_forward(
        launch.library, given, (False,) * len(launch.recurrence.whole), launch.recurrence.storage
    )
    return Saved(launch.recurrence.storage, result.states, result.block)


def sorted_gradients(
    launch: Launch, gradients: Sequence[Tensor | None]
) -> tuple[list[Tensor | None], Sequence[Tensor | None]]:
    """Split gradients into those of the sequences of all states and the output, and of the final states.

    None marks a sequence that was not returned.
    """
    sequences = iter(gradients)
    losses = [next(sequences) if asked else None for asked in launch.recurrence.whole]
    losses += [next(sequences) for _ in launch.library.layout.outputs]
    return losses, list(sequences)


def differentiable(
    launch: Launch, tensors: Sequence[Tensor], gradients: Sequence[Tensor | None]
) -> tuple[Tensor | None, ...]:
    """Return the gradients with a graph of their own, for second derivatives: by the reference backend."""
    reference: Backend = imported("bptt.runtime.reference.reference_backend", "REFERENCE")
    return gradients_with_graph(reference.run(launch.recurrence, tensors), gradients, tensors)
