"""A recurrence by kernels as a node of autograd's graph."""

from __future__ import annotations

from array import array
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from bptt.deferred import imported
from bptt.runtime.batched import are_batched, for_each
from bptt.runtime.differentiable import gradients_with_graph
from bptt.runtime.kernels.block_pool import give_back
from bptt.runtime.kernels.library import Library, Tensors, dense
from bptt.runtime.kernels.recurrence import Passes
from bptt.runtime.protocol import Backend, Recurrence
from bptt.runtime.saved import Form, check_forms, check_memory, forms
from bptt.runtime.versions import Versions


@dataclass(eq=False)
class Launch:
    """The kernels of a recurrence and its arguments that have no gradients, for tensors of the same sizes.

    `parts` counts the tensors whose sum each parameter is. `passes` are those over tensors of these sizes.
    `bound` are arguments as `Passes.bind` returns them, None if the parameters may be other ones at each
    call. `forms` are those of the tensors that the forward pass saves, empty before the first; `dtypes` and
    `shapes` are their parts.
    """

    library: Library
    recurrence: Recurrence
    passes: Passes
    parts: tuple[int, ...]
    bound: array[int] | None = None
    forms: list[Form | None] = field(default_factory=list)
    dtypes: list[torch.dtype] = field(default_factory=list)
    shapes: list[torch.Size] = field(default_factory=list)
    _wanted: dict[tuple[bool, ...], tuple[bool, ...]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        first = self.first = 1 + len(self.recurrence.whole)
        # Of (x, *initial, *parts): which of (x, *initial, *parameters) each belongs to.
        self.places = [*range(first), *[k for k, n in enumerate(self.parts, first) for _ in range(n)]]
        self.arguments, self.states = len(self.places), sum(self.recurrence.whole)
        # Of what the forward pass saves, the arguments, the states, this block, and lengths and restarts.
        self.block = self.arguments + self.states
        # The first tensor of each parameter; of the other parts, the number of the sum, and of the part.
        self.firsts = [self.places.index(k) for k in range(first + len(self.parts))]
        self.others = [(at, k) for k, at in enumerate(self.places) if k not in self.firsts]

    def summed(self, tensors: Sequence[Tensor]) -> Sequence[Tensor]:
        """Return (x, *initial, *parameters), each parameter the sum of its parts."""
        if not self.others:
            return tensors
        found = [tensors[k] for k in self.firsts]
        for at, part in self.others:
            found[at] = torch.add(found[at], tensors[part])
        return found

    def given(self, tensors: Sequence[Tensor], lengths: Tensor | None, restarts: Tensor | None) -> Tensors:
        """Return (x, *initial, *parameters) as a record of what the recurrence reads."""
        initial, parameters = tensors[1 : self.first], tensors[self.first :]
        return Tensors(tensors[0], lengths, initial, parameters, self.recurrence.reverse, restarts)

    def remember(self, saved: Sequence[Tensor]) -> None:
        """Keep the forms of the tensors that the forward pass saves."""
        self.dtypes, self.shapes = [t.dtype for t in saved], [t.shape for t in saved]
        self.forms = forms(saved)

    def backward(
        self,
        call: array[int],
        read: Sequence[Tensor],
        gradients: Sequence[Tensor | None],
        asked: tuple[bool, ...],
        bound: bool,
    ) -> list[Tensor | None]:
        """Run a backward pass; return the gradients of (x, *initial, *parts), None if not `asked` for."""
        wanted = self._wanted.get(asked)
        if wanted is None:
            pairs = [*zip(self.places, asked, strict=True)]
            wanted = tuple([(k, True) in pairs for k in range(len(self.firsts))])
            self._wanted[asked] = wanted
        observer = self.recurrence.observer
        found, norms = self.passes.backward(call, read, gradients, wanted, bound, observer is not None)
        if observer is not None and norms is not None:
            observer(norms)
        return [found[k] for k in self.places] if self.others else found


class KernelFunction(torch.autograd.Function):
    """A recurrence by kernels, whose backward pass runs the derived equations by kernels too."""

    @staticmethod
    def forward(
        ctx: Any, launch: Launch, lengths: Tensor | None, restarts: Tensor | None, *tensors: Tensor
    ) -> tuple[Tensor, ...]:
        """Return the requested sequences, then the final states; save what the backward pass reads.

        The arguments have memory as large as their shapes require.
        """
        read, reverse = launch.summed(tensors), launch.recurrence.reverse
        results, block, call = launch.passes.forward(read, reverse, lengths, restarts, launch.bound)
        # All memory that the backward pass reads is saved through torch: hooks of saved tensors may move it
        # elsewhere, or drop it. The states are saved as `data`, because torch would refuse the backward pass
        # after a change in place; `versions` detects the change, and they are computed again.
        states = results[: launch.states]
        saved = [*tensors, *[state.data for state in states], block]
        if lengths is not None or restarts is not None:
            saved += [mask for mask in (lengths, restarts) if mask is not None]
        ctx.set_materialize_grads(False)
        ctx.save_for_backward(*saved)
        # The lease yields once, also under threads: see `backward`. The arguments point to sums, which no one
        # else owns.
        places, sums = [t.data_ptr() for t in saved], [read[k] for k, _ in launch.others]
        ctx.state = launch, places, Versions(states), iter([call]), sums
        if not launch.forms:
            launch.remember(saved)
        return tuple(results)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        """Return the gradients of the arguments of `forward`, from those of its results."""
        launch: Launch
        launch, places, versions, lease, _ = ctx.state
        if gradients[0] is None and all(g is None for g in gradients):
            return (None,) * (3 + launch.arguments)
        found = ctx.saved_tensors
        # A storage that shrinks moves: at the same address there still is the memory of the forward pass.
        same = [t.data_ptr() for t in found] == places
        # In lists of their own: a tuple for each tensor would take twice the time.
        dtypes, shapes = [t.dtype for t in found], [t.shape for t in found]
        if not same or dtypes != launch.dtypes or shapes != launch.shapes:
            check_forms(launch.library.where, launch.forms, forms(found))
        tensors = found[: launch.arguments]
        if torch.is_grad_enabled():
            return (None, None, None, *differentiable(launch, tensors, gradients))
        # The first backward pass owns the block and returns it to the pool; later ones (retain_graph) run the
        # forward pass again.
        call = next(lease, None)
        if not same or call is None or versions.changed or launch.bound is None or are_batched(gradients):
            return None, None, None, *_backward(ctx, found, same, call, gradients)
        # Not the sums: their shapes alone count.
        read = [tensors[k] for k in launch.firsts] if launch.others else tensors
        result = launch.backward(call, read, gradients, ctx.needs_input_grad[3:], True)
        give_back(found[launch.block])
        return None, None, None, *result


def _backward(
    ctx: Any, saved: Sequence[Tensor], same: bool, call: array[int] | None, gradients: Sequence[Tensor | None]
) -> Sequence[Tensor | None]:
    """Run the backward pass in an unusual case; return the gradients of (x, *initial, *parts).

    Saved tensors may have moved, unless they are the `same`; another backward pass may own the block, so that
    `call` is None; states may have been changed in place; gradients may be a batch. Raises GraphError if
    memory is missing.
    """
    launch: Launch
    launch, places, versions, _, sums = ctx.state
    passes, reverse, asked = launch.passes, launch.recurrence.reverse, ctx.needs_input_grad[3:]
    if not same:
        check_memory(launch.library.where, saved)
        saved = dense(*saved)
    tensors, left, block = saved[: launch.arguments], saved[launch.arguments : launch.block + 1], None
    lengths = next((mask for mask in saved[launch.block + 1 :] if mask.dtype != torch.bool), None)
    restarts = next((mask for mask in saved[launch.block + 1 :] if mask.dtype == torch.bool), None)
    read = [tensors[k] for k in launch.firsts]
    for (at, _), total in zip(launch.others, sums, strict=True):
        read[at] = total
    if call is None or versions.changed:
        _, block, again = passes.forward(read, reverse, lengths, restarts)
    else:
        # Not the addresses of the forward pass: hooks may have moved saved tensors.
        again = call if same else passes.again(read, reverse, lengths, restarts, left)

    def one(gradients: Sequence[Tensor | None]) -> list[Tensor | None]:
        return launch.backward(again, read, gradients, asked, False)

    if are_batched(gradients):
        wanted = [t if a else None for t, a in zip(tensors, asked, strict=True)]
        found: Sequence[Tensor | None] = for_each(one, gradients, wanted)
    else:
        found = one(gradients)
    # Return the block to the pool, unless a hook of saved tensors has replaced it by a copy.
    if call is not None and left[-1].data_ptr() == places[launch.block]:
        give_back(left[-1])
    if block is not None:
        give_back(block)
    return found


# `KernelFunction.apply` without its checks for transforms of `torch.func`: where none is active.
apply_directly: Callable[..., tuple[Tensor, ...]] = super(torch.autograd.Function, KernelFunction).apply


def differentiable(
    launch: Launch, tensors: Sequence[Tensor], gradients: Sequence[Tensor | None]
) -> tuple[Tensor | None, ...]:
    """Return the gradients with a graph of their own, for second derivatives: by the reference backend."""
    reference: Backend = imported("bptt.runtime.reference.reference_backend", "REFERENCE")
    outputs = reference.run(launch.recurrence, launch.summed(tensors))
    # Final states may have more dimensions of size 1.
    both = zip(outputs, gradients, strict=True)
    return gradients_with_graph(
        outputs, [None if g is None else g.reshape(o.shape) for o, g in both], tensors
    )
