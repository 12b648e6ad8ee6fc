"""The network of a classifier: a sequence, or a row of numbers, to a probability for each label."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from bptt.cells.cell import Cell
from bptt.jobs.classify.options import HeadOptions
from bptt.models.codecs.codec import Padded
from bptt.models.encoder import Encoder, feed_forward
from bptt.models.inputs import InputPart
from bptt.models.ngrams import Bags, NgramScores
from bptt.models.options import EncoderOptions
from bptt.nn import Pooling


class Classifier(nn.Module):
    """logits = M f(pool(h_1 ... h_T)) + b, where h is what the stack of an encoder gives, and f are its
    feed-forward layers (many to one). A cell of None is for rows of numbers, T = 1, which the feed-forward
    layers read at once (one to one). With `ngrams`, their number, a linear model answers beside the network.
    `offsets` (K,) are those of `choose_offsets`, None for a model without thresholds.
    """

    offsets: Tensor | None

    def __init__(
        self,
        part: InputPart,
        classes: int,
        cell: Cell | None,
        options: EncoderOptions,
        head: HeadOptions,
        ngrams: int | None = None,
    ) -> None:
        super().__init__()
        self.head = head
        self.body = _Row(part, options) if cell is None else SequenceReader(part, cell, options, head)
        self.output = nn.Linear(self.body.output_size, classes)
        self.ngrams = None if ngrams is None else NgramScores(ngrams, classes)
        self.register_buffer("offsets", torch.zeros(classes) if head.thresholds else None)

    def forward(self, inputs: Padded) -> Tensor:
        """Return the logits (B, K) of the network alone, which is what is trained."""
        logits: Tensor = self.output(self.body(inputs))
        return logits

    def answer(self, logits: Tensor, bags: Bags | None) -> Tensor:
        """Return the logits (B, K) of both parts together, given those of the network and the n-grams."""
        if self.ngrams is None or bags is None:
            return logits
        scores: Tensor = self.ngrams(bags)
        return scores + self.ngrams.share * logits

    def loss(self, logits: Tensor, targets: Tensor, reduction: str = "mean") -> Tensor:
        """The mean loss for targets (B,) int64; the loss of each row, (B,), if the reduction is "none".

        Labels are smoothed in training mode only.
        """
        if self.head.loss == "cross-entropy":
            smoothing = self.head.smoothing if self.training else 0.0
            return functional.cross_entropy(logits, targets, reduction=reduction, label_smoothing=smoothing)
        wanted = functional.one_hot(targets, logits.shape[1])
        losses = (logits.softmax(1) - wanted).square().sum(1)
        return (losses.mean() if reduction == "mean" else losses) / 2


class SequenceReader(nn.Module):
    """A vector (B, output_size) for each sequence: an encoder, whose steps are pooled."""

    def __init__(self, part: InputPart, cell: Cell, options: EncoderOptions, head: HeadOptions) -> None:
        super().__init__()
        self.encoder = Encoder(part, cell, options)
        # Before the feed-forward layers, which mix the two directions.
        self.pooling = Pooling(head.pooling, self.encoder.read_size, options.bidirectional)
        self.output_size = self.encoder.output_size

    def forward(self, inputs: Padded) -> Tensor:
        """The vectors for the inputs of a batch."""
        return self.pool(self.encoder.embed(inputs.tensors), inputs.lengths)

    def pool(self, values: Tensor, lengths: Tensor) -> Tensor:
        """`forward`, from what goes into the stack on, (T, B, I)."""
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
