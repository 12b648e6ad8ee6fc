"""Connectionist temporal classification in torch operations: the sum over alignments, frame by frame."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn import functional

from bptt.runtime.ctc_labels import Labels, read_labels, reduced

# ln of what counts as zero: the gradient of a logarithm of a sum of -inf would be NaN.
_ZERO = -1e30


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
    total = log_sum(logits, labels, blank)
    losses = torch.where(total > _ZERO / 2, -total, torch.where(total.isnan(), total, torch.inf))
    return reduced(losses, labels.lengths, reduction, zero_infinity)


def log_sum(logits: Tensor, labels: Labels, blank: int) -> Tensor:
    """Return ln P of each label, (B,), below -5e29 if it is impossible."""
    symbols = extended(labels, blank)  # (B, S)
    # The padding is not read: NaN there would be spread by a product with 0.
    padded = torch.arange(len(logits), device=logits.device)[:, None] >= labels.frames
    values = logits.masked_fill(padded[:, :, None], 0.0).log_softmax(-1)
    emissions = values.gather(2, symbols.expand(len(logits), -1, -1)).clamp(min=_ZERO)  # (T, B, S)
    # A symbol may follow the one before it without a blank, if they differ.
    skips = functional.pad((symbols[:, 2:] != blank) & (symbols[:, 2:] != symbols[:, :-2]), (2, 0))
    # Before the first frame: as if the first blank had been there.
    alpha = torch.full_like(skips, _ZERO, dtype=logits.dtype)
    alpha[:, 0] = 0
    for emission, here in zip(emissions, ~padded, strict=True):
        by_one, by_two = (functional.pad(alpha, (n, 0), value=_ZERO)[:, :-n] for n in (1, 2))
        ways = torch.stack([alpha, by_one, by_two.masked_fill(~skips, _ZERO)])
        alpha = torch.where(here[:, None], (ways.logsumexp(0) + emission).clamp(min=_ZERO), alpha)
    last = torch.stack([2 * labels.lengths, (2 * labels.lengths - 1).clamp(min=0)], 1)  # (B, 2)
    ends = alpha.gather(1, last)
    ends = torch.stack([ends[:, 0], ends[:, 1].masked_fill(labels.lengths == 0, _ZERO)])
    return ends.logsumexp(0)


def extended(labels: Labels, blank: int) -> Tensor:
    """Return the symbols of the states, (B, 2 L + 1): the label with blanks around and between."""
    batch, longest = labels.symbols.shape
    symbols = labels.symbols.new_full((batch, 2 * longest + 1), blank)
    symbols[:, 1::2] = labels.symbols.masked_fill(~labels.valid(), blank)
    return symbols
