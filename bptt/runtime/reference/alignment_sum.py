"""Connectionist temporal classification in torch operations: the sum over alignments, frame by frame."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from bptt.runtime.ctc_labels import Labels, read_labels, reduced

# ln of what counts as zero: the gradient of a logarithm of a sum of -inf would be NaN.
_ZERO = -1e30
# ln P of a label below this has no alignment.
IMPOSSIBLE = _ZERO / 2


def ctc_loss(
    logits: Tensor,
    targets: Tensor,
    input_lengths: Tensor,
    target_lengths: Tensor,
    blank: int,
    reduction: str,
    zero_infinity: bool,
) -> Tensor:
    """Compute the loss as `bptt.runtime.ctc_loss.ctc_loss` describes."""
    labels = read_labels("ctc_loss", logits.shape, targets, input_lengths, target_lengths, blank)
    labels = Labels(*(n.to(logits.device) for n in (labels.symbols, labels.lengths, labels.frames)))
    total = log_sum(emissions_of(logits, labels, blank), labels, blank)
    losses = torch.where(total > IMPOSSIBLE, -total, torch.where(total.isnan(), total, torch.inf))
    return reduced(losses, labels.lengths, reduction, zero_infinity)


def emissions_of(logits: Tensor, labels: Labels, blank: int) -> Tensor:
    """Return ln y of the symbol of each state at each frame, (T, B, 2 L + 1)."""
    # The padding is not read: NaN there would be spread by a product with 0.
    values = logits.masked_fill(~_inside(len(logits), labels)[:, :, None], 0.0).log_softmax(-1)
    return values.gather(2, labels.extended(blank).expand(len(logits), -1, -1)).clamp(min=_ZERO)


def log_sum(emissions: Tensor, labels: Labels, blank: int) -> Tensor:
    """Return ln P of each label, (B,), below `IMPOSSIBLE` if it has no alignment."""
    alpha = started(emissions)
    skips = skips_of(labels, blank)
    for emission, here in zip(emissions, _inside(len(emissions), labels), strict=True):
        summed = (ways_into(alpha, skips).logsumexp(0) + emission).clamp(min=_ZERO)
        alpha = torch.where(here[:, None], summed, alpha)
    return ends_of(alpha, labels).logsumexp(0)


def started(emissions: Tensor) -> Tensor:
    """Return the logarithms of the states before the first frame, (B, S): as if a blank had been there."""
    alpha = torch.full_like(
        emissions[0] if len(emissions) else emissions.new_empty(emissions.shape[1:]), _ZERO
    )
    alpha[:, 0] = 0
    return alpha


def skips_of(labels: Labels, blank: int) -> Tensor:
    """Return whether a state may follow the one two before it, (B, S): symbols that differ, past a blank."""
    symbols = labels.extended(blank)
    before = functional.pad(symbols, (2, 0), value=blank)[:, : symbols.shape[1]]
    return (symbols != blank) & (symbols != before) & (before != blank)


def ways_into(alpha: Tensor, skips: Tensor) -> Tensor:
    """Return the logarithms of the states from which each is reached, by 0, 1 and 2 places, (3, B, S)."""
    by_one, by_two = (functional.pad(alpha, (n, 0), value=_ZERO)[:, :-n] for n in (1, 2))
    return torch.stack([alpha, by_one, by_two.masked_fill(~skips, _ZERO)])


def ends_of(alpha: Tensor, labels: Labels) -> Tensor:
    """Return the logarithms of the two states in which a label may end, blank and symbol, (2, B)."""
    last = torch.stack([2 * labels.lengths, (2 * labels.lengths - 1).clamp(min=0)], 1)  # (B, 2)
    blank, symbol = alpha.gather(1, last).unbind(1)
    return torch.stack([blank, symbol.masked_fill(labels.lengths == 0, _ZERO)])


def _inside(steps: int, labels: Labels) -> Tensor:
    """Return whether a frame belongs to a row, (T, B)."""
    return torch.arange(steps, device=labels.frames.device)[:, None] < labels.frames
