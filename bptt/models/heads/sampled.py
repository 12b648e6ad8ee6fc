"""The sampled softmax: trained on some tokens of the vocabulary, exact everywhere else (Jean et al. 2015)."""

from __future__ import annotations

from math import log

import torch
from torch import Tensor
from torch.nn import functional

from bptt.data.batches import NOTHING
from bptt.errors import InputError
from bptt.models.heads.full import FullSoftmax
from bptt.models.heads.output_layer import OutputShape
from bptt.nn.float64 import doubles


class SampledSoftmax(FullSoftmax):
    """P = softmax(M o + b), learned with `shape.samples` tokens in the place of all V.

    In training, S tokens are drawn for all targets of a batch together, with replacement, from the law
    q(k) = ln((k + 2) / (k + 1)) / ln(V + 1): about 1 / rank, as tokens are numbered by falling frequency.
    With the logits z, the sum over all tokens in the loss is estimated by exp(z_y) + Σ exp(z_k) / (S q(k))
    over the samples k other than the target y: its expectation is the sum, and the gradient tends to that of
    the full softmax with S (importance sampling: Bengio & Senécal 2003). Only the rows drawn or wanted are
    touched: unless tied, M has a row-sparse gradient. Everywhere else the layer is the full softmax. Raises
    InputError for a smoothed layer, as smoothing is by all tokens.
    """

    def __init__(self, shape: OutputShape) -> None:
        super().__init__(shape)
        if shape.smoothing:
            raise InputError("smoothing", "needs an output layer with all logits", "sampled", "Leave it out")

    def loss(
        self, output: Tensor, targets: Tensor, tied: Tensor | None = None, reduction: str = "mean"
    ) -> Tensor:
        """Return -ln P as the base class; in training that by the samples, which are drawn anew."""
        if not self.training:
            return super().loss(output, targets, tied, reduction)
        wanted = targets.reshape(-1)
        samples = self.draw(wanted.device)
        logits = self._logits(output.reshape(-1, self.shape.width), wanted.clamp(min=0), samples, tied)
        first = torch.zeros_like(wanted).masked_fill(wanted == NOTHING, NOTHING)
        loss = functional.cross_entropy(logits, first, ignore_index=NOTHING, reduction=reduction)
        return loss.view_as(targets) if reduction == "none" else loss

    def draw(self, device: torch.device) -> Tensor:
        """Return samples (S,) int64 from q, by the inverse of its distribution function."""
        size = self.shape.vocabulary_size
        home = torch.empty(0, device=device)
        places = torch.rand(self.shape.samples, device=doubles(home).device, dtype=torch.float64)
        return ((size + 1) ** places - 1).long().clamp(max=size - 1).to(device)

    def _logits(self, rows: Tensor, wanted: Tensor, samples: Tensor, tied: Tensor | None) -> Tensor:
        """Return logits (N, 1 + S): that of the target, then z_k - ln(S q(k)) of the samples."""
        tokens = torch.cat([wanted, samples])
        matrix = functional.embedding(tokens, self.matrix(tied), sparse=tied is None)
        own, drawn = matrix.tensor_split([len(wanted)])
        right = (own * rows).sum(1) + self.bias[wanted]
        others = functional.linear(rows, drawn, self.bias[samples] - self._expected(samples).log().to(rows))
        return torch.cat([right[:, None], others.masked_fill(samples == wanted[:, None], -torch.inf)], 1)

    def _expected(self, tokens: Tensor) -> Tensor:
        """Return how often a token is expected among the samples, S q(k), float64."""
        ranks = doubles(tokens)
        shares = ((ranks + 2) / (ranks + 1)).log() / log(self.shape.vocabulary_size + 1)
        return self.shape.samples * shares
