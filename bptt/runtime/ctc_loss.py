"""The loss of connectionist temporal classification, computed by the backend in force."""

from __future__ import annotations

import torch
from torch import Tensor

from bptt.errors import InputError
from bptt.runtime.ctc_labels import LabelCounts, batched
from bptt.runtime.linear_loss import REDUCTIONS
from bptt.runtime.loss_dispatch import backend_for_loss

_WHERE = "ctc_loss"


def ctc_loss(
    logits: Tensor,
    targets: Tensor,
    input_lengths: LabelCounts,
    target_lengths: LabelCounts,
    blank: int = 0,
    reduction: str = "mean",
    zero_infinity: bool = False,
) -> Tensor:
    """Compute -ln P of labels, summed over all their alignments with the frames (Graves et al. 2006, eq. 14).

    The arguments are those of `torch.nn.functional.ctc_loss`. The softmax is part of the loss: `logits` may
    be those of a network, or logarithms of probabilities, whose softmax is what they are.

    A label for which no alignment exists, because it has too few frames (`ctc_steps_needed`) or a symbol of
    probability 0, has the loss inf and the gradient 0, where torch's gradient is NaN. Logits that are NaN
    or inf make the loss and the gradient of their own row NaN.

    On the CPU, in float32 and float64, a kernel computes loss and gradient in one call; otherwise, and under
    `torch.func` and in forward mode, torch operations do. Dtypes of 16 bits are computed in float32, and so
    is the loss. Differentiable any number of times.

    Args:
        logits: (T, B, V), or (T, V) without a batch.
        targets: (B, L) integers, padded with any number, or (N,) concatenated; symbols from 0 to V - 1
            without the blank.
        input_lengths: (B,) integers, the frames of each row, at most T; those behind are not read.
        target_lengths: (B,) integers, the symbols of each label; 0 means that all frames are blank.
        blank: the index of the blank.
        reduction: "mean", over the batch, of each loss over the length of its label (at least 1); "sum",
            or "none".
        zero_infinity: count impossible labels as loss 0.

    Returns:
        A number, in nats; if the reduction is "none", (B,) numbers.

    Raises:
        InputError: shapes or dtypes do not fit, the reduction is unknown, a length is beyond the tensor, or
            a label contains the blank or what is no symbol.

    """
    if reduction not in REDUCTIONS:
        raise InputError(f"{_WHERE}, reduction", f"expected one of {', '.join(REDUCTIONS)}", repr(reduction))
    alone = logits.dim() == 2
    logits, symbols, frames, lengths = batched(_WHERE, logits, targets, input_lengths, target_lengths, blank)
    if logits.itemsize < torch.float32.itemsize:
        logits = logits.float()
    chosen = backend_for_loss("ctc-loss", [logits], symbols, frames, lengths)
    found = chosen.ctc_loss(logits, symbols, frames, lengths, blank, reduction, zero_infinity)
    return found[0] if reduction == "none" and alone else found
