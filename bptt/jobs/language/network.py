"""The network of a language model: from tokens to the distribution of each next token."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from bptt.cells.load import Cells
from bptt.jobs.language.options import FULL, ModelOptions
from bptt.models.heads.output_layer import OutputShape
from bptt.models.heads.registry import output_layer
from bptt.models.inputs import look_up, one_hot
from bptt.models.recurrent_stack import build_recurrent, initialise
from bptt.models.token_network import TokenNetwork
from bptt.nn import Stepper
from bptt.runs.evaluating import evaluating

# One (num_layers, B, width) per state of the cell; empty at the start of a text.
States = tuple[Tensor, ...]
START: States = ()


class LanguageModel(TokenNetwork):
    """The network of P(x_{t+1} | x_1 ... x_t).

    An output layer computes it from y_t, the output of recurrent layers that have read the tokens up to t. A
    token is read as its row of the embedding (V, D), by the output layer itself if that embeds, or as a
    one-hot vector if `options.width` is 0; NOTHING as a zero vector.
    """

    def __init__(self, vocabulary_size: int, cell: Cells, options: ModelOptions) -> None:
        super().__init__()
        self.vocabulary_size, self.options = vocabulary_size, options
        recurrent = build_recurrent(options, cell, options.width or vocabulary_size)
        # Checked again: the output of a cell may have another width than the options assume.
        options.check_tied(recurrent.output_size)
        width = recurrent.output_size
        shape = OutputShape(
            vocabulary_size,
            width,
            options.tied,
            options.smoothing,
            options.cutoffs,
            options.samples,
            may_embed=True,
        )
        output = output_layer(options.output_layer or FULL, shape)
        if options.width and not output.embeds:
            empty = torch.empty(vocabulary_size, options.width)
            self.embedding = nn.Parameter(empty, requires_grad=not options.frozen)
        self.output, self.recurrent = output, recurrent
        self.dropout = nn.Dropout(options.dropout)
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the parameters anew.

        Embeddings are drawn from N(0, 1), or with standard deviation 1/√D if they are tied to the output; the
        recurrent layers and the output layer by their own rules.
        """
        self.recurrent.reset_parameters()
        initialise(self.recurrent, self.options)
        # Without memory for it nothing is drawn: on the meta device torch would import its compiler for that.
        if self.options.width and not self.output.embeds and not self.embedding.is_meta:
            bound = self.recurrent.output_size**-0.5
            nn.init.normal_(self.embedding, std=bound if self.options.tied else 1.0)
        self.output.reset_parameters()

    @torch.no_grad()
    def fill(self, tokens: Tensor, vectors: Tensor) -> None:
        """Set the embedding of `tokens` (N,) to pretrained `vectors` (N, D)."""
        self.embedding[tokens] = vectors.to(self.embedding)

    @property
    def table(self) -> Tensor | None:
        """The embedding, a row for each token; None for one-hot input.

        Where the output layer embeds, the rows are computed anew.
        """
        if self.output.embeds:
            return self.output.embed(torch.arange(self.vocabulary_size, device=self.device))
        return self.embedding if self.options.width else None

    @property
    def output_size(self) -> int:
        """The width of what `read` returns for a token."""
        return self.recurrent.output_size

    def forward(self, tokens: Tensor, states: States = START) -> tuple[Tensor, States]:
        """Return the logits (T, B, V) of the token after each of `tokens` (T, B) int64, and the final states.

        No logit depends on later tokens, so padding at the end of a row changes no logit before it.
        """
        output, states = self.read(tokens, states)
        return self.predict(output), states

    def read(self, tokens: Tensor, states: States = START) -> tuple[Tensor, States]:
        """Return the output (T, B, width) of the recurrent layers and the final states, without logits."""
        output, final = self.recurrent(self.embed(tokens), states or None)
        return output, (final,) if isinstance(final, Tensor) else final

    def embed(self, tokens: Tensor) -> Tensor:
        """Return the input of the recurrent layers for `tokens` (T, B): (T, B, D); one-hot, (T, B, V)."""
        if not self.options.width:
            return one_hot(tokens, self.vocabulary_size, next(self.parameters()).dtype)
        if self.output.embeds:
            found = self.output.embed(tokens)
        else:
            found = look_up(tokens, self.embedding, bool(self.options.row_sparse))
        embedded: Tensor = self.dropout(found)
        return embedded


class Continuation:
    """A language model that has read `tokens` (T, B) from `states` on, and reads on token by token.

    `logits` (B, V) are those of the next token; on the CPU a row has the same bits whatever B is. Do not
    change the weights of the model meanwhile. There is no dropout.
    """

    def __init__(self, model: LanguageModel, tokens: Tensor, states: States = START) -> None:
        # First: an ensemble has no layers to step through, and says so.
        self._stepper = Stepper(model.recurrent, tokens.shape[1])
        with evaluating(model):
            output, self._stepper.states = model.read(tokens.to(model.device), states)
            self.logits = model.row_logits(output[-1])
        self._vocabulary_size, self._output = model.vocabulary_size, model.output
        self._table, self._tied = None if model.output.embeds else model.table, model.tied

    def read(self, tokens: Tensor) -> None:
        """Read the next token of each row, (B,), and update `logits`."""
        tokens = tokens.to(self.logits.device)
        with evaluating(self._output):
            if self._output.embeds:
                x = self._output.embed(tokens)
            elif self._table is None:
                x = functional.one_hot(tokens, self._vocabulary_size).to(self.logits.dtype)
            else:
                x = functional.embedding(tokens, self._table)
            self.logits = self._output.row_logits(self._stepper.step(x), self._tied)
