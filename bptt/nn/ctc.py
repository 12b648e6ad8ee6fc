"""Connectionist temporal classification as a module with torch's arguments."""

from __future__ import annotations

from torch import Tensor, nn

from bptt.runtime.ctc_labels import LabelCounts
from bptt.runtime.ctc_loss import ctc_loss


class CTCLoss(nn.Module):
    """The loss of `bptt.nn.ctc_loss`, a drop-in for `torch.nn.CTCLoss`."""

    def __init__(self, blank: int = 0, reduction: str = "mean", zero_infinity: bool = False) -> None:
        super().__init__()
        self.blank, self.reduction, self.zero_infinity = blank, reduction, zero_infinity

    def extra_repr(self) -> str:
        """Return the arguments."""
        return f"blank={self.blank}, reduction={self.reduction!r}, zero_infinity={self.zero_infinity}"

    def forward(
        self, log_probs: Tensor, targets: Tensor, input_lengths: LabelCounts, target_lengths: LabelCounts
    ) -> Tensor:
        """Compute the loss of log-probabilities or logits (T, B, V), or (T, V) without a batch.

        Raises InputError as `ctc_loss` does.
        """
        return ctc_loss(
            log_probs, targets, input_lengths, target_lengths, self.blank, self.reduction, self.zero_infinity
        )
