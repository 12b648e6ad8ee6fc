"""The base of language models and decoders: an embedding reads tokens, an output layer predicts them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import torch
from torch import Tensor, nn

from bptt.models.heads.output_layer import OutputLayer
from bptt.runs.origin import Rows


class TokenNetwork(nn.Module):
    """A network whose outputs (..., width) an output layer turns into probabilities of V tokens.

    Register `output` before the recurrent layers: the order of the parameters is that of the first run
    folders, whose checkpoints number them.
    """

    # The loss by the field's name, for a derivation on paper.
    loss_name: ClassVar[str] = "softmax"
    output: OutputLayer
    dropout: nn.Dropout

    @property
    def device(self) -> torch.device:
        """The device of the parameters."""
        return next(self.parameters()).device

    @property
    def table(self) -> Tensor | None:
        """The embedding, a row for each token; None for one-hot input."""
        raise NotImplementedError

    @property
    def tied(self) -> Tensor | None:
        """The embedding if the output layer takes it as its matrix, else None."""
        return self.table if self.output.shape.tied and not self.output.embeds else None

    def predict(self, output: Tensor) -> Tensor:
        """Return the logits (..., V) for outputs (..., width)."""
        return self.output.logits(self.dropout(output), self.tied)

    def log_probabilities(self, output: Tensor) -> Tensor:
        """Return ln P of every token (..., V) for outputs (..., width)."""
        return self.output.log_probabilities(self.dropout(output), self.tied)

    def row_logits(self, output: Tensor) -> Tensor:
        """Return the logits (N, V) for outputs (N, width), without dropout; the bits of a row do not depend
        on the others.
        """
        return self.output.row_logits(output, self.tied)

    def row_log_probabilities(self, output: Tensor) -> Tensor:
        """Return ln P of every token (N, V) for outputs (N, width), as `row_logits`."""
        return self.row_logits(output).log_softmax(-1)

    def loss(self, output: Tensor, targets: Tensor, reduction: str = "mean") -> Tensor:
        """Return -ln P, in nats, of `targets` (...) int64 for outputs (..., width); smoothed in training.

        The targets NOTHING do not count.
        """
        return self.output.loss(self.dropout(output), targets, self.tied, reduction)

    def score(self, output: Tensor, targets: Tensor) -> Tensor:
        """Return ln P of `targets` (...) int64 for outputs (..., width); 0 for NOTHING."""
        return self.output.score(self.dropout(output), targets, self.tied)

    def token_rows(self, tokens: Sequence[str]) -> Rows:
        """Return the names of the tensors with a row for each of `tokens`, for `take_weights`."""
        rows = {f"output.{name}": axes for name, axes in self.output.token_names(tokens).items()}
        return {"embedding": (tokens,), **rows}
