"""Where the symbols of a label lie: the best alignment of connectionist temporal classification, and all."""

from __future__ import annotations

from itertools import groupby
from typing import NamedTuple

import torch
from torch import Tensor

from bptt.errors import InputError
from bptt.runtime.ctc_labels import LabelCounts, Labels, batched, read_labels
from bptt.runtime.doubles import doubles
from bptt.runtime.reference.alignment_sum import (
    IMPOSSIBLE,
    emissions_of,
    ends_of,
    log_sum,
    skips_of,
    started,
    ways_into,
)


class AlignedSymbol(NamedTuple):
    """A symbol with its first and last frame, and its mean probability there."""

    symbol: int
    first: int
    last: int
    probability: float


class CTCAlignment(NamedTuple):
    """The most probable alignment of a label.

    `symbols` has an entry for each symbol of the label. `states` has an entry for each frame, 2k for the
    blank before symbol k, 2k + 1 for symbol k. `log_probability` is that of this alignment alone.
    """

    symbols: list[AlignedSymbol]
    states: list[int]
    log_probability: float


@torch.no_grad()
def ctc_align(
    logits: Tensor,
    targets: Tensor,
    input_lengths: LabelCounts,
    target_lengths: LabelCounts,
    *,
    blank: int = 0,
) -> list[CTCAlignment]:
    """Return the most probable alignment of each label with its frames (Viterbi 1967).

    The arguments are those of `bptt.nn.ctc_loss`; without a batch the list has one entry. Raises InputError
    as `ctc_loss` does, and for a label that has no alignment.
    """
    where = "ctc_align"
    emissions, labels = _read(where, logits, targets, input_lengths, target_lengths, blank)
    alpha, skips, moves, history = started(emissions), skips_of(labels, blank), [], []
    for emission in emissions:
        best, move = ways_into(alpha, skips).max(0)
        alpha = (best + emission).clamp(min=2 * IMPOSSIBLE)
        moves.append(move)
        history.append(alpha)
    found = []
    for row, (count, length) in enumerate(zip(labels.frames.tolist(), labels.lengths.tolist(), strict=True)):
        last = history[count - 1] if count else started(emissions)
        blank_end, symbol_end = ends_of(last, labels)[:, row].tolist()
        score = max(blank_end, symbol_end)
        # NaN is no alignment either.
        if not score > IMPOSSIBLE:
            needed = int(labels.needed[row])
            rule = f"needs an alignment, and at least {needed} frames"
            raise InputError(f"{where}, row {row}", rule, f"{count} frames")
        state = 2 * length - (symbol_end >= blank_end and length > 0)
        states: list[int] = []
        for move in reversed(moves[:count]):
            states.append(state)
            state -= int(move[row, state])
        states.reverse()
        spoken = emissions[:count, row].exp().tolist()
        symbols = _symbols(states, spoken, labels.symbols[row].tolist())
        found.append(CTCAlignment(symbols, states, score))
    return found


def ctc_occupancy(
    logits: Tensor,
    targets: Tensor,
    input_lengths: LabelCounts,
    target_lengths: LabelCounts,
    *,
    blank: int = 0,
) -> Tensor:
    """Return the probability of each state at each frame given the label, (T, B, 2 L + 1).

    State 2k is the blank before symbol k, 2k + 1 is symbol k. Rows of states add up to 1; behind the last
    frame, and for a label without an alignment, they are 0. The arguments and errors are those of
    `bptt.nn.ctc_loss`. Not differentiable.

    Computed in float64 as ∂ ln P / ∂ ln y of each state, which is the same.
    """
    with torch.no_grad():
        emissions, labels = _read("ctc_occupancy", logits, targets, input_lengths, target_lengths, blank)
    with torch.inference_mode(False), torch.enable_grad():
        emissions = emissions.clone().requires_grad_()
        total = log_sum(emissions, labels, blank)
        (found,) = torch.autograd.grad(total.masked_fill(total < IMPOSSIBLE, 0.0).sum(), emissions)
    return found


def _read(
    where: str,
    logits: Tensor,
    targets: Tensor,
    input_lengths: LabelCounts,
    target_lengths: LabelCounts,
    blank: int,
) -> tuple[Tensor, Labels]:
    """Return ln y of each state at each frame in float64, and the labels, on the device of the logits."""
    given = batched(where, logits, targets, input_lengths, target_lengths, blank)
    logits, symbols, frames, lengths = given
    labels = read_labels(where, logits.shape, symbols, frames, lengths, blank)
    labels = Labels(*(n.to(logits.device) for n in (labels.symbols, labels.lengths, labels.frames)))
    return emissions_of(doubles(logits), labels, blank), labels


def _symbols(states: list[int], spoken: list[list[float]], label: list[int]) -> list[AlignedSymbol]:
    found = []
    for state, group in groupby(enumerate(states), key=lambda pair: pair[1]):
        frames = [frame for frame, _ in group]
        if state % 2:
            chances = [spoken[frame][state] for frame in frames]
            symbol = label[state // 2]
            found.append(AlignedSymbol(symbol, frames[0], frames[-1], sum(chances) / len(chances)))
    return found
