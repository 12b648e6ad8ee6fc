"""The likelihood of pieces: ln P of every step, given the steps before it."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from bptt.jobs.language.network import START
from bptt.jobs.music.piece_batches import batch_of
from bptt.jobs.music.piece_notation import MusicNetwork
from bptt.jobs.sharing import ALONE, WorkSharing
from bptt.runs.evaluating import evaluating

# The steps that are read at a time, which bounds the memory for pieces of any length.
_WINDOW = 256


def log_probabilities(
    model: MusicNetwork, pieces: Sequence[Tensor], batch_size: int, sharing: WorkSharing = ALONE
) -> list[Tensor]:
    """Return ln P of each step of pieces, each (T,) or (T, K), as (T,), float64.

    Results do not depend on `batch_size`, beyond rounding.
    """
    found: list[Tensor] = [torch.empty(0)] * len(pieces)
    order = sorted(range(len(pieces)), key=lambda row: len(pieces[row]))
    batches = [order[first : first + batch_size] for first in range(0, len(order), batch_size)]

    def score(number: int) -> Tensor:
        taken = [pieces[row] for row in batches[number]]
        parts, states = [], START
        longest = max(map(len, taken))
        with evaluating(model):
            for start in range(0, longest, _WINDOW):
                batch = batch_of(taken, start, min(start + _WINDOW, longest)).to(model.device)
                output, states = model.read(batch.inputs, states)
                parts.append(model.score(output, batch.targets).cpu().double())
        return torch.cat(parts) if parts else torch.empty(0, len(taken))

    for rows, whole in zip(batches, sharing.divided(len(batches), score), strict=True):
        for place, row in enumerate(rows):
            found[row] = whole[: len(pieces[row]), place].clone()
    return found
