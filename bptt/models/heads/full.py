"""The full softmax: a logit for each token, one fused pass for the loss."""

from __future__ import annotations

from torch import Tensor
from torch.nn import functional

from bptt.data.batches import NOTHING
from bptt.models.heads.output_layer import MatrixLayer
from bptt.nn import linear_cross_entropy
from bptt.nn.row_linear import row_linear


class FullSoftmax(MatrixLayer):
    """P = softmax(M o + b) for outputs o (..., D).

    The logits of a loss are never all in memory where kernels compute them.
    """

    def logits(self, output: Tensor, tied: Tensor | None = None) -> Tensor:
        """Return M o + b, (..., V)."""
        return functional.linear(output, self.matrix(tied), self.bias)

    def row_logits(self, output: Tensor, tied: Tensor | None = None) -> Tensor:
        """Return M o + b, (N, V), for outputs (N, D)."""
        return row_linear(output, self.matrix(tied), self.bias)

    def negative_log_likelihood(
        self, output: Tensor, targets: Tensor, tied: Tensor | None, reduction: str
    ) -> Tensor:
        """Return -ln P as `loss`, never smoothed, a few rows of logits at a time."""
        return linear_cross_entropy(
            output,
            self.matrix(tied),
            targets,
            linear_bias=self.bias,
            reduction=reduction,
            ignore_index=NOTHING,
        )

    def lead(self, output: Tensor, classes: Tensor, tied: Tensor | None) -> Tensor:
        """Return z_y - mean z, (...): the mean of all logits is the logit of the mean row of M."""
        matrix = self.matrix(tied)
        rows = functional.embedding(classes, matrix) - matrix.mean(0)
        return (rows * output).sum(-1) + self.bias[classes] - self.bias.mean()
