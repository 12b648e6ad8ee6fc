"""Batches of pieces: several of similar length side by side, a window at a time, states carried over."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import torch
from torch import Tensor

from bptt.data.batches import NOTHING, Batch, ByLength


class Window(NamedTuple):
    """The numbers of the pieces (B,) of a batch, and the steps from `start` to `stop` that are read."""

    rows: Tensor
    start: int
    stop: int


class PieceBatches:
    """Windows by epoch and index, so that a run can go on from any of them.

    `lengths` (N,) are the numbers of steps of the pieces. Batches are those of `ByLength`; the windows of a
    batch follow each other, `window` steps each.
    """

    def __init__(self, lengths: Tensor, size: int, window: int, seed: int) -> None:
        self._lengths, self._window = lengths, window
        self._order = ByLength(lengths, size, seed)
        self._plan = lru_cache(maxsize=2)(self._make_plan)

    def steps(self, epoch: int) -> int:
        """Return the number of windows in an epoch."""
        return len(self._plan(epoch))

    def window(self, epoch: int, index: int) -> Window:
        """Return window `index` of `epoch`, always the same."""
        return self._plan(epoch)[index]

    def _make_plan(self, epoch: int) -> list[Window]:
        found = []
        for index in range(self._order.steps):
            rows = self._order.rows(epoch, index)
            longest = int(self._lengths[rows].max())
            starts = range(0, longest, self._window)
            found += [Window(rows, start, min(start + self._window, longest)) for start in starts]
        return found


def batch_of(pieces: list[Tensor], start: int, stop: int) -> Batch:
    """Return steps `start` to `stop` of pieces, each (T,) or (T, K), as a batch.

    A target is a step, its input the step before; before the first step, and after the last one of a piece,
    there is NOTHING.
    """
    shape = (stop - start + 1, len(pieces), *pieces[0].shape[1:])
    steps = torch.full(shape, NOTHING, dtype=torch.int64)
    for row, piece in enumerate(pieces):
        # One step more: the input of the first target.
        part = piece[max(start - 1, 0) : stop]
        first = 0 if start else 1
        steps[first : first + len(part), row] = part
    inputs, targets = steps[:-1], steps[1:]
    beyond = (targets if targets.ndim == 2 else targets[..., 0]) == NOTHING
    return Batch(
        inputs.masked_fill(beyond[(...,) + (None,) * (inputs.ndim - 2)], NOTHING), targets, start > 0
    )
