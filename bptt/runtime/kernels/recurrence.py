"""The forward and backward pass of a recurrence, by kernels on whole tensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from math import isqrt
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from bptt.runtime.kernels.block_pool import give_back, take
from bptt.runtime.kernels.library import Library, Tensors, addresses
from bptt.runtime.saved import check_memory

if TYPE_CHECKING:
    from bptt.runtime.norms import Norms


@dataclass(frozen=True, eq=False)
class Saved:
    """The values that a forward pass keeps for the backward pass.

    `states` has the sequences of the states, None for each that was not requested; `block` is memory with
    the other values that `storage` keeps.
    """

    storage: str
    states: Sequence[Tensor | None]
    block: Tensor


@dataclass(frozen=True, eq=False)
class Result:
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


@dataclass(frozen=True, eq=False)
class KernelGradients:
    """Gradients of the input (T, B, I), the initial states and the parameters; norms. None: not requested."""

    x: Tensor | None
    initial: tuple[Tensor, ...]
    parameters: tuple[Tensor | None, ...]
    norms: Norms | None


@dataclass(frozen=True, eq=False)
class _Layout:
    """The memory that a forward pass needs, which depends on shapes alone.

    `sizes` are those of the letters, `widths` those of the states, `output` that of an output that is no
    state, else 0. Every `every`-th step's states are stored, 0: none. `rings[k]` is 2 if only two steps of
    state k exist at a time, in turns, else 0. `places` are the offsets in the block of the hidden states, the
    stored states and the kept values, `numbers` is the size of the block; `kept`: it has kept values.
    """

    sizes: tuple[int, ...]
    widths: tuple[int, ...]
    output: int
    every: int
    rings: tuple[int, ...]
    places: tuple[int, ...]
    numbers: int
    kept: bool


@lru_cache(maxsize=1024)
def _layout(
    library: Library,
    steps: int,
    batch: int,
    sizes: tuple[int, ...],
    whole: tuple[bool, ...],
    storage: str | None,
) -> _Layout:
    cell = library.cell
    widths = tuple(library.width(sizes, name) for name in cell.states)
    output = library.width(sizes, cell.output) if library.layout.outputs else 0
    every = max(1, isqrt(steps)) if storage == "segments" else 0
    rings = tuple(0 if asked or (storage and not every) else 2 for asked in whole)
    hidden = [0 if a else (r or steps) * batch * w for a, r, w in zip(whole, rings, widths, strict=True)]
    stored = [-(-steps // every) * batch * w if every else 0 for w in widths]
    kept = library.measure(sizes)[2] * steps * batch if storage == "keep" else 0
    places = tuple(accumulate([*hidden, *stored, kept], initial=0))
    return _Layout(sizes, widths, output, every, rings, places[:-1], places[-1], kept > 0)


def run_forward(library: Library, given: Tensors, whole: tuple[bool, ...], storage: str | None) -> Result:
    """Run a cell over sequences.

    `whole[k]` requests all steps of state k. `storage` is what to store for the backward pass, None if none
    follows. Return the block to the pool with `block_pool.give_back` when no pass reads it any more.
    """
    x = given.x
    check_memory(library.where, given.all)
    steps, batch = x.shape[:2]
    layout = _layout(library, steps, batch, library.sizes(given), whole, storage)
    # In training the weights change at every step: a cache would only hold memory.
    weights_of = library.pack if storage else library.weights
    weights = weights_of(layout.sizes, given.parameters)
    states = [x.new_empty(steps, batch, w) if a else None for w, a in zip(layout.widths, whole, strict=True)]
    final = [x.new_empty(batch, width) for width in layout.widths]
    output = x.new_empty(steps, batch, layout.output) if layout.output else None
    block = take(layout.numbers, x.dtype)
    library.call("forward", _arguments(library, layout, given, states, output, final, block, weights))
    if storage:
        give_back(weights)
    return Result(tuple(states), output, tuple(final), block)


def _arguments(
    library: Library,
    layout: _Layout,
    given: Tensors,
    states: Sequence[Tensor | None],
    output: Tensor | None,
    final: Sequence[Tensor | None],
    block: Tensor,
    weights: Tensor,
) -> tuple[int, ...]:
    """Return the arguments of the kernel `forward`; those of `backward` begin alike, and it skips two.

    It reads neither `output` nor `final`.
    """
    x, base, size = given.x, block.data_ptr(), block.element_size()
    at = [base + place * size for place in layout.places]
    return (
        *(*x.shape[:2], torch.get_num_threads(), int(given.reverse)),
        0 if given.lengths is None else given.lengths.data_ptr(),
        *layout.sizes,
        *(x.data_ptr(), *x.stride()[:2]),
        *addresses(given.initial),
        *([p if s is None else s.data_ptr() for s, p in zip(states, at, strict=False)] or [0]),
        *(layout.rings or [0]),
        0 if output is None else output.data_ptr(),
        at[-1] if layout.kept else 0,
        *addresses(final),
        weights.data_ptr(),
        *library.vectors(given.parameters),
        layout.every,
        *(at[len(states) : -1] or [0]),
    )


def arguments_of_step(
    library: Library, given: Tensors, states: Sequence[Tensor], output: Tensor, weights: Tensor
) -> tuple[int, ...]:
    """Return the arguments of the kernel `forward` for one step that writes to `states` and `output`.

    All are (B, width).
    """
    whole, none = (True,) * len(states), [None] * len(states)
    layout = _layout(library, *given.x.shape[:2], library.sizes(given), whole, None)
    return _arguments(library, layout, given, states, output, none, given.x.new_empty(0), weights)


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
    state; `last` those of the final states (B, width). `asked` marks whether the gradients of x and of each
    parameter are wanted; `measure` requests the norms of the gradients that pass through. If `shared`, the
    forward pass ran over a single row, and all rows of `given` are copies of it.
    """
    check_memory(library.where, (*given.all, *saved.states, saved.block))
    whole = tuple([state is not None for state in saved.states])
    steps, batch = given.x.shape[:2]
    layout = _layout(library, steps, 1 if shared else batch, library.sizes(given), whole, saved.storage)
    # Not the addresses of the forward pass: hooks may have moved saved tensors, or they were computed again.
    weights, none = _weights_again(library, layout, given, saved.storage), [None] * len(whole)
    forward = _arguments(library, layout, given, saved.states, None, none, saved.block, weights)
    losses = [_dense(loss) for loss in losses]
    last = [None if g is None else g.contiguous() for g in last]
    x = torch.empty_like(given.x, memory_format=torch.contiguous_format) if asked[0] else None
    initial = tuple([torch.empty_like(i) for i in given.initial])
    found = [
        library.gradient(k, p) if a else None
        for k, (p, a) in enumerate(zip(given.parameters, asked[1:], strict=True))
    ]
    transposed = library.pack(layout.sizes, given.parameters, transposed=True)
    norms = library.room_for_norms(given) if measure else None
    strides = [[0 if g is None else g.stride(d) for g in losses] or [0] for d in (0, 1)]
    library.call(
        "backward",
        (
            *forward,
            transposed.data_ptr(),
            *addresses(losses),
            *strides[0],
            *strides[1],
            *addresses(last),
            *addresses(initial),
            *addresses([x]),
            *library.matrices(found),
            *library.vectors(found),
            *addresses([norms]),
            int(shared),
        ),
    )
    for packed in (weights, transposed):
        give_back(packed)
    gradients = [g if g is None else g.to(p.dtype) for g, p in zip(found, given.parameters, strict=True)]
    return KernelGradients(x, initial, tuple(gradients), None if norms is None else library.norms(norms))


def _weights_again(library: Library, layout: _Layout, given: Tensors, storage: str) -> Tensor:
    """Return packed matrices for the values that the backward pass recomputes; empty if it does not."""
    if storage == "keep":
        return torch.empty(0, device="cpu")
    return library.pack(layout.sizes, given.parameters)


def _dense(gradient: Tensor | None) -> Tensor | None:
    """Return the gradient with each row contiguous."""
    if gradient is None or gradient.stride(-1) == 1:
        return gradient
    return gradient.contiguous()
