"""The forward and the backward pass of a recurrence, by kernels on whole tensors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate
from math import isqrt

import torch
from torch import Tensor

from bptt.runtime.kernels.library import Library, Tensors, addresses
from bptt.runtime.kernels.memory import Lease


@dataclass(frozen=True, eq=False)
class Result:
    """Sequences (T, B, width) of the states, None for one that was not asked for, and of the output if that
    is no state; the final states (B, width); and what the backward pass needs.
    """

    states: tuple[Tensor | None, ...]
    output: Tensor | None
    final: tuple[Tensor, ...]
    saved: Saved | None

    @property
    def tensors(self) -> tuple[Tensor, ...]:
        """The sequences that there are, then the final states."""
        return (*[s for s in (*self.states, self.output) if s is not None], *self.final)


@dataclass(frozen=True, eq=False)
class Saved:
    """The call of a forward pass, which the backward pass repeats, and the memory that it points to."""

    arguments: tuple[int, ...]
    lease: Lease
    weights: Tensor


@dataclass(frozen=True, eq=False)
class Gradients:
    """Of the input (T, B, I), the initial states and the parameters; None where not asked for."""

    x: Tensor | None
    initial: tuple[Tensor, ...]
    parameters: tuple[Tensor | None, ...]


@dataclass(frozen=True, eq=False)
class _Layout:
    """How much memory a forward pass needs, for what, by the shapes alone."""

    sizes: tuple[int, ...]
    widths: tuple[int, ...]
    output: int
    every: int
    rings: tuple[int, ...]
    # Of the hidden states, the stored states and the kept values, in a leased block: where each begins.
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
    cell = library.plan.cell
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

    `whole[k]` asks for all steps of state k. `storage` says what is stored, None if no backward pass follows.
    """
    x, parameters = given.x, given.parameters
    steps, batch = x.shape[:2]
    layout = _layout(library, steps, batch, library.sizes(x, parameters), whole, storage)
    weights = library.weights(layout.sizes, parameters, transposed=False, training=storage is not None)
    lease = Lease(layout.numbers, x.dtype)
    base, size, count = lease.tensor.data_ptr(), x.element_size(), len(whole)
    at = [base + place * size for place in layout.places]
    states = [x.new_empty(steps, batch, w) if a else None for w, a in zip(layout.widths, whole, strict=True)]
    final = tuple([x.new_empty(batch, width) for width in layout.widths])
    output = x.new_empty(steps, batch, layout.output) if layout.output else None
    places = [p if s is None else s.data_ptr() for s, p in zip(states, at, strict=False)]
    arguments = _arguments(
        library,
        layout,
        given,
        places,
        0 if output is None else output.data_ptr(),
        at[-1] if layout.kept else 0,
        [f.data_ptr() for f in final],
        weights.data_ptr(),
        at[count:-1],
    )
    library.call("forward", arguments)
    saved = Saved(arguments, lease, weights) if storage else None
    return Result(tuple(states), output, final, saved)


def _arguments(
    library: Library,
    layout: _Layout,
    given: Tensors,
    states: list[int],
    output: int,
    kept: int,
    final: list[int],
    weights: int,
    stored: list[int],
) -> tuple[int, ...]:
    """What `forward` is called with; `states` and all that follows are addresses."""
    x = given.x
    return (
        *(*x.shape[:2], torch.get_num_threads(), int(given.reverse)),
        0 if given.lengths is None else given.lengths.data_ptr(),
        *layout.sizes,
        *(x.data_ptr(), *x.stride()[:2]),
        *addresses(given.initial),
        *(states or [0]),
        *(layout.rings or [0]),
        output,
        kept,
        *(final or [0]),
        weights,
        *library.vectors(given.parameters),
        layout.every,
        *(stored or [0]),
    )


def run_kept(library: Library, given: Tensors) -> tuple[Result, Tensor]:
    """The same with all steps of all states, and the kept values (T, B, sum of their widths)."""
    result = run_forward(library, given, (True,) * len(given.initial), "keep")
    assert result.saved is not None
    steps, batch = given.x.shape[:2]
    width = library.measure(library.sizes(given.x, given.parameters))[2]
    return result, result.saved.lease.keep()[: steps * batch * width].view(steps, batch, width)


def arguments_again(
    library: Library, given: Tensors, states: Sequence[Tensor], kept: Tensor
) -> tuple[int, ...]:
    """What the forward pass of `run_kept` was called with, but for what the backward pass does not read."""
    sizes, none = library.sizes(given.x, given.parameters), [0] * len(states)
    layout = _layout(library, *given.x.shape[:2], sizes, (True,) * len(states), "keep")
    places = [s.data_ptr() for s in states]
    return _arguments(library, layout, given, places, 0, kept.data_ptr(), none, 0, none)


def run_backward(
    library: Library,
    given: Tensors,
    arguments: Sequence[int],
    losses: Sequence[Tensor | None],
    last: Sequence[Tensor | None],
    asked: Sequence[bool],
) -> Gradients:
    """Back-propagation through time, after a forward pass with these arguments.

    `losses` are the gradients of the sequences (T, B, width) of the states, and of the output if it is no
    state; `last` those of the final states (B, width). `asked` says of x and of each parameter whether
    its gradient is wanted.
    """
    sizes = library.sizes(given.x, given.parameters)
    losses = [_dense(loss) for loss in losses]
    last = [None if g is None else g.contiguous() for g in last]
    x = torch.empty_like(given.x, memory_format=torch.contiguous_format) if asked[0] else None
    initial = tuple(torch.empty_like(i) for i in given.initial)
    found = [
        library.gradient(k, p) if a else None
        for k, (p, a) in enumerate(zip(given.parameters, asked[1:], strict=True))
    ]
    weights = library.weights(sizes, given.parameters, transposed=True, training=True)
    strides = [[0 if g is None else g.stride(d) for g in losses] or [0] for d in (0, 1)]
    library.call(
        "backward",
        (
            *arguments,
            weights.data_ptr(),
            *addresses(losses),
            *strides[0],
            *strides[1],
            *addresses(last),
            *addresses(initial),
            *addresses([x]),
            *library.matrices(found),
            *library.vectors(found),
        ),
    )
    return Gradients(x, initial, tuple(found))


def _dense(gradient: Tensor | None) -> Tensor | None:
    """A gradient whose rows lie in one piece each."""
    if gradient is None or gradient.stride(-1) == 1:
        return gradient
    return gradient.contiguous()
