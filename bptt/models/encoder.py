"""The body of a network that reads sequences: input part, recurrent stack, feed-forward layers."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn

from bptt.cells.load import Cells
from bptt.models.inputs import InputPart
from bptt.models.options import EncoderOptions as EncoderOptions
from bptt.models.recurrent_stack import build_recurrent
from bptt.nn.sequences import valid_steps

_ACTIVATIONS = {"relu": nn.ReLU, "tanh": nn.Tanh, "sigmoid": nn.Sigmoid}


class Encoded(NamedTuple):
    """The result of an encoder: the `output` of every step, (T, B, width), zero in the padding, and the final
    `states` of the stack, one (num_layers * directions, B, width) for each state of the cell.
    """

    output: Tensor
    states: tuple[Tensor, ...]


class Encoder(nn.Module):
    """Sequences go in, a vector for each step comes out.

    `inputs` are the tensors that the part takes, time first; `lengths` (B,) int64 count the valid steps of
    each row. The result of a row does not depend on the other rows, nor on its padding.
    """

    def __init__(self, part: InputPart, cell: Cells, options: EncoderOptions) -> None:
        super().__init__()
        self.options, self.part = options, part
        self.input_dropout = nn.Dropout(options.input_dropout)
        self.recurrent = build_recurrent(options, cell, part.output_size, options.bidirectional)
        self.read_size = self.recurrent.num_directions * self.recurrent.output_size
        self.feed_forward = feed_forward(self.read_size, options)
        self.output_size = options.feed_forward[-1] if options.feed_forward else self.read_size

    def forward(self, inputs: tuple[Tensor, ...], lengths: Tensor) -> Encoded:
        """Return the output of the feed-forward layers on every step, (T, B, output_size)."""
        return self.encode(self.embed(inputs), lengths)

    def read(self, inputs: tuple[Tensor, ...], lengths: Tensor) -> Encoded:
        """Return the output of the stack alone, (T, B, read_size), whose halves are the two directions.

        A network that needs one vector of a sequence takes it from here and puts `feed_forward` on that.
        """
        return self.run(self.embed(inputs), lengths)

    def embed(self, inputs: tuple[Tensor, ...]) -> Tensor:
        """Return the input of the stack, (T, B, I)."""
        values: Tensor = self.input_dropout(self.part(*inputs))
        return values

    def encode(self, values: Tensor, lengths: Tensor) -> Encoded:
        """Continue `forward` from the result of `embed`."""
        output, states = self.run(values, lengths)
        valid = valid_steps(len(output), lengths)[:, :, None]
        return Encoded(torch.where(valid, self.feed_forward(output), 0.0), states)

    def run(self, values: Tensor, lengths: Tensor) -> Encoded:
        """Continue `read` from the result of `embed`."""
        output, final = self.recurrent(values, lengths=lengths)
        return Encoded(output, (final,) if isinstance(final, Tensor) else final)


def feed_forward(width: int, options: EncoderOptions) -> nn.Sequential:
    """Return layers for inputs (..., width), with the dropout before and after each."""
    layers: list[nn.Module] = [nn.Dropout(options.dropout)]
    for size in options.feed_forward:
        activation = _ACTIVATIONS[options.activation]()
        layers += [nn.Linear(width, size), activation, nn.Dropout(options.dropout)]
        width = size
    return nn.Sequential(*layers)
