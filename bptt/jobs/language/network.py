"""The network of a language model: tokens go in, the distribution of each next token comes out."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from bptt.cells.cell import Cell
from bptt.data.batches import NOTHING
from bptt.jobs.language.options import ModelOptions
from bptt.models.inputs import look_up, one_hot
from bptt.models.recurrent import build_recurrent, initialise
from bptt.nn import Stepper, linear_cross_entropy
from bptt.runs.evaluating import evaluating

# One (num_layers, B, width) per state of the cell; empty at the start of a text.
States = tuple[Tensor, ...]
START: States = ()


class LanguageModel(nn.Module):
    """o_t = M y_t + b, where y_t is the output of a recurrent stack that has read the tokens up to t.

    A token goes in as its row of the embedding (V, D), or as a one-hot vector if `options.width` is 0;
    NOTHING goes in as a zero vector. M (V, width) is a parameter of its own, or the embedding if tied.
    """

    def __init__(self, vocabulary_size: int, cell: Cell, options: ModelOptions) -> None:
        super().__init__()
        self.vocabulary_size, self.options = vocabulary_size, options
        if options.width:
            empty = torch.empty(vocabulary_size, options.width)
            self.embedding = nn.Parameter(empty, requires_grad=not options.frozen)
        self.recurrent = build_recurrent(options, cell, options.width or vocabulary_size)
        self.dropout = nn.Dropout(options.dropout)
        # Once more, for a cell that gives its output a width of its own.
        options.check_tied(self.recurrent.output_size)
        if not options.tied:
            self.output_weight = nn.Parameter(torch.empty(vocabulary_size, self.recurrent.output_size))
        self.output_bias = nn.Parameter(torch.empty(vocabulary_size))
        self.reset_parameters()

    def reset_parameters(self) -> None:
        """Draw the parameters anew: embeddings from N(0, 1), or 1/√D as wide if they are the output's
        too; the output uniform within ±1/√width; its bias zero; the stack as `Recurrent` does.
        """
        self.recurrent.reset_parameters()
        initialise(self.recurrent, self.options)
        bound = self.recurrent.output_size**-0.5
        if self.options.width:
            nn.init.normal_(self.embedding, std=bound if self.options.tied else 1.0)
        if not self.options.tied:
            nn.init.uniform_(self.output_weight, -bound, bound)
        nn.init.zeros_(self.output_bias)

    @torch.no_grad()
    def fill(self, tokens: Tensor, vectors: Tensor) -> None:
        """Take `vectors` (N, D), trained elsewhere, for the rows of `tokens` (N,) in the embedding."""
        self.embedding[tokens] = vectors.to(self.embedding)

    @property
    def device(self) -> torch.device:
        """Where the parameters are."""
        return self.output_bias.device

    def forward(self, tokens: Tensor, states: States = START) -> tuple[Tensor, States]:
        """The logits (T, B, V) of what follows each of `tokens` (T, B) int64, and the states after it.

        Nothing looks ahead: what stands behind the end of a row changes none of its logits.
        """
        output, states = self.read(tokens, states)
        return self.predict(output), states

    def read(self, tokens: Tensor, states: States = START) -> tuple[Tensor, States]:
        """The output of the stack (T, B, width), without the large logits, and the states after it."""
        output, final = self.recurrent(self.embed(tokens), states or None)
        return output, (final,) if isinstance(final, Tensor) else final

    def embed(self, tokens: Tensor) -> Tensor:
        """What goes into the stack for `tokens` (T, B): (T, B, D), or (T, B, V) if one-hot."""
        if not self.options.width:
            return one_hot(tokens, self.vocabulary_size, self.output_bias.dtype)
        embedded: Tensor = self.dropout(look_up(tokens, self.embedding))
        return embedded

    def predict(self, output: Tensor) -> Tensor:
        """The logits (..., V) for outputs (..., width) of the stack."""
        return functional.linear(self.dropout(output), self.rows, self.output_bias)

    def loss(self, output: Tensor, targets: Tensor, reduction: str = "mean") -> Tensor:
        """-ln P, in nats, of what follows: `targets` (...) int64, for outputs (..., width) of the stack.

        The targets NOTHING do not count. The logits are never all in memory if kernels compute them.
        """
        return linear_cross_entropy(
            self.dropout(output),
            self.rows,
            targets,
            linear_bias=self.output_bias,
            reduction=reduction,
            ignore_index=NOTHING,
        )

    @property
    def rows(self) -> Tensor:
        """M, a row for each token."""
        return self.embedding if self.options.tied else self.output_weight


class Continuation:
    """A language model that has read `tokens` (T, B), and reads on token by token without dropout.

    `logits` (B, V) are those of what follows. The weights must not change meanwhile.
    """

    def __init__(self, model: LanguageModel, tokens: Tensor) -> None:
        with evaluating(model):
            output, states = model.read(tokens.to(model.device))
            self.logits = model.predict(output[-1])
        self._stepper = Stepper(model.recurrent, tokens.shape[1])
        self._stepper.states = states
        self._embedding = model.embedding.detach() if model.options.width else None
        self._output = model.rows.detach(), model.output_bias.detach()

    def read(self, tokens: Tensor) -> None:
        """Read one more token of each row: (B,)."""
        weight, bias = self._output
        tokens = tokens.to(bias.device)
        if self._embedding is None:
            x = functional.one_hot(tokens, len(bias)).to(bias.dtype)
        else:
            x = functional.embedding(tokens, self._embedding)
        self.logits = functional.linear(self._stepper.step(x), weight, bias)
