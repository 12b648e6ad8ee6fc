"""Everything that a recurrence computes for some tensors, by a backend of one's choice."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import torch
from drawn import Drawn
from torch import Tensor

from bptt.runtime.backend import backend
from bptt.runtime.kernels import argument_places
from bptt.runtime.operators import run


@dataclass(frozen=True)
class How:
    """The ways in which a recurrence can be run."""

    lengths: Tensor | None = None
    reverse: bool = False
    storage: str = "keep"


@dataclass(frozen=True)
class Outcome:
    """Output, final states, sequences of states; then the gradient of every argument."""

    values: tuple[Tensor, ...]
    gradients: tuple[Tensor, ...]

    @property
    def all(self) -> tuple[Tensor, ...]:
        return self.values + self.gradients


def outcome(drawn: Drawn, how: How, by: str = "cpu") -> Outcome:
    """By the backend `by`, for the same loss each time, which weighs every number differently."""
    leaves = drawn.leaves().tensors
    with backend(by):
        values = forward(replace(drawn, tensors=leaves), how)
        gradients = torch.autograd.grad(values, leaves, [weights(v) for v in values])
    return Outcome(tuple(v.detach() for v in values), gradients)


def forward(drawn: Drawn, how: How) -> tuple[Tensor, ...]:
    """Output, final states, sequences of states."""
    (x, *rest), count = drawn.tensors, len(drawn.cell.states)
    found = run(
        drawn.cell,
        x,
        rest[:count],
        rest[count:],
        lengths=how.lengths,
        reverse=how.reverse,
        all_states=True,
        storage=how.storage,
    )
    return (found.output, *found.final, *found.states)


def weights(values: Tensor) -> Tensor:
    """Numbers within ±1 that float32 holds exactly."""
    pattern = torch.arange(values.numel()) * 37 % 129 - 64
    return (pattern / 64).to(values.dtype).reshape(values.shape)


def double(drawn: Drawn) -> Drawn:
    """The same numbers in float64."""
    return replace(drawn, tensors=tuple(t.double() for t in drawn.tensors))


def same(found: Sequence[Tensor], expected: Sequence[Tensor]) -> bool:
    """To the last bit, the sign of a zero and all of a NaN included."""
    number = {torch.float32: torch.int32, torch.float64: torch.int64}
    return all(
        torch.equal(f.view(number[f.dtype]), e.view(number[e.dtype]))
        for f, e in zip(found, expected, strict=True)
    )


@contextmanager
def threads(count: int) -> Iterator[None]:
    """So many threads for torch and for kernels, of which small passes have one otherwise."""
    before, worth = torch.get_num_threads(), argument_places.WORTH_THREADS
    torch.set_num_threads(count)
    argument_places.WORTH_THREADS = 0
    try:
        yield
    finally:
        torch.set_num_threads(before)
        argument_places.WORTH_THREADS = worth
