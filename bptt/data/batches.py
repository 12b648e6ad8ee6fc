"""The order in which a text is read: as parallel streams without end, or sentence by sentence.

Each batch is found by its epoch and index alone, so that a run can go on from any of them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from math import ceil

import numpy as np
import torch
from torch import Tensor

from bptt.data.vocabulary_options import END
from bptt.data.vocabulary_options import NOTHING as NOTHING


@dataclass(frozen=True)
class Batch:
    """`inputs` and `targets` are (T, B) int64, NOTHING where there is none. `continues` says that the
    states after the batch before belong to this one.
    """

    inputs: Tensor
    targets: Tensor
    continues: bool

    @property
    def units(self) -> int:
        """The number of tokens to predict."""
        return int((self.targets != NOTHING).sum())

    def part(self, rows: slice) -> Batch:
        """Return some of the rows, without the steps at the end that have no target in any of them."""
        inputs, targets = self.inputs[:, rows], self.targets[:, rows]
        ends = torch.nonzero((targets != NOTHING).any(1))
        steps = int(ends[-1]) + 1 if len(ends) else 1
        return Batch(inputs[:steps].contiguous(), targets[:steps].contiguous(), self.continues)

    def to(self, device: torch.device) -> Batch:
        """Return the same batch on another device."""
        return Batch(self.inputs.to(device), self.targets.to(device), self.continues)


class Batches(ABC):
    """Batches by epoch and index."""

    @property
    @abstractmethod
    def steps(self) -> int:
        """The number of batches in every epoch."""

    @abstractmethod
    def batch(self, epoch: int, index: int) -> Batch:
        """Return batch `index` of `epoch`, always the same."""


class Continuous(Batches):
    """A text cut into B streams that are read side by side, T tokens at a time, from first to last token: for
    truncated back-propagation through time with the states carried over.

    Every token is a target once in an epoch, and the input of the next one; the first input of each
    stream is NOTHING. The last stream may be shorter.
    """

    def __init__(self, tokens: Tensor, streams: int, sequence_length: int) -> None:
        padding = -len(tokens) % streams
        padded = torch.cat([tokens, tokens.new_full((padding,), NOTHING)])
        self._targets = padded.view(streams, -1).t().contiguous()  # (N / B, B)
        self._length = sequence_length

    @property
    def steps(self) -> int:
        """The number of batches in every epoch."""
        return ceil(len(self._targets) / self._length)

    def batch(self, epoch: int, index: int) -> Batch:
        """Return batch `index`, the same in every epoch."""
        start = index * self._length
        targets = self._targets[start : start + self._length].long()  # (T, B)
        nothing = torch.full_like(targets[:1], NOTHING)
        before = self._targets[start - 1 : start].long() if start else nothing
        return Batch(torch.cat([before, targets[:-1]]), targets, continues=start > 0)


class Lines:
    """The lines of an encoded text, each with its `<eos>`; `lengths` (N,) counts their tokens.

    `tokens` ends in `<eos>`. The first input is `before`: NOTHING where a line is read as a sentence, END
    where it follows another line. `<eos>` is the last to be predicted.
    """

    def __init__(self, tokens: Tensor, before: int = NOTHING) -> None:
        ends = torch.nonzero(tokens == END).flatten()
        self._tokens, self._before = tokens, before
        self._starts = torch.cat([ends.new_zeros(1), ends[:-1] + 1])
        self.lengths = ends + 1 - self._starts

    def batch(self, rows: Tensor) -> Batch:
        """Return the lines of the numbers `rows` (B,), padded behind to the longest."""
        lengths = self.lengths[rows]  # (B,)
        steps = torch.arange(int(lengths.max()))[:, None]  # (T, 1)
        padding = steps >= lengths  # (T, B)
        # Behind the end of a line there is another one; behind the last, nothing.
        positions = (self._starts[rows] + steps).clamp(max=len(self._tokens) - 1)
        targets = self._tokens[positions].long().masked_fill(padding, NOTHING)
        inputs = torch.cat([torch.full_like(targets[:1], self._before), targets[:-1]])
        return Batch(inputs.masked_fill(padding, NOTHING), targets, continues=False)


class ByLength:
    """An order for sequences of `lengths` (N,), `size` of similar length in a batch, to save padding.

    The choice of these, and the order of the batches, is drawn anew for each epoch from `seed` and the epoch.
    """

    def __init__(self, lengths: Tensor, size: int, seed: int) -> None:
        self._lengths, self._size, self._seed = lengths, size, seed
        # Two epochs, as the batches of the next one are asked for ahead of time.
        self._order = lru_cache(maxsize=2)(self._draw_order)

    @property
    def steps(self) -> int:
        """The number of batches in every epoch."""
        return ceil(len(self._lengths) / self._size)

    def rows(self, epoch: int, index: int) -> Tensor:
        """Return the numbers (B,) of the sequences of batch `index` of `epoch`, always the same."""
        rows, batches = self._order(epoch)
        start = int(batches[index]) * self._size
        return rows[start : start + self._size]

    def following(self, epoch: int, index: int) -> Iterator[tuple[int, list[int]]]:
        """Yield this batch and all batches after it, without end: the epoch, and the sequences' numbers."""
        while True:
            yield from ((epoch, self.rows(epoch, each).tolist()) for each in range(index, self.steps))
            epoch, index = epoch + 1, 0

    def _draw_order(self, epoch: int) -> tuple[Tensor, Tensor]:
        """Return the sequences of an epoch by rising length, and the numbers of the batches cut from them, in
        the order of the epoch.
        """
        draw = np.random.default_rng((self._seed, epoch))
        mixed = torch.from_numpy(draw.permutation(len(self._lengths)))
        rows = mixed[torch.argsort(self._lengths[mixed], stable=True)]
        return rows, torch.from_numpy(draw.permutation(self.steps))


class Sentences(Batches):
    """Lines one by one, B of similar length in a batch, in the order of `ByLength`."""

    def __init__(self, tokens: Tensor, size: int, seed: int) -> None:
        self._lines = Lines(tokens)
        self._order = ByLength(self._lines.lengths, size, seed)

    @property
    def steps(self) -> int:
        """The number of batches in every epoch."""
        return self._order.steps

    def batch(self, epoch: int, index: int) -> Batch:
        """Return batch `index` of `epoch`."""
        return self._lines.batch(self._order.rows(epoch, index))
