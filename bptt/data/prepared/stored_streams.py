"""The batches of `Continuous`, of tokens that stay in their files."""

from __future__ import annotations

from math import ceil

import torch

from bptt.data.batches import NOTHING, Batch, Batches
from bptt.data.prepared.token_store import TokenStore


class StoredStreams(Batches):
    """B streams that are read side by side, T tokens of each at a time: batch for batch those of
    `Continuous`. A batch takes B slices of the files; nothing is transposed or kept.
    """

    def __init__(self, tokens: TokenStore, streams: int, sequence_length: int) -> None:
        self._tokens, self._streams, self._length = tokens, streams, sequence_length
        self._each = ceil(len(tokens) / streams)

    @property
    def steps(self) -> int:
        """The number of batches in every epoch."""
        return ceil(self._each / self._length)

    def batch(self, epoch: int, index: int) -> Batch:
        """Return batch `index`, the same in every epoch."""
        start = index * self._length
        steps = min(self._length, self._each - start)
        # With the token before; there is none at the start of a stream.
        rows = torch.full((self._streams, steps + 1), NOTHING)
        for stream, row in enumerate(rows):
            begin = stream * self._each + start
            first, last = begin - bool(start), min(begin + steps, len(self._tokens))
            if last > first:
                place = first - begin + 1
                row[place : place + last - first] = torch.from_numpy(self._tokens.read(first, last))
        columns = rows.t().contiguous()  # (T + 1, B)
        return Batch(columns[:-1], columns[1:], continues=start > 0)
