"""The loss of connectionist temporal classification, computed by the backend in force."""

from __future__ import annotations

import torch
from torch import Tensor

from bptt.errors import InputError
from bptt.runtime.ctc_labels import INTEGERS, LabelCounts, as_counts
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
    _check(logits, targets, blank, reduction)
    batched = logits.dim() == 3
    if not batched:
        logits, targets = logits[:, None], targets[None] if targets.dim() == 1 else targets
    batch = logits.shape[1]
    counts = [
        as_counts(f"{_WHERE}, {name}", given, batch, targets.device)
        for name, given in (("input_lengths", input_lengths), ("target_lengths", target_lengths))
    ]
    if targets.dim() == 2 and len(targets) != batch:
        raise InputError(f"{_WHERE}, targets", f"expected {batch} rows, those of the logits", len(targets))
    if logits.itemsize < torch.float32.itemsize:
        logits = logits.float()
    chosen = backend_for_loss("ctc-loss", [logits], targets, *counts)
    found = chosen.ctc_loss(logits, targets, counts[0], counts[1], blank, reduction, zero_infinity)
    return found[0] if reduction == "none" and not batched else found


def _check(logits: Tensor, targets: Tensor, blank: int, reduction: str) -> None:
    if logits.dim() not in (2, 3):
        raise InputError(_WHERE, "expected logits (T, B, V), or (T, V) without a batch", tuple(logits.shape))
    if not logits.dtype.is_floating_point:
        raise InputError(_WHERE, "expected logits in a floating-point dtype", logits.dtype)
    if targets.dim() not in (1, 2):
        rule = "expected shape (B, L), or (N,) of all symbols concatenated"
        raise InputError(f"{_WHERE}, targets", rule, tuple(targets.shape))
    if targets.dtype not in INTEGERS:
        raise InputError(f"{_WHERE}, targets", "expected integers", targets.dtype)
    if not 0 <= blank < logits.shape[-1]:
        raise InputError(f"{_WHERE}, blank", f"expected an index from 0 to {logits.shape[-1] - 1}", blank)
    if reduction not in REDUCTIONS:
        raise InputError(f"{_WHERE}, reduction", f"expected one of {', '.join(REDUCTIONS)}", repr(reduction))
