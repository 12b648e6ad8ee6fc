"""The protocol of an output layer: P(token | output), its loss, and what sampling and scoring ask of it."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from bptt.data.batches import NOTHING
from bptt.errors import InputError
from bptt.runs.origin import Rows


@dataclass(frozen=True)
class OutputShape:
    """The sizes of an output layer: V tokens predicted from outputs of `width` numbers, D.

    A `tied` layer takes the embedding (V, D) as its matrix (Press and Wolf 2017). `smoothing` is the share
    of a target's probability that training spreads over all tokens (Szegedy et al. 2016). `cutoffs` are the
    first tokens of clusters, for a layer that has some; empty for its own choice. `samples` is the number of
    tokens that a sampled layer learns with. A network that `may_embed` reads tokens by a tied layer that can.
    """

    vocabulary_size: int
    width: int
    tied: bool = False
    smoothing: float = 0.0
    cutoffs: tuple[int, ...] = ()
    samples: int = 8192
    may_embed: bool = False


class OutputLayer(nn.Module, ABC):
    """P(token | output) over V tokens, for outputs (..., D) of a network.

    A subclass computes `logits`; the rest follows from them. It overrides `negative_log_likelihood` and
    `lead` where these need fewer than V columns. Every method takes `tied`, the embedding (V, D) of a tied
    layer, None for any other and for one that embeds. Raises InputError for a tied layer of a class that has
    no matrix to tie.
    """

    # Names of the parameters with a row for each token: a vocabulary that grows keeps these rows.
    token_rows: ClassVar[Sequence[str]] = ()
    # Whether the embedding can take the place of a parameter of this class.
    can_tie: ClassVar[bool] = False
    # Whether a tied layer of this class reads tokens by its own weights, so that there is no embedding.
    can_embed: ClassVar[bool] = False

    def __init__(self, shape: OutputShape) -> None:
        super().__init__()
        if shape.tied and not (self.can_tie or (self.can_embed and shape.may_embed)):
            rule = "needs an output layer whose matrix can be the embedding"
            raise InputError("tied", rule, type(self).__name__, "Leave it out")
        self.shape = shape

    @property
    def embeds(self) -> bool:
        """Whether `embed` takes the place of an embedding."""
        return self.shape.tied and self.can_embed

    def embed(self, tokens: Tensor) -> Tensor:
        """Return the vectors (..., D) of `tokens` (...) int64, zero for NOTHING, if the layer `embeds`.

        In evaluation, on the CPU, a token has the same bits whatever others there are.
        """
        raise NotImplementedError

    @abstractmethod
    def logits(self, output: Tensor, tied: Tensor | None = None) -> Tensor:
        """Return numbers (..., V) whose softmax is P; the logarithm of P is such."""

    def row_logits(self, output: Tensor, tied: Tensor | None = None) -> Tensor:
        """Return the logits (N, V) for outputs (N, D), on the CPU with the same bits whatever N is.

        One row at a time; override it if the layer can compute several so.
        """
        return torch.cat([self.logits(row, tied) for row in torch.split(output, 1)])

    def reset_parameters(self) -> None:
        """Draw the parameters anew: those of each part by its own rule. Called once after construction."""
        for part in self.children():
            reset = getattr(part, "reset_parameters", None)
            if callable(reset):
                reset()

    def token_names(self, tokens: Sequence[str]) -> Rows:
        """Return the names of the parameters with rows for tokens, with what each row is of."""
        return dict.fromkeys(self.token_rows, (tokens,))

    def log_probabilities(self, output: Tensor, tied: Tensor | None = None) -> Tensor:
        """Return ln P of every token, (..., V)."""
        return self.logits(output, tied).log_softmax(-1)

    def score(self, output: Tensor, targets: Tensor, tied: Tensor | None = None) -> Tensor:
        """Return ln P of `targets` (...) int64; 0 for NOTHING."""
        return -self.negative_log_likelihood(output, targets, tied, "none")

    def loss(
        self, output: Tensor, targets: Tensor, tied: Tensor | None = None, reduction: str = "mean"
    ) -> Tensor:
        """Return -ln P of `targets` (...) int64 in nats, smoothed in training; NOTHING does not count.

        The reduction is "mean" over the targets that count, "sum", or "none": (...) losses.
        """
        loss = self.negative_log_likelihood(output, targets, tied, reduction)
        if not self.training or not self.shape.smoothing:
            return loss
        counted = targets != NOTHING
        lead = torch.where(counted, self.lead(output, targets.clamp(min=0), tied), 0.0)
        if reduction != "none":
            lead = lead.sum() / counted.sum() if reduction == "mean" else lead.sum()
        return loss + self.shape.smoothing * lead

    def negative_log_likelihood(
        self, output: Tensor, targets: Tensor, tied: Tensor | None, reduction: str
    ) -> Tensor:
        """Return -ln P as `loss`, never smoothed."""
        rows = self.log_probabilities(output, tied).reshape(-1, self.shape.vocabulary_size)
        loss = functional.nll_loss(rows, targets.reshape(-1), ignore_index=NOTHING, reduction=reduction)
        return loss.view_as(targets) if reduction == "none" else loss

    def lead(self, output: Tensor, classes: Tensor, tied: Tensor | None) -> Tensor:
        """Return how far the logit z_y of `classes` (...) int64 is above the mean of all, (...).

        Label smoothing by ε turns ln Σ exp z - z_y into ln Σ exp z - (1 - ε) z_y - ε mean z. That is
        ε (z_y - mean z) more.
        """
        logits = self.logits(output, tied)
        return logits.gather(-1, classes[..., None]).squeeze(-1) - logits.mean(-1)


class MatrixLayer(OutputLayer):
    """An output layer with a row of M (V, D) and a bias for each token. M is `weight`, or the embedding if
    tied; a subclass reads it from `matrix`.
    """

    token_rows = ("weight", "bias")
    can_tie = True
    weight: nn.Parameter | None

    def __init__(self, shape: OutputShape) -> None:
        super().__init__(shape)
        empty = None if shape.tied else nn.Parameter(torch.empty(shape.vocabulary_size, shape.width))
        self.register_parameter("weight", empty)
        self.bias = nn.Parameter(torch.empty(shape.vocabulary_size))

    def reset_parameters(self) -> None:
        """Draw the parameters anew: M uniform within ±1/√D, the bias zero, each part by its own rule."""
        super().reset_parameters()
        if self.weight is not None:
            bound = self.shape.width**-0.5
            nn.init.uniform_(self.weight, -bound, bound)
        nn.init.zeros_(self.bias)

    def matrix(self, tied: Tensor | None) -> Tensor:
        """Return M, a row for each token."""
        if tied is not None:
            return tied
        assert self.weight is not None
        return self.weight
