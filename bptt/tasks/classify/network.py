"""The network of a classifier: a sequence, or a row of numbers, to a probability for each label."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional

from bptt.cells.cell import Cell
from bptt.nn import Pooling
from bptt.tasks.classify.config import HeadOptions
from bptt.tasks.codecs.codec import Padded
from bptt.tasks.encoder import Encoder, EncoderOptions, feed_forward
from bptt.tasks.inputs import InputPart


class Classifier(nn.Module):
    """logits = M f(pool(h_1 ... h_T)) + b, where h is what the stack of an encoder gives, and f are its
    feed-forward layers (many to one). A cell of None stands for rows of numbers, T = 1, which the
    feed-forward layers read at once (one to one).
    """

    def __init__(
        self, part: InputPart, classes: int, cell: Cell | None, options: EncoderOptions, head: HeadOptions
    ) -> None:
        super().__init__()
        self.head = head
        self.body = _Row(part, options) if cell is None else _Sequence(part, cell, options, head)
        self.output = nn.Linear(self.body.output_size, classes)

    def forward(self, inputs: Padded) -> Tensor:
        """The logits (B, K) of the inputs of a batch."""
        logits: Tensor = self.output(self.body(inputs))
        return logits

    def loss(self, logits: Tensor, targets: Tensor) -> Tensor:
        """The mean loss for targets (B,) int64."""
        if self.head.loss == "cross-entropy":
            return functional.cross_entropy(logits, targets)
        wanted = functional.one_hot(targets, logits.shape[1])
        return (logits.softmax(1) - wanted).square().sum(1).mean() / 2


class _Sequence(nn.Module):
    def __init__(self, part: InputPart, cell: Cell, options: EncoderOptions, head: HeadOptions) -> None:
        super().__init__()
        self.encoder = Encoder(part, cell, options)
        # Before the feed-forward layers, which mix the two directions.
        self.pooling = Pooling(head.pooling, self.encoder.read_size, options.bidirectional)
        self.output_size = self.encoder.output_size

    def forward(self, inputs: Padded) -> Tensor:
        read = self.encoder.read(inputs.tensors, inputs.lengths).output
        values: Tensor = self.encoder.feed_forward(self.pooling(read, inputs.lengths))
        return values


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
