"""The encoded inputs of examples: all in memory, or encoded when a batch needs them, ahead of time."""

from __future__ import annotations

from abc import ABC, abstractmethod
from array import array
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future
from itertools import islice
from random import Random
from typing import TYPE_CHECKING, Any, TypeVar

import torch
from torch import Tensor

from bptt.data.examples import in_file
from bptt.deferred import deferred
from bptt.models.codecs.codec import Codec, Padded, pad

if TYPE_CHECKING:
    from bptt.data.examples import Example
    from bptt.data.workers import Workers

# Of inputs that do not fit into memory.
_workers: Callable[..., Workers[Any, Any]] = deferred("bptt.data.workers", "Workers")

A = TypeVar("A")

# The tensors of one input, (T, ...) each.
Encoded = tuple[Tensor, ...]

# The number of an input, and the epoch in which it is read.
Read = tuple[int, int]

# The cure for too little memory.
SMALLER = "Make it smaller: fewer units, a smaller batch, or `max_length`"

# Batches for each worker, the one that it works on included.
_BATCHES_EACH = 2
# Inputs that a worker measures at a time.
_MEASURED_AT_ONCE = 16


class EncodedInputs(ABC):
    """Encoded inputs by number; `lengths` (N,) int64 counts the steps of each."""

    lengths: Tensor

    @abstractmethod
    def take(self, rows: Sequence[int], epoch: int = 0) -> list[Encoded]:
        """Return the inputs of these numbers, as they are read in an epoch.

        Raises InputError naming one that cannot be read.
        """

    def expect(self, batches: Iterable[tuple[int, Sequence[int]]]) -> None:  # noqa: B027
        """Prepare for `take` with each of these epochs and rows in turn. The result does not depend on it."""


class InMemory(EncodedInputs):
    """Inputs that are encoded already."""

    def __init__(self, encoded: Sequence[Encoded], lengths: Tensor | None = None) -> None:
        self._encoded = encoded
        self.lengths = torch.tensor([len(each[0]) for each in encoded]) if lengths is None else lengths

    def take(self, rows: Sequence[int], epoch: int = 0) -> list[Encoded]:
        """Return the inputs of these numbers, the same in every epoch."""
        return [self._encoded[row] for row in rows]


class ReadAhead(EncodedInputs):
    """Inputs that `encode` makes when they are needed; with `workers` as many threads do so ahead of time.

    No more than two batches for each worker are in memory. `encode` must be a pure function of the number
    of an input and the epoch that several threads may call at once: then the results are the same for any
    number of workers, and after a run is resumed.
    """

    def __init__(self, encode: Callable[[int, int], Encoded], lengths: Tensor, workers: int = 0) -> None:
        self._encode, self.lengths = encode, lengths
        self._workers = _workers(lambda read: encode(*read), workers) if workers else None
        self._budget = _BATCHES_EACH * workers
        self._ahead: deque[tuple[list[Read], Future[list[Encoded]]]] = deque()

    def take(self, rows: Sequence[int], epoch: int = 0) -> list[Encoded]:
        """Return the inputs of these numbers, as they are read in an epoch. Raises as `encode` does."""
        reads = _reads(epoch, rows)
        if self._ahead and self._ahead[0][0] == reads:
            return self._ahead.popleft()[1].result()
        return [self._encode(*read) for read in reads]

    def expect(self, batches: Iterable[tuple[int, Sequence[int]]]) -> None:
        """Let the workers begin with the first of these batches, as many as the budget allows."""
        if self._workers is None:
            return
        coming = [_reads(*batch) for batch in islice(batches, self._budget)]
        if [reads for reads, _ in self._ahead] != coming[: len(self._ahead)]:
            for _, future in self._ahead:
                future.cancel()
            self._ahead.clear()
        for reads in coming[len(self._ahead) :]:
            self._ahead.append((reads, self._workers.start(reads)))


def encode_inputs(
    codec: Codec[Any],
    examples: Sequence[Example[Any, Any]],
    limit: int,
    fits_memory: bool,
    workers: int = 0,
    seed: int | None = None,
) -> EncodedInputs:
    """Return the inputs of examples, at most `limit` steps of each (0: all).

    Inputs that do not fit into memory, or stay in a file, are encoded when they are needed; their lengths are
    what the codec knows, and else are measured, which encodes each input once. With a `seed` those of a kind
    that does not fit are augmented: what is drawn depends on the seed, the epoch and the number of the
    example alone.
    """

    def encode(row: int) -> Encoded:
        return cut(codec.encode_example(examples[row]), limit)

    def augment(row: int, epoch: int) -> Encoded:
        draw = None if seed is None else source_of(seed, epoch, row)
        return cut(codec.encode_example(examples[row], draw), limit)

    if fits_memory and not in_file(examples):
        return InMemory([cut(codec.encode_example(example), limit) for example in examples])
    known = _known_lengths(codec, examples, limit)
    if known is None:
        known = measure(lambda example: cut(codec.encode_example(example), limit), examples, workers)
    return ReadAhead(_without_epoch(encode) if fits_memory else augment, known, workers)


def source_of(seed: int, epoch: int, row: int) -> Random:
    """Return the source of the random changes of an example in an epoch, the same at every call."""
    return Random(f"{seed} {epoch} {row}")


def as_inputs(encoded: Sequence[Encoded], lengths: Tensor, workers: int = 0) -> EncodedInputs:
    """Return encoded inputs of known `lengths` (N,): those of rows that stay in their file are made when they
    are needed, as of every sequence but a list or a tuple.
    """
    if in_file(encoded):
        return ReadAhead(lambda row, _: encoded[row], lengths, workers)
    return InMemory(encoded, lengths)


def answer_inputs(
    codec: Codec[Any], examples: Sequence[Example[Any, Any]], limit: int, fits_memory: bool, workers: int = 0
) -> EncodedInputs:
    """Return the inputs of examples that are read once.

    Lengths that only encoding would show are 0, so that inputs ordered by length stay as they are given.
    """
    if fits_memory:
        return encode_inputs(codec, examples, limit, fits_memory, workers)
    lengths = torch.tensor([codec.length(example.input) or 0 for example in examples])
    return ReadAhead(lambda row, epoch: cut(codec.encode_example(examples[row]), limit), lengths, workers)


def measure(encode: Callable[[A], Encoded], items: Sequence[A], workers: int = 0) -> Tensor:
    """Return the number of steps of inputs, (N,) int64, which `encode` makes of items and which are dropped.

    Raises what `encode` raises for the first input that cannot be read.
    """
    # An array, as a list of millions takes four times the memory.
    return torch.tensor(array("q", _steps_of(lambda item: len(encode(item)[0]), items, workers)))


def _steps_of(count: Callable[[A], int], items: Sequence[A], workers: int) -> Iterator[int]:
    if not workers:
        yield from map(count, items)
        return
    threads, ahead = _workers(count, workers), deque[Future[list[int]]]()
    try:
        for start in range(0, len(items), _MEASURED_AT_ONCE):
            ahead.append(threads.start(items[start : start + _MEASURED_AT_ONCE]))
            if len(ahead) > _BATCHES_EACH * workers:
                yield from ahead.popleft().result()
        for each in ahead:
            yield from each.result()
    finally:
        threads.close()


def _known_lengths(codec: Codec[Any], examples: Iterable[Example[Any, Any]], limit: int) -> Tensor | None:
    """Return the numbers of steps as the codec knows them; None if it does not know one."""
    known: list[int] = []
    for example in examples:
        length = codec.length(example.input)
        if length is None:
            return None
        known.append(min(length, limit or length))
    return torch.tensor(known)


def _without_epoch(encode: Callable[[int], Encoded]) -> Callable[[int, int], Encoded]:
    return lambda row, _: encode(row)


def _reads(epoch: int, rows: Sequence[int]) -> list[Read]:
    return [(row, epoch) for row in rows]


def cut(encoded: Encoded, limit: int) -> Encoded:
    """Return the tensors of an input without the steps beyond `limit` (0: with all)."""
    return tuple(each[:limit] for each in encoded) if limit else encoded


def in_batches(
    encoded: Sequence[Encoded] | EncodedInputs, size: int, first: int = 0, each: int = 1
) -> Iterator[tuple[list[int], Padded]]:
    """Yield all inputs, the shortest first, `size` at a time: their numbers, and their tensors.

    Yields every `each`-th batch from number `first` on.
    """
    inputs = encoded if isinstance(encoded, EncodedInputs) else InMemory(encoded)
    lengths = inputs.lengths.tolist()
    order = sorted(range(len(lengths)), key=lengths.__getitem__)
    batches = [order[start : start + size] for start in range(0, len(order), size)][first::each]
    for number, rows in enumerate(batches):
        inputs.expect((0, coming) for coming in batches[number:])
        yield rows, pad(inputs.take(rows))
