"""The forward and backward pass of a recurrence, by kernels on whole tensors."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate
from math import isqrt
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

from bptt.runtime.kernels.argument_places import ArgumentPlaces, fill
from bptt.runtime.kernels.block_pool import give_back, take
from bptt.runtime.kernels.library import Library, Tensors, addresses
from bptt.runtime.saved import check_memory

if TYPE_CHECKING:
    from bptt.runtime.norms import Norms


class Saved(NamedTuple):
    """The values that a forward pass keeps for the backward pass.

    `states` has the sequences of the states, None for each that was not requested; `block` is memory with
    the other values that `storage` keeps.
    """

    storage: str
    states: Sequence[Tensor | None]
    block: Tensor


class Result(NamedTuple):
    """The results of a forward pass.

    `states` has the sequences (T, B, width), None for each that was not requested; `output` is the sequence
    of the output if it is no state; `final` has the final states (B, width); `block` is the memory for the
    backward pass.
    """

    states: tuple[Tensor | None, ...]
    output: Tensor | None
    final: tuple[Tensor, ...]
    block: Tensor

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """The sequences that are not None, then the final states."""
        return (*[s for s in (*self.states, self.output) if s is not None], *self.final)


class KernelGradients(NamedTuple):
    """Gradients of the input (T, B, I), the initial states and the parameters; norms. None: not requested."""

    x: Tensor | None
    initial: tuple[Tensor, ...]
    parameters: tuple[Tensor | None, ...]
    norms: Norms | None


class Passes:
    """The passes of a cell over tensors of the same sizes, with arguments filled in as far as sizes go.

    `whole[k]` requests all steps of state k. `storage` is what to store for the backward pass, None if none
    follows. Every `every`-th step's states are stored, 0: none. `rings[k]` is 2 if only two steps of state k
    exist at a time, in turns, else 0. Hidden states, stored states and kept values share a block of memory.
    """

    def __init__(
        self,
        library: Library,
        steps: int,
        batch: int,
        sizes: tuple[int, ...],
        whole: tuple[bool, ...],
        storage: str | None,
    ) -> None:
        cell, widths = library.cell, tuple(library.width(sizes, name) for name in library.cell.states)
        self._library, self._sizes, self._storage = library, sizes, storage
        self._output = library.width(sizes, cell.output) if library.layout.outputs else 0
        every = max(1, isqrt(steps)) if storage == "segments" else 0
        rings = [0 if asked or (storage and not every) else 2 for asked in whole]
        hidden = [0 if a else (r or steps) * batch * w for a, r, w in zip(whole, rings, widths, strict=True)]
        stored = [-(-steps // every) * batch * w if every else 0 for w in widths]
        self._packed, self._transposed, kept = library.measure(sizes)
        kept = kept * steps * batch if storage == "keep" else 0
        # Offsets in the block: of the hidden states, the stored states and the kept values.
        *places, self._numbers = accumulate([*hidden, *stored, kept], initial=0)
        counts = len(sizes), len(library.matrix_families), len(widths), len(cell.vectors)
        at = self._at = ArgumentPlaces.of(*counts, self._output > 0)
        self._template = array("q", [0] * at.end)
        self._template[: len(sizes)] = self._template[at.sizes : at.x] = array("q", sizes)
        self._template[at.ring : at.ring + len(rings)] = array("q", rings)
        self._template[at.every] = every
        # Where the addresses of hidden states, stored states and kept values go.
        states = range(len(widths))
        both = [*[at.state + k for k in states], *[at.stored + k for k in states], at.kept]
        used = [*[not asked for asked in whole], *[every > 0] * len(widths), kept > 0]
        self._block = [pair[:2] for pair in zip(both, places, used, strict=True) if pair[2]]
        self._vectors = library.vector_places(sizes, at.vector)
        self._whole_shapes = [(steps, batch, w) if a else None for w, a in zip(widths, whole, strict=True)]
        self._final_shapes = [(batch, width) for width in widths]
        self._output_shape = steps, batch, self._output

    def bind(self, matrices: Sequence[Tensor], reverse: bool) -> array[int]:
        """Return the arguments with what is the same for all calls with these matrices and threads."""
        call, at = self._template[:], self._at
        call[at.steps + 2] = call[at.threads] = torch.get_num_threads()
        call[at.steps + 3] = reverse
        fill(call, at.matrix, addresses(matrices))
        return call

    def forward(
        self, given: Tensors, leading: tuple[int, ...] = (), bound: array[int] | None = None
    ) -> Result:
        """Run the cell; the final states have the dimensions `leading`, of size 1, before their own.

        `bound` is the result of `bind`. Return the block to the pool with `block_pool.give_back` when no pass
        reads it any more.
        """
        x, at, storage = given.x, self._at, self._storage
        # In training the weights change at every step: a cache would only hold memory.
        packed = None if storage else self._library.weights(self._sizes, given.parameters)
        weights = take(self._packed, x.dtype) if packed is None else packed.block
        states = [x.new_empty(shape) if shape else None for shape in self._whole_shapes]
        final = tuple([x.new_empty((*leading, *shape)) for shape in self._final_shapes])
        output = x.new_empty(self._output_shape) if self._output else None
        block = take(self._numbers, x.dtype)
        # As kernels read them, matrices have to live until the end of the call.
        matrices = () if bound or not storage else self._library.read(given.parameters)
        call = self.arguments(given, states, block, weights, bound or self.bind(matrices, given.reverse))
        if storage:
            call[at.pack] = call[at.weights]
        if output is not None:
            call[at.output] = output.data_ptr()
        for k, state in enumerate(final, at.final):
            call[k] = state.data_ptr()
        self._library.call("forward", call)
        if storage:
            give_back(weights)
        return Result(tuple(states), output, final, block)

    def arguments(
        self,
        given: Tensors,
        states: Sequence[Tensor | None],
        block: Tensor,
        weights: Tensor,
        bound: array[int],
    ) -> array[int]:
        """Return the arguments of a pass, but for where it writes its other results."""
        call, at, x = bound[:], self._at, given.x
        if given.lengths is not None:
            call[at.steps + 4] = given.lengths.data_ptr()
        # Not `batch`, which is that of the block: a backward pass over copies of its row has more rows.
        call[at.steps], call[at.steps + 1], _ = x.shape
        call[at.x] = x.data_ptr()
        call[at.x + 1], call[at.x + 2], _ = x.stride()
        for k, state in enumerate(given.initial, at.initial):
            call[k] = state.data_ptr()
        if given.restarts is not None:
            call[at.restarts] = given.restarts.data_ptr()
            for k, state in enumerate(given.initial, at.restart):
                call[k] = state.data_ptr() + state.nbytes // 2
        start, size = block.data_ptr(), block.element_size()
        for k, place in self._block:
            call[k] = start + place * size
        for k, sequence in enumerate(states, at.state):
            if sequence is not None:
                call[k] = sequence.data_ptr()
        call[at.weights] = weights.data_ptr()
        for k, family, place in self._vectors:
            call[k] = given.parameters[family].data_ptr() + place * size
        return call

    def arguments_of_step(
        self, given: Tensors, states: Sequence[Tensor], output: Tensor, weights: Tensor
    ) -> array[int]:
        """Return the arguments of a step in a stepper."""
        at, bound = self._at, self.bind((), given.reverse)
        call = self.arguments(given, states, given.x.new_empty(0), weights, bound)
        call[at.output] = output.data_ptr()
        return call[at.steps : at.transposed]

    def backward(
        self,
        given: Tensors,
        saved: Saved,
        losses: Sequence[Tensor | None],
        last: Sequence[Tensor | None],
        asked: Sequence[bool],
        measure: bool = False,
        shared: bool = False,
        bound: array[int] | None = None,
    ) -> KernelGradients:
        """Back-propagate through time: see `run_backward`."""
        library, at, dtype, size = self._library, self._at, given.x.dtype, given.x.element_size()
        transposed = take(self._transposed, dtype)
        again = None if self._storage == "keep" else take(self._packed, dtype)
        # Not the addresses of the forward pass: hooks may have moved saved tensors.
        weights = transposed if again is None else again
        matrices = () if bound else library.read(given.parameters)
        bound = bound or self.bind(matrices, given.reverse)
        call = self.arguments(given, saved.states, saved.block, weights, bound)
        call[at.pack + 1] = call[at.transposed] = transposed.data_ptr()
        if again is not None:
            call[at.pack] = again.data_ptr()
        # Made contiguous, they have to live until the end of the call.
        losses = [_dense(loss) for loss in losses]
        last = [None if g is None else g.contiguous() for g in last]
        for k, loss in enumerate(losses, at.loss):
            if loss is not None:
                call[k], count = loss.data_ptr(), len(losses)
                call[k + count], call[k + 2 * count], _ = loss.stride()
        fill(call, at.last, addresses(last))
        x = torch.empty_like(given.x, memory_format=torch.contiguous_format) if asked[0] else None
        initial = [torch.empty_like(state) for state in given.initial]
        found = [
            library.gradient(k, p) if a else None
            for k, (p, a) in enumerate(zip(given.parameters, asked[1 + len(initial) :], strict=True))
        ]
        norms = library.room_for_norms(given) if measure else None
        fill(call, at.first, addresses(initial))
        call[at.input] = 0 if x is None else x.data_ptr()
        fill(call, at.gradient, library.matrices(found))
        for k, family, place in self._vectors:
            vector = found[family]
            if vector is not None:
                call[k - at.vector + at.vector_gradient] = vector.data_ptr() + place * size
        call[at.end - 2], call[at.end - 1] = 0 if norms is None else norms.data_ptr(), shared
        library.call("backward", call)
        give_back(transposed)
        if again is not None:
            give_back(again)
        gradients = [
            g if g is None or g.dtype is p.dtype else g.to(p.dtype)
            for g, p in zip(found, given.parameters, strict=True)
        ]
        return KernelGradients(
            x, tuple(initial), tuple(gradients), None if norms is None else library.norms(norms)
        )


# A module is called with few combinations of sizes, many times.
_passes = lru_cache(maxsize=1024)(Passes)


def passes_of(
    library: Library, given: Tensors, whole: tuple[bool, ...], storage: str | None, batch: int = 0
) -> Passes:
    """Return the passes over such tensors, of which the forward pass has `batch` rows, 0: all of them."""
    steps, rows, _ = given.x.shape
    return _passes(library, steps, batch or rows, library.sizes(given), whole, storage)


def run_forward(library: Library, given: Tensors, whole: tuple[bool, ...], storage: str | None) -> Result:
    """Run a cell over sequences.

    `whole[k]` requests all steps of state k. `storage` is what to store for the backward pass, None if none
    follows. Return the block to the pool with `block_pool.give_back` when no pass reads it any more.
    """
    check_memory(library.where, given.all)
    return passes_of(library, given, whole, storage).forward(given)


def run_backward(
    library: Library,
    given: Tensors,
    saved: Saved,
    losses: Sequence[Tensor | None],
    last: Sequence[Tensor | None],
    asked: Sequence[bool],
    measure: bool = False,
    shared: bool = False,
) -> KernelGradients:
    """Back-propagate through time.

    `losses` are the gradients of the sequences (T, B, width) of the states, and of the output if it is no
    state; `last` those of the final states (B, width). `asked` marks whether the gradients of x, of each
    initial state (returned in any case) and of each parameter are wanted; `measure` requests the norms of the
    gradients that pass through. If `shared`, the forward pass ran over a single row, and all rows of `given`
    are copies of it.
    """
    check_memory(library.where, (*given.all, *saved.states, saved.block))
    whole = tuple([state is not None for state in saved.states])
    passes = passes_of(library, given, whole, saved.storage, int(shared))
    return passes.backward(given, saved, losses, last, asked, measure, shared)


def _dense(gradient: Tensor | None) -> Tensor | None:
    """Return the gradient with each row contiguous."""
    if gradient is None or gradient.stride(-1) == 1:
        return gradient
    return gradient.contiguous()
