"""The forward and backward pass of a recurrence, by kernels on whole tensors."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from functools import lru_cache
from itertools import accumulate
from math import isqrt
from typing import TYPE_CHECKING, TypeAlias

import torch
from torch import Tensor

from bptt.runtime.kernels.argument_places import AddressPlace, ArgumentPlaces, fill, form, point, threads_for
from bptt.runtime.kernels.block_pool import give_back, take
from bptt.runtime.kernels.library import Library, Tensors, addresses
from bptt.runtime.saved import check_memory

if TYPE_CHECKING:
    from bptt.runtime.norms import Norms


# The results of a forward pass: the sequences (T, B, width) of the states that were requested, that of the
# output if it is no state, and the final states (B, width); the memory for the backward pass; the arguments.
Result: TypeAlias = tuple[list[Tensor], Tensor, "array[int]"]


class Passes:
    """The passes of a cell over tensors of the same sizes, with arguments filled in as far as sizes go.

    `whole[k]` requests all steps of state k. `storage` is what to store for the backward pass, None if none
    follows. Every `every`-th step's states are stored, 0: none. `rings[k]` is 2 if only two steps of state k
    exist at a time, in turns, else 0. Hidden states, stored states and kept values share a block of memory.
    Final states have the dimensions `leading`, of size 1, before (B, width).
    """

    def __init__(
        self,
        library: Library,
        steps: int,
        batch: int,
        sizes: tuple[int, ...],
        whole: tuple[bool, ...],
        storage: str | None,
        leading: tuple[int, ...] = (),
    ) -> None:
        cell, widths = library.cell, tuple(library.width(sizes, name) for name in library.cell.states)
        self._library, self._sizes, self._storage = library, sizes, storage
        every = max(1, isqrt(steps)) if storage == "segments" else 0
        rings = [0 if asked or (storage and not every) else 2 for asked in whole]
        hidden = [0 if a else (r or steps) * batch * w for a, r, w in zip(whole, rings, widths, strict=True)]
        stored = [-(-steps // every) * batch * w if every else 0 for w in widths]
        self._packed, self._transposed, kept = library.measure(sizes)
        # One size for all memory that a pass needs for itself alone, so that the pool has it at once.
        self._own = max(self._packed, self._transposed + batch * sum(widths))
        # The value of a unit takes as long as some 64 products.
        self._work = steps * batch * (self._packed + 64 * sum(widths)) if storage else None
        kept = kept * steps * batch if storage == "keep" else 0
        # Offsets in the block: of the hidden states, the stored states and the kept values.
        *places, self._numbers = accumulate([*hidden, *stored, kept], initial=0)
        has_output = bool(library.layout.outputs)
        counts = len(sizes), len(library.matrix_families), len(widths), len(cell.vectors)
        at = self._at = ArgumentPlaces.of(*counts, has_output)
        self._template = array("q", [0] * at.end)
        self._template[: len(sizes)] = self._template[at.sizes : at.x] = array("q", sizes)
        self._template[at.ring : at.ring + len(rings)] = array("q", rings)
        self._template[at.every] = every
        self._template[at.steps], self._template[at.steps + 1] = steps, batch
        states, asked = range(len(widths)), [k for k, wanted in enumerate(whole) if wanted]
        # Places of addresses: which tensor of (x, *initial, *parameters, block, *results), and the bytes from
        # its start. The results are the sequences of states, that of the output, and the final states.
        first, size = 1 + len(widths), library.dtype.itemsize
        self._first, block = first, first + len(cell.families)
        both = [*[at.state + k for k in states], *[at.stored + k for k in states], at.kept]
        used = [*[not wanted for wanted in whole], *[every > 0] * len(widths), kept > 0]
        vectors = library.vector_places(sizes, 0)
        self._read: list[AddressPlace] = [
            *[(at.x, 0, 0), *[(at.initial + k, 1 + k, 0) for k in states]],
            *[(at.vector + k, first + family, place * size) for k, family, place in vectors],
            *[(k, block, place * size) for k, place, u in zip(both, places, used, strict=True) if u],
            *[(at.state + k, block + 1 + n, 0) for n, k in enumerate(asked)],
        ]
        # The results that only a forward pass writes to.
        self._written = [*[at.output] * has_output, *[at.final + k for k in states]]
        written = [(place, block + 1 + k, 0) for k, place in enumerate(self._written, len(asked))]
        self._read_and_written = self._read + written
        output = [library.width(sizes, cell.output)] if has_output else []
        self._forms = [form(steps, batch, width) for width in [*[widths[k] for k in asked], *output]]
        self._states, self._sequences = len(asked), len(self._forms)
        self._forms += [form(*leading, batch, width) for width in widths]
        # Of the gradients of the sequences and of each parameter; the latter with the bytes from its start.
        self._losses = [at.loss + k for k in [*asked, *[len(widths)] * has_output]]
        self._next = max(1, len(widths) + has_output)
        gradients: list[list[tuple[int, int]]] = [[] for _ in cell.families]
        for k, family in enumerate(library.matrix_families, at.gradient):
            gradients[family].append((k, 0))
        for k, family, place in vectors:
            gradients[family].append((at.vector_gradient + k, place * size))
        makers = library.gradients
        self._gradients = [(k, makers[k - first], g) for k, g in enumerate(gradients, first)]

    def bind(self, matrices: Sequence[Tensor], reverse: bool) -> array[int]:
        """Return the arguments with what is the same for all calls with these matrices and threads."""
        call, at = self._template[:], self._at
        call[at.steps + 2] = call[at.threads] = threads_for(self._work)
        call[at.steps + 3] = reverse
        fill(call, at.matrix, addresses(matrices))
        return call

    def forward(
        self,
        read: Sequence[Tensor],
        reverse: bool,
        lengths: Tensor | None = None,
        restarts: Tensor | None = None,
        bound: array[int] | None = None,
    ) -> Result:
        """Run the cell on (x, *initial, *parameters); `bound` is the result of `bind`.

        Return the block to the pool with `block_pool.give_back` when no pass reads it any more.
        """
        x, at, library = read[0], self._at, self._library
        block = take(self._numbers, library.dtype)
        # In training the weights change at every step: a cache would only hold memory.
        packed = None if self._storage else library.weights(self._sizes, read[self._first :])
        weights = take(self._own, library.dtype) if packed is None else packed.block
        results = [x.new_empty_strided(shape, steps) for shape, steps in self._forms]
        # As kernels read them, matrices have to live until the end of the call.
        matrices = () if bound or packed is not None else library.read(read[self._first :])
        call = (bound or self.bind(matrices, reverse))[:]
        call[at.x + 1], call[at.x + 2], _ = x.stride()
        point(call, self._read_and_written, (*read, block, *results))
        if lengths is not None or restarts is not None:
            self._mask(call, read, lengths, restarts)
        call[at.weights] = start = weights.data_ptr()
        if packed is None:
            call[at.pack] = start
        library.call("forward", call)
        if packed is None:
            give_back(weights)
        return results, block, call

    def _mask(
        self, call: array[int], read: Sequence[Tensor], lengths: Tensor | None, restarts: Tensor | None
    ) -> None:
        at = self._at
        if lengths is not None:
            call[at.steps + 4] = lengths.data_ptr()
        if restarts is not None:
            call[at.restarts] = restarts.data_ptr()
            for k, state in enumerate(read[1 : self._first], at.restart):
                call[k] = state.data_ptr() + state.nbytes // 2

    def arguments_of_step(
        self, read: Sequence[Tensor], states: Sequence[Tensor], output: Tensor, weights: Tensor
    ) -> array[int]:
        """Return the arguments of a step in a stepper."""
        at, call = self._at, self.again(read, False, None, None, (*states, output))
        call[at.weights], call[at.output] = weights.data_ptr(), output.data_ptr()
        return call[at.steps : at.transposed]

    def again(
        self,
        read: Sequence[Tensor],
        reverse: bool,
        lengths: Tensor | None,
        restarts: Tensor | None,
        saved: Sequence[Tensor],
    ) -> array[int]:
        """Return the arguments of a forward pass that left (*states, block), which are `saved`."""
        at, (*states, block), (steps, rows, _) = self._at, saved, read[0].shape
        call = self.bind((), reverse)
        # Not those of the block: a backward pass over copies of its row has more rows.
        call[at.steps], call[at.steps + 1] = steps, rows
        call[at.x + 1], call[at.x + 2], _ = read[0].stride()
        point(call, self._read, (*read, block, *states))
        self._mask(call, read, lengths, restarts)
        return call

    def backward(
        self,
        call: array[int],
        read: Sequence[Tensor],
        gradients: Sequence[Tensor | None],
        asked: Sequence[bool],
        bound: bool = False,
        measure: bool = False,
        shared: bool = False,
    ) -> tuple[list[Tensor | None], Norms | None]:
        """Back-propagate through time: see `run_backward`.

        `call` are the arguments of the forward pass, which are changed. Of `read` only the shapes count if
        the arguments were `bound`.
        """
        library, at, first, x = self._library, self._at, self._first, read[0]
        # Tensors that only this pass makes have to live until the end of the call.
        alive: list[Tensor] = []
        if not bound:
            alive += library.read(read[first:])
            fill(call, at.matrix, addresses(alive))
        # The results of the forward pass may belong to others now.
        for place in self._written:
            call[place] = 0
        # The kernel writes unwanted gradients of initial states behind the transposed weights.
        unread = 0 if bound else sum([state.numel() for state in read[1:first]])
        own = take(max(self._own, self._transposed + unread), library.dtype)
        again = None if self._storage == "keep" else take(self._own, library.dtype)
        call[at.pack + 1] = call[at.transposed] = start = own.data_ptr()
        call[at.pack] = 0 if again is None else again.data_ptr()
        call[at.weights] = call[at.pack] or start
        for place, g in zip(self._losses, gradients, strict=False):
            if g is not None:
                step, row, apart = g.stride()
                if apart != 1:
                    alive.append(g := g.contiguous())
                    step, row, _ = g.stride()
                call[place], call[place + self._next], call[place + 2 * self._next] = g.data_ptr(), step, row
        for place, g in enumerate(gradients[self._sequences :], at.last):
            if g is not None:
                alive.append(g := g.contiguous())
                call[place] = g.data_ptr()
        found: list[Tensor | None] = [None] * len(asked)
        if asked[0]:
            found[0] = g = torch.empty_like(x, memory_format=torch.contiguous_format)
            call[at.input] = g.data_ptr()
        start += self._transposed * own.itemsize
        for k in range(1, first):
            if asked[k]:
                found[k] = g = torch.empty_like(read[k])
                call[at.first + k - 1] = g.data_ptr()
            else:
                call[at.first + k - 1] = start
                start += read[k].nbytes
        for k, make, places in self._gradients:
            if asked[k]:
                found[k] = g = make(read[k])
                start = g.data_ptr()
                for place, behind in places:
                    call[place] = start + behind
        norms = library.room_for_norms(x) if measure else None
        call[at.end - 2], call[at.end - 1] = 0 if norms is None else norms.data_ptr(), shared
        library.call("backward", call)
        give_back(own)
        if again is not None:
            give_back(again)
        if library.narrow:
            found = [None if g is None else g.to(t.dtype) for g, t in zip(found, read, strict=True)]
        return found, None if norms is None else library.norms(norms)


# A module is called with few combinations of sizes, many times.
_passes = lru_cache(maxsize=1024)(Passes)


def passes_of(
    library: Library,
    given: Tensors,
    whole: tuple[bool, ...],
    storage: str | None,
    batch: int = 0,
    leading: tuple[int, ...] = (),
) -> Passes:
    """Return the passes over such tensors, of which the forward pass has `batch` rows, 0: all of them."""
    steps, rows, _ = given.x.shape
    return _passes(library, steps, batch or rows, library.sizes(given), whole, storage, leading)


def run_forward(library: Library, given: Tensors, whole: tuple[bool, ...], storage: str | None) -> Result:
    """Run a cell over sequences.

    `whole[k]` requests all steps of state k. `storage` is what to store for the backward pass, None if none
    follows. Return the block to the pool with `block_pool.give_back` when no pass reads it any more.
    """
    check_memory(library.where, given.all)
    (_, lengths, _, _, reverse, restarts), passes = given, passes_of(library, given, whole, storage)
    return passes.forward(given.read, reverse, lengths, restarts)


def run_backward(
    library: Library,
    given: Tensors,
    saved: Sequence[Tensor],
    whole: tuple[bool, ...],
    gradients: Sequence[Tensor | None],
    asked: Sequence[bool],
    shared: bool = False,
) -> tuple[list[Tensor | None], Norms | None]:
    """Back-propagate through time, after a forward pass with `whole` that stored every value.

    `saved` are the sequences of the states that were requested, and the block. `gradients` are those of the
    results: of the sequences (T, B, width) of the states, of the output if it is no state, and of the final
    states (B, width). `asked` marks whether the gradients of x, of each initial state and of each parameter
    are wanted. If `shared`, the forward pass ran over a single row, all rows of `given` are copies of it, and
    the norms of the gradients that pass through are measured.
    """
    check_memory(library.where, (*given.all, *saved))
    passes = passes_of(library, given, whole, "keep", int(shared))
    call = passes.again(given.read, given.reverse, given.lengths, given.restarts, saved)
    return passes.backward(call, given.read, gradients, asked, measure=shared, shared=shared)
