"""The network of a regressor: from a sequence or a row to numbers, at the end or at every step."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from bptt.cells.load import Cells
from bptt.models.codecs.codec import Padded
from bptt.models.encoder import Encoder, EncoderOptions, feed_forward
from bptt.models.heads.number_options import NumberOptions
from bptt.models.heads.number_output import NumberOutput
from bptt.models.inputs import InputPart
from bptt.nn.pooling import Pooling, PoolingKind


class Regressor(nn.Module):
    """The network M f(pool(h_1 ... h_T)) + b (many to one), or M f(h_t) + b at each step (many to many).

    h is the output of an encoder's recurrent layers, f its feed-forward layers. If the cell is None, inputs
    are rows of numbers, T = 1, which the feed-forward layers read. If `pooling` is None, there are numbers at
    every step.
    """

    def __init__(
        self,
        part: InputPart,
        targets: int,
        cell: Cells | None,
        options: EncoderOptions,
        numbers: NumberOptions,
        pooling: PoolingKind | None,
    ) -> None:
        super().__init__()
        self.body: NumberReader | _Row
        self.body = _Row(part, options) if cell is None else NumberReader(part, cell, options, pooling)
        self.output = NumberOutput(self.body.output_size, targets, numbers)

    @property
    def loss_name(self) -> str:
        """The loss by the field's name, for a derivation on paper."""
        return f"mean-{self.output.options.loss}"

    def forward(self, inputs: Padded) -> Tensor:
        """Return standardised numbers (B, M, Q), or (T, B, M, Q) at every step."""
        found: Tensor = self.output(self.body(inputs))
        return found


class NumberReader(nn.Module):
    """An encoder with a vector for each sequence, (B, output_size), or each step, (T, B, output_size)."""

    def __init__(
        self, part: InputPart, cell: Cells, options: EncoderOptions, pooling: PoolingKind | None
    ) -> None:
        super().__init__()
        self.encoder = Encoder(part, cell, options)
        # Before the feed-forward layers, which mix the two directions.
        self.pooling = pooling and Pooling(pooling, self.encoder.read_size, options.bidirectional)
        self.output_size = self.encoder.output_size

    def forward(self, inputs: Padded) -> Tensor:
        """Return the vectors of a batch."""
        return self.read(self.encoder.embed(inputs.tensors), inputs.lengths)

    def read(self, values: Tensor, lengths: Tensor) -> Tensor:
        """Return the result of `forward`, given the embedded inputs (T, B, I) of the recurrent layers."""
        if not isinstance(self.pooling, Pooling):
            return self.encoder.encode(values, lengths).output
        read = self.encoder.run(values, lengths).output
        vectors: Tensor = self.encoder.feed_forward(self.pooling(read, lengths))
        return vectors


class _Row(nn.Module):
    def __init__(self, part: InputPart, options: EncoderOptions) -> None:
        super().__init__()
        self.part = part
        self.input_dropout = nn.Dropout(options.input_dropout)
        self.feed_forward = feed_forward(part.output_size, options)
        self.output_size = options.feed_forward[-1] if options.feed_forward else part.output_size

    def forward(self, inputs: Padded) -> Tensor:
        values: Tensor = self.feed_forward(self.input_dropout(self.part(*inputs.tensors)[0]))
        return values


def flat(found: Tensor, lengths: Tensor) -> Tensor:
    """Return the numbers (N, M, Q) of all valid steps of a batch (T, B, M, Q), sequence by sequence."""
    return torch.cat([found[: int(length), row] for row, length in enumerate(lengths)])
