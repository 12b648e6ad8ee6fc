"""The networks that generate tokens: from the output of an encoder, or from a vector."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from functools import partial

import torch
from torch import Tensor, nn

from bptt.cells.load import Cells, check_layers
from bptt.data.batches import NOTHING
from bptt.errors import InputError
from bptt.jobs.translate.options import DecoderOptions
from bptt.models.codecs.codec import Padded
from bptt.models.encoder import Encoder
from bptt.models.heads.output_layer import OutputShape
from bptt.models.heads.registry import output_layer
from bptt.models.inputs import InputPart, TokenInput, look_up
from bptt.models.options import TokenOptions
from bptt.models.recurrent_stack import initialise
from bptt.models.token_network import TokenNetwork
from bptt.nn import Bridge, Decoder, DecoderState
from bptt.nn.stack import Stack


class Writer(TokenNetwork, ABC):
    """The network of P(y | x) = Π_t P(y_t | y_1 ... y_{t-1}, x).

    An output layer computes each factor from õ_t, the output of a `bptt.nn.Decoder` that starts from x and
    has read the tokens before t as rows of the embedding (V, D), NOTHING as a zero vector. `bridge` returns
    the module that maps x to the initial states of the decoder. Raises InputError if sizes do not fit.
    """

    def __init__(
        self,
        vocabulary_size: int,
        cell: Cells,
        options: DecoderOptions,
        bridge: Callable[[Stack], Bridge],
        memory_width: int = 0,
    ) -> None:
        super().__init__()
        check_layers(cell, options.num_layers)
        self.vocabulary_size, self.options = vocabulary_size, options
        decoder = Decoder(
            cell,
            options.embedding_size,
            options.hidden_size,
            options.num_layers,
            attention=None if options.attention == "none" else options.attention,
            memory_width=memory_width,
            attention_width=options.attention_size,
            input_feeding=options.input_feeding,
            dropout=options.dropout_between,
            proj_size=options.proj_size,
        )
        initialise(decoder.recurrent, options)
        led = bridge(decoder.recurrent)
        if not options.shared:
            self.embedding = TokenInput(vocabulary_size, TokenOptions(options.embedding_size)).embedding
        shape = OutputShape(vocabulary_size, decoder.output_size, options.tied, options.smoothing)
        self.output = output_layer(options.output_layer, shape)
        self.output.reset_parameters()
        self.decoder, self.bridge, self.dropout = decoder, led, nn.Dropout(options.dropout)

    @property
    def table(self) -> Tensor:
        """The embedding, a row for each token."""
        return self.embedding

    @abstractmethod
    def start(self, inputs: tuple[Tensor, ...], lengths: Tensor) -> DecoderState:
        """Return the state before the first token, for inputs (T, B, ...) of `lengths` (B,)."""

    def begin(
        self, final: Sequence[Tensor], memory: Tensor | None = None, lengths: Tensor | None = None
    ) -> DecoderState:
        """Return the state before the first token, given the final states of an encoder.

        `final` is as the encoder's stack returns it. The decoder attends to `memory` (S, B, K), whose rows
        end at `lengths` (B,).
        """
        return self.decoder.start(self.bridge(final), memory, lengths)

    def forward(self, tokens: Tensor, state: DecoderState) -> tuple[Tensor, Tensor, DecoderState]:
        """Return logits, attention weights and the final state after reading `tokens` (T, B) int64.

        The logits (T, B, V) are those of the token after each; the weights are (T, B, S), S = 0 without
        attention.
        """
        output, weights, state = self.read(tokens, state)
        return self.predict(output), weights, state

    def teach(self, source: Padded, targets: Tensor, reduction: str = "mean") -> Tensor:
        """Return the loss of `targets` (T, B) int64 for a batch of sources, by teacher forcing.

        Each token is predicted from the true ones before it. Targets end in `<eos>`, followed by NOTHING.
        """
        output, _, _ = self.read(shift(targets), self.start(*source))
        return self.loss(output, targets, reduction)

    def score_targets(self, source: Padded, targets: Tensor) -> Tensor:
        """Return ln P of each of `targets` (T, B), given those before it; 0 for NOTHING."""
        output, _, _ = self.read(shift(targets), self.start(*source))
        return self.score(output, targets)

    def step(self, tokens: Tensor, state: DecoderState) -> tuple[Tensor, DecoderState, Tensor]:
        """Read one more token of each row, (N,), for a search.

        Return ln P of the next token (N, V), the state, and the attention weights (N, S).
        """
        output, weights, state = self.read(tokens[None].to(self.device), state)
        return self.log_probabilities(output[0]), state, weights[0]

    def read(self, tokens: Tensor, state: DecoderState) -> tuple[Tensor, Tensor, DecoderState]:
        """Return the results of `forward`, with the outputs õ (T, B, width) in place of logits."""
        found: tuple[Tensor, Tensor, DecoderState] = self.decoder(self.embed(tokens), state)
        return found

    def embed(self, tokens: Tensor) -> Tensor:
        """Return the input of the decoder for `tokens` (T, B): (T, B, D)."""
        embedded: Tensor = self.dropout(look_up(tokens, self.table))
        return embedded


class Translator(Writer):
    """The network from a sequence to tokens: the decoder starts from the encoder, and attends to it."""

    def __init__(self, encoder: Encoder, vocabulary_size: int, cell: Cells, options: DecoderOptions) -> None:
        if options.shared:
            _check_shared(encoder, (vocabulary_size, options.embedding_size))
        stack = encoder.recurrent
        bridge = partial(Bridge, stack.state_form, stack.num_layers, stack.num_directions)
        super().__init__(vocabulary_size, cell, options, bridge, encoder.output_size)
        self.encoder = encoder

    @property
    def table(self) -> Tensor:
        """The embedding, a row for each token."""
        if not self.options.shared:
            return self.embedding
        table: Tensor = self.encoder.part.get_parameter("embedding")
        return table

    def start(self, inputs: tuple[Tensor, ...], lengths: Tensor) -> DecoderState:
        """Return the state before the first token, for inputs of the encoder; lengths (B,) may be zero."""
        return self.start_from(self.encoder.embed(inputs), lengths)

    def start_from(self, values: Tensor, lengths: Tensor) -> DecoderState:
        """Return the result of `start`, given the embedded inputs (S, B, I) of the encoder."""
        output, states = self.encoder.encode(values, lengths)
        return self.begin(states, output, lengths)


class Generator(Writer):
    """The network from a vector to tokens (one to many), without attention.

    `part` computes the vector from the single step of an input; for a class it is a one-hot vector.
    """

    def __init__(self, part: InputPart, vocabulary_size: int, cell: Cells, options: DecoderOptions) -> None:
        if options.attention != "none":
            cure = "Choose 'none'"
            raise InputError("attention", "needs a sequence to attend to", options.attention, cure)
        if options.shared:
            raise InputError("shared", "needs a source of tokens", "a vector", "Leave it out")
        super().__init__(vocabulary_size, cell, options, partial(Bridge, [part.output_size], 1, 1))
        self.part = part

    def start(self, inputs: tuple[Tensor, ...], lengths: Tensor) -> DecoderState:
        """Return the state before the first token, for inputs (1, B, ...) of the part."""
        return self.begin([self.part(*inputs)])


def shift(targets: Tensor) -> Tensor:
    """Return the tokens read before each of `targets` (T, B): NOTHING, then all targets but the last."""
    return torch.cat([torch.full_like(targets[:1], NOTHING), targets[:-1]])


def _check_shared(encoder: Encoder, shape: tuple[int, int]) -> None:
    part = encoder.part
    table = part.embedding if isinstance(part, TokenInput) and part.options.embedding_size else None
    if table is None or table.shape != shape:
        came = f"{tuple(table.shape)}" if table is not None else "no embedding of tokens alone"
        raise InputError("shared", f"needs a source with an embedding {shape}", came)
