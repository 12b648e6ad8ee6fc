"""Linear models beside a network, that see hardly any order: what a recurrent network has to beat."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import torch
from torch import Tensor, nn

from bptt.models.logistic import fit_logistic_rows
from bptt.models.summaries import StepSummary

# The inverse strength of the L2 penalty, scikit-learn's C, for vectors of norm 1 on average.
_STRENGTH = 100.0
# Below this a number does not differ among the training examples.
_LEAST_DEVIATION = 1e-6


class LinearBaselines(nn.Module):
    """A logistic regression for each summary of the steps of an input, of K classes.

    `sizes` are the lengths of the summaries. Nothing in it is trained by gradients: `fit` finds the optimum.
    """

    def __init__(self, summaries: Sequence[StepSummary], sizes: Sequence[int], classes: int) -> None:
        super().__init__()
        self.summaries = tuple(summaries)
        for number, size in enumerate(sizes):
            self.register_buffer(f"mean_{number}", torch.zeros(size))
            self.register_buffer(f"scale_{number}", torch.ones(size))
            self.register_buffer(f"weight_{number}", torch.zeros(size, classes))
            self.register_buffer(f"bias_{number}", torch.zeros(classes))

    def fit(self, vectors: Sequence[Tensor], targets: Tensor) -> None:
        """Fit each model to its vectors (B, D) and the targets (B,)."""
        for number, rows in enumerate(vectors):
            mean, deviation = rows.mean(0), rows.std(0, correction=0)
            norm = rows.shape[1] ** 0.5
            scale = torch.where(deviation > _LEAST_DEVIATION, 1 / (deviation * norm), 0.0)
            self.get_buffer(f"mean_{number}").copy_(mean)
            self.get_buffer(f"scale_{number}").copy_(scale)
            bias = self.get_buffer(f"bias_{number}")
            found = fit_logistic_rows((rows - mean) * scale, targets, len(bias), _STRENGTH)
            self.get_buffer(f"weight_{number}").copy_(found[0])
            bias.copy_(found[1])

    def forward(self, vectors: Sequence[Tensor]) -> list[Tensor]:
        """Return the logits (B, K) of each model for its vectors (B, D)."""
        found = []
        for number, rows in enumerate(vectors):
            mean, scale, weight, bias = (
                self.get_buffer(f"{name}_{number}") for name in ("mean", "scale", "weight", "bias")
            )
            found.append((rows - mean) * scale @ weight + bias)
        return found


def summarise(summaries: Sequence[StepSummary], inputs: Iterable[Tensor]) -> list[Tensor]:
    """Return the vectors (B, D) of each summary of inputs, (T, N) each, that are held one at a time.

    Numbers that are missing count as 0; so does an input without steps.
    """
    rows: list[list[Tensor]] = [[] for _ in summaries]
    for steps in inputs:
        known = (steps if len(steps) else steps.new_zeros(1, *steps.shape[1:])).float().nan_to_num()
        for row, summary in zip(rows, summaries, strict=True):
            row.append(summary.of(known))
    return [torch.stack(each) for each in rows]
