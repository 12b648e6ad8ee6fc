"""A recurrence by kernels as a node of autograd's graph."""

from __future__ import annotations

from array import array
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import reduce
from itertools import islice
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor

from bptt.deferred import imported
from bptt.runtime.batched import are_batched, for_each
from bptt.runtime.differentiable import gradients_with_graph
from bptt.runtime.kernels.block_pool import give_back
from bptt.runtime.kernels.library import Library, Tensors, addresses, dense
from bptt.runtime.kernels.recurrence import Passes, Saved, passes_of
from bptt.runtime.protocol import Backend, Recurrence
from bptt.runtime.saved import Form, check_forms, check_memory, forms
from bptt.runtime.versions import Versions

_NONE: Mapping[int, Tensor] = MappingProxyType({})


@dataclass(eq=False)
class Launch:
    """The kernels of a recurrence and its arguments that have no gradients, for tensors of the same sizes.

    `parts` counts the tensors whose sum each parameter is. `passes` are those over tensors of these sizes.
    `leading` are dimensions of size 1 before those of the final states. `bound` are arguments as
    `Passes.bind` returns them, None if the parameters may be other ones at each call. `forms` are those of
    the tensors that the forward pass saves, None before the first.
    """

    library: Library
    recurrence: Recurrence
    passes: Passes
    parts: tuple[int, ...]
    leading: tuple[int, ...] = ()
    bound: array[int] | None = None
    forms: list[Form | None] | None = None
    _wanted: dict[tuple[bool, ...], tuple[bool, ...]] = field(default_factory=dict)

    def tensors(
        self,
        lengths: Tensor | None,
        restarts: Tensor | None,
        tensors: Sequence[Tensor],
        sums: Mapping[int, Tensor] = _NONE,
    ) -> Tensors:
        """Return the tensors (x, *initial, *parts) as a record of what the recurrence reads.

        `sums` are parameters, by their number, whose parts are summed already.
        """
        count = 1 + len(self.recurrence.whole)
        parameters = self.summed(tensors[count:], sums)
        reverse = self.recurrence.reverse
        return Tensors(tensors[0], lengths, tensors[1:count], parameters, reverse, restarts)

    def summed(self, parts: Sequence[Tensor], sums: Mapping[int, Tensor] = _NONE) -> Sequence[Tensor]:
        """Return the parameters, each the sum of its parts."""
        if len(parts) == len(self.parts):
            return parts
        found, first = [], 0
        for k, count in enumerate(self.parts):
            if count == 1:
                found.append(parts[first])
            else:
                found.append(sums[k] if k in sums else reduce(torch.add, parts[first : first + count]))
            first += count
        return found

    def wanted(self, asked: tuple[bool, ...]) -> tuple[bool, ...]:
        """Return which gradients of (x, *initial, *parameters) are asked for, given those of all parts."""
        if asked not in self._wanted:
            count = 1 + len(self.recurrence.whole)
            rest = iter(asked[count:])
            self._wanted[asked] = *asked[:count], *[any([*islice(rest, n)]) for n in self.parts]
        return self._wanted[asked]


class KernelFunction(torch.autograd.Function):
    """A recurrence by kernels, whose backward pass runs the derived equations by kernels too."""

    @staticmethod
    def forward(
        ctx: Any, launch: Launch, lengths: Tensor | None, restarts: Tensor | None, *tensors: Tensor
    ) -> tuple[Tensor, ...]:
        """Return the requested sequences, then the final states; save what the backward pass reads.

        The arguments have memory as large as their shapes require.
        """
        given = launch.tensors(lengths, restarts, tensors)
        ctx.sums = {k: given.parameters[k] for k, count in enumerate(launch.parts) if count > 1}
        result = launch.passes.forward(given, launch.leading, launch.bound)
        states = [state for state in result.states if state is not None]
        ctx.launch, ctx.lease = launch, iter([result.block.data_ptr()])
        ctx.versions = Versions(states)
        ctx.set_materialize_grads(False)
        # All memory that the backward pass reads is saved through torch: hooks of saved tensors may move it
        # elsewhere, or drop it. The states are saved as `data`, because torch would refuse the backward pass
        # after a change in place; `versions` detects the change, and they are computed again.
        saved = (lengths, restarts, *tensors, *[state.data for state in states], result.block)
        ctx.save_for_backward(*saved)
        ctx.addresses = addresses(saved)
        if launch.forms is None:
            launch.forms = forms(saved)
        return result.tensors

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor | None) -> tuple[Tensor | None, ...]:
        """Return the gradients of the arguments of `forward`, from those of its results."""
        launch: Launch = ctx.launch
        count = 1 + len(launch.recurrence.whole) + sum(launch.parts)
        if all(g is None for g in gradients):
            return (None,) * (3 + count)
        (lengths, restarts, *read), same = _saved(ctx)
        tensors, (*kept, block) = read[:count], read[count:]
        if torch.is_grad_enabled():
            return (None, None, None, *differentiable(launch, tensors, gradients))
        given = launch.tensors(lengths, restarts, tensors, ctx.sums)
        states = [kept.pop(0) if asked else None for asked in launch.recurrence.whole]
        # `lease` yields once, also under threads: the first backward pass owns the block and returns it to
        # the pool; later ones (retain_graph) run the forward pass again.
        place = next(ctx.lease, None)
        unread = place is None or ctx.versions.changed
        left = Saved(launch.recurrence.storage, states, block)
        passes, left = _again(launch, given) if unread else (launch.passes, left)
        bound = launch.bound if same and not unread else None
        asked = ctx.needs_input_grad[3:]

        def one(gradients: Sequence[Tensor | None]) -> tuple[Tensor | None, ...]:
            return _pass(launch, passes, bound, given, left, gradients, asked)

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
        return (None, None, None, *found)


def apply_directly(launch: Launch, *tensors: Tensor) -> tuple[Tensor, ...]:
    """Call `KernelFunction.apply` without its checks for transforms of `torch.func`: none is active."""
    apply = super(torch.autograd.Function, KernelFunction).apply
    found: tuple[Tensor, ...] = apply(launch, None, None, *tensors)  # type: ignore[no-untyped-call]
    return found


def _saved(ctx: Any) -> tuple[list[Any], bool]:
    """Return the tensors that the forward pass saved, in the layout of kernels; and whether they have not
    moved.

    Raises GraphError if a dtype, shape or device has changed, or memory is missing.
    """
    found, launch = ctx.saved_tensors, ctx.launch
    check_forms(launch.library.where, launch.forms, forms(found))
    # A storage that shrinks moves: at the same address there still is the memory of the forward pass.
    if addresses(found) == ctx.addresses:
        return list(found), True
    check_memory(launch.library.where, found)
    lengths, restarts, x, *rest = found
    return [lengths, restarts, *dense(x, *rest)], False


def _pass(
    launch: Launch,
    passes: Passes,
    bound: array[int] | None,
    given: Tensors,
    left: Saved,
    gradients: Sequence[Tensor | None],
    asked: tuple[bool, ...],
) -> tuple[Tensor | None, ...]:
    """Run one backward pass; return the gradients of the arguments that `asked` marks, and of all states."""
    measure = launch.recurrence.observer is not None
    losses, last = sorted_gradients(launch, gradients)
    found = passes.backward(given, left, losses, last, launch.wanted(asked), measure, bound=bound)
    if launch.recurrence.observer is not None and found.norms is not None:
        launch.recurrence.observer(found.norms)
    parameters = found.parameters
    if len(asked) > 1 + len(found.initial) + len(parameters):
        both = zip(parameters, launch.parts, strict=True)
        parameters = tuple([g for g, count in both for _ in range(count)])
    return (found.x, *found.initial, *parameters)


def _again(launch: Launch, given: Tensors) -> tuple[Passes, Saved]:
    """Run the forward pass again, for a backward pass whose saved values are gone or changed."""
    whole, storage = (False,) * len(launch.recurrence.whole), launch.recurrence.storage
    passes = passes_of(launch.library, given, whole, storage)
    result = passes.forward(given)
    return passes, Saved(storage, result.states, result.block)


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
    count = 1 + len(launch.recurrence.whole)
    outputs = reference.run(launch.recurrence, (*tensors[:count], *launch.summed(tensors[count:])))
    # Final states may have more dimensions of size 1.
    both = zip(outputs, gradients, strict=True)
    return gradients_with_graph(
        outputs, [None if g is None else g.reshape(o.shape) for o, g in both], tensors
    )
