"""The places of numbers and addresses in the arguments of a pass, and the forms of its results."""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from itertools import accumulate
from math import prod
from typing import NamedTuple, TypeAlias

import torch
from torch import Tensor

# The place of an address in arguments; the number of a tensor, and the bytes from its start.
AddressPlace: TypeAlias = tuple[int, int, int]
# A shape, and the steps in memory from one index to the next of each dimension.
TensorForm: TypeAlias = tuple[tuple[int, ...], tuple[int, ...]]

# Products from which a training pass gains by more threads: with 3 million, LSTM (100, 1, 64, 64), one thread
# takes 0.38 ms and two 0.45; with 6 million they take the same.
WORTH_THREADS = 1 << 22


class ArgumentPlaces(NamedTuple):
    """The places of the arguments, in the order of the kernel.

    First come those of Packing (`matrix`, `pack` for the two kinds of packed weights, `threads`), then those
    of BackwardArguments from `steps` on, the beginning of which up to `transposed` is Arguments.
    """

    matrix: int
    pack: int
    threads: int
    steps: int
    sizes: int
    x: int
    initial: int
    state: int
    ring: int
    output: int
    kept: int
    final: int
    weights: int
    vector: int
    every: int
    stored: int
    restarts: int
    restart: int
    transposed: int
    loss: int
    last: int
    first: int
    input: int
    gradient: int
    vector_gradient: int
    end: int

    @classmethod
    def of(cls, letters: int, matrices: int, states: int, vectors: int, has_output: bool) -> ArgumentPlaces:
        """Return the places for these numbers of sizes, matrices, states and vector parameters."""
        losses = max(1, states + has_output)
        matrices, states, vectors = max(1, matrices), max(1, states), max(1, vectors)
        counts = (
            *(letters, matrices, 3, 2, 5, letters, 3, states, states, states, 1, 1, states, 1, vectors, 1),
            *(states, 1, states, 1, 3 * losses, states, states, 1, matrices, vectors + 2),
        )
        return cls(*accumulate(counts))


def fill(call: array[int], at: int, numbers: Sequence[int]) -> None:
    """Write numbers into arguments, from place `at` on."""
    call[at : at + len(numbers)] = array("q", numbers)


def point(call: array[int], places: Sequence[AddressPlace], tensors: Sequence[Tensor]) -> None:
    """Write addresses in tensors into arguments."""
    starts = [t.data_ptr() for t in tensors]
    for place, number, behind in places:
        call[place] = starts[number] + behind


def form(*shape: int) -> TensorForm:
    """Return the form of a contiguous tensor."""
    return shape, tuple([prod(max(1, n) for n in shape[k + 1 :]) for k in range(len(shape))])


def threads_for(work: int | None) -> int:
    """Return the number of threads for the `work` of a training pass, in products; None: for another pass."""
    return 1 if work is not None and work < WORTH_THREADS else torch.get_num_threads()
