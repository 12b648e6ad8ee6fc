"""The network of a classifier: from a sequence, or a row of numbers, to a logit for each label; and what the
logits mean.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from array import array
from collections.abc import Sequence
from typing import TYPE_CHECKING

import torch
from torch import Tensor, nn
from torch.nn import functional

from bptt.deferred import deferred
from bptt.errors import InputError
from bptt.models.encoder import Encoder, feed_forward
from bptt.models.ngrams import Bags, NgramScores
from bptt.nn.pooling import Pooling
from bptt.nn.sequences import valid_steps
from bptt.runs.labels import check_labels

if TYPE_CHECKING:
    from bptt.cells.load import Cells
    from bptt.data.examples import Examples, X
    from bptt.jobs.classify.options import HeadOptions
    from bptt.models.codecs.codec import Padded
    from bptt.models.inputs import InputPart
    from bptt.models.options import EncoderOptions

# A classifier that answers checks no labels.
_check_classes = deferred("bptt.data.classes", "check_classes")


def decide(log_probabilities: Tensor, offsets: Tensor | None = None) -> Tensor:
    """Return the answers (N,): the argmax of ln P (N, K), plus the offsets (K,) if there are any."""
    values = log_probabilities.exp() if offsets is None else log_probabilities + offsets
    return values.max(1).indices


class Labelling(ABC):
    """How targets become numbers, logits probabilities and a loss, and probabilities an answer."""

    @abstractmethod
    def labels_of(self, examples: Examples[X, str]) -> tuple[str, ...]:
        """Return the labels of examples to learn from, sorted. Raises InputError if they are none."""

    @abstractmethod
    def number(self, target: str, place: str, labels: Sequence[str]) -> Tensor:
        """Return the target of an example as the loss takes it. Raises InputError for an unknown label."""

    @property
    @abstractmethod
    def loss_name(self) -> str:
        """The loss by the field's name, for a derivation on paper."""

    @abstractmethod
    def loss(self, logits: Tensor, targets: Tensor, smoothing: float) -> Tensor:
        """Return the loss of each example, (N,), for logits (N, K)."""

    @abstractmethod
    def log_probabilities(self, logits: Tensor) -> Tensor:
        """Return ln P of each label, (N, K)."""

    @abstractmethod
    def decide(self, log_probabilities: Tensor, offsets: Tensor | None = None) -> Tensor:
        """Return the answers as targets are, for ln P (N, K)."""

    @abstractmethod
    def named(self, answer: Tensor, labels: Sequence[str]) -> tuple[str, ...]:
        """Return the labels of an answer."""

    @abstractmethod
    def show(self, answer: Tensor, labels: Sequence[str]) -> str:
        """Write an answer as a file of examples has it."""

    def numbers(self, examples: Examples[X, str], labels: Sequence[str]) -> Tensor:
        """Return the targets of examples. Raises InputError as `number` does."""
        known: dict[str, int] = {}
        found: list[Tensor] = []
        codes = array("q")
        for target, place in zip(examples.targets, examples.places, strict=True):
            if target not in known:
                known[target] = len(known)
                found.append(self.number(target, place, labels))
            codes.append(known[target])
        return torch.stack(found)[torch.tensor(codes)]


class OneLabel(Labelling):
    """Softmax: one label of several. Targets are (N,) int64.

    The loss is cross-entropy, or with `squared` ½‖p − y‖², p the probabilities and y the one-hot label.
    """

    def __init__(self, squared: bool = False) -> None:
        self._squared = squared

    def labels_of(self, examples: Examples[X, str]) -> tuple[str, ...]:
        """Return the labels. Raises InputError for fewer than two, or continuous numbers."""
        _check_classes(examples)
        return check_labels(examples)

    def number(self, target: str, place: str, labels: Sequence[str]) -> Tensor:
        """Return the number of a label, ()."""
        if target not in labels:
            raise unknown_label(target, place, labels)
        return torch.tensor(labels.index(target))

    @property
    def loss_name(self) -> str:
        """The softmax, or the squared error of its probabilities."""
        return "squared-probabilities" if self._squared else "softmax"

    def loss(self, logits: Tensor, targets: Tensor, smoothing: float) -> Tensor:
        """Return the cross-entropy or the squared error."""
        if not self._squared:
            return functional.cross_entropy(logits, targets, reduction="none", label_smoothing=smoothing)
        wanted = functional.one_hot(targets, logits.shape[1])
        return (logits.softmax(1) - wanted).square().sum(1) / 2

    def log_probabilities(self, logits: Tensor) -> Tensor:
        """Return ln softmax."""
        return logits.log_softmax(1)

    def decide(self, log_probabilities: Tensor, offsets: Tensor | None = None) -> Tensor:
        """Return the most probable label, after adding the offsets (K,) to ln P if there are any."""
        return decide(log_probabilities, offsets)

    def named(self, answer: Tensor, labels: Sequence[str]) -> tuple[str, ...]:
        """Return the label, the only one."""
        return (self.show(answer, labels),)

    def show(self, answer: Tensor, labels: Sequence[str]) -> str:
        """Return the label."""
        return labels[int(answer)]


def unknown_label(label: str, place: str, labels: Sequence[str]) -> InputError:
    """Return the error that a label was not learned."""
    cure = "Correct it, or leave the example out"
    return InputError(place, f"a label is one of those learned, {', '.join(labels)}", repr(label), cure)


class Classifier(nn.Module):
    """The network logits = M f(pool(h_1 ... h_T)) + b, and perhaps a linear model of n-grams.

    h is the output of an encoder's recurrent layers, and f are its feed-forward layers (many to one). If the
    cell is None, inputs are rows of numbers, T = 1, which the feed-forward layers read (one to one), or the
    first steps of a sequence side by side, as many as `positions`. With
    `ngrams`, the number of known n-grams, the logits of a linear model are added. `offsets` (K,) are those of
    `choose_offsets`, None for a model without thresholds.
    """

    offsets: Tensor | None

    def __init__(
        self,
        part: InputPart,
        classes: int,
        cell: Cells | None,
        options: EncoderOptions,
        head: HeadOptions,
        labelling: Labelling | None = None,
        ngrams: int | None = None,
        positions: int = 0,
    ) -> None:
        super().__init__()
        self.head = head
        self.labelling = labelling or OneLabel(head.loss == "squared")
        self.body: SequenceReader | RowReader
        if cell is None:
            self.body = SideBySide(part, options, positions) if positions else RowReader(part, options)
        else:
            self.body = SequenceReader(part, cell, options, head)
        self.output = nn.Linear(self.body.output_size, classes)
        self.ngrams = None if ngrams is None else NgramScores(ngrams, classes)
        self.register_buffer("offsets", torch.zeros(classes) if head.thresholds else None)

    @property
    def loss_name(self) -> str:
        """The loss by the field's name, for a derivation on paper."""
        return self.labelling.loss_name

    def forward(self, inputs: Padded) -> Tensor:
        """Return the logits (B, K) of the network only, the part that is trained by gradients."""
        logits: Tensor = self.output(self.body(inputs))
        return logits

    def answer(self, logits: Tensor, bags: Bags | None) -> Tensor:
        """Return the logits (B, K) of both parts, given those of the network and the n-grams."""
        if self.ngrams is None or bags is None:
            return logits
        scores: Tensor = self.ngrams(bags)
        return scores + self.ngrams.share * logits

    def loss(self, logits: Tensor, targets: Tensor, reduction: str = "mean") -> Tensor:
        """Return the mean loss for targets (B, ...) of the labelling; that of each row, (B,), if the
        reduction is "none".

        Label smoothing applies in training mode only.
        """
        smoothing = self.head.smoothing if self.training else 0.0
        losses = self.labelling.loss(logits, targets, smoothing)
        return losses.mean() if reduction == "mean" else losses


class SequenceReader(nn.Module):
    """An encoder with pooling over steps: one vector (B, output_size) for each sequence."""

    def __init__(self, part: InputPart, cell: Cells, options: EncoderOptions, head: HeadOptions) -> None:
        super().__init__()
        self.encoder = Encoder(part, cell, options)
        # Before the feed-forward layers, which mix the two directions.
        self.pooling = Pooling(head.pooling, self.encoder.read_size, options.bidirectional)
        self.output_size = self.encoder.output_size

    def forward(self, inputs: Padded) -> Tensor:
        """Return the vectors (B, output_size) of a batch."""
        return self.pool(self.encoder.embed(inputs.tensors), inputs.lengths)

    def pool(self, values: Tensor, lengths: Tensor) -> Tensor:
        """Return the vectors (B, output_size) of embedded inputs (T, B, I)."""
        read = self.encoder.run(values, lengths).output
        vectors: Tensor = self.encoder.feed_forward(self.pooling(read, lengths))
        return vectors


class RowReader(nn.Module):
    """Feed-forward layers on rows of numbers, T = 1: one vector (B, output_size) for each row."""

    def __init__(self, part: InputPart, options: EncoderOptions, positions: int = 1) -> None:
        super().__init__()
        self.part = part
        self.input_dropout = nn.Dropout(options.input_dropout)
        width = positions * part.output_size
        self.feed_forward = feed_forward(width, options)
        self.output_size = options.feed_forward[-1] if options.feed_forward else width

    def forward(self, inputs: Padded) -> Tensor:
        """Return the vectors (B, output_size) of a batch."""
        values: Tensor = self.feed_forward(self.input_dropout(self.row(inputs)))
        return values

    def row(self, inputs: Padded) -> Tensor:
        """Return the numbers (B, I) that the layers read."""
        values: Tensor = self.part(*inputs.tensors)
        return values[0]


class SideBySide(RowReader):
    """Feed-forward layers on the first N = `positions` steps of a sequence, side by side: N I numbers.

    Steps that are missing are zero, steps beyond N are not read. Each position has weights of its own, so
    that nothing that is learned at one of them is known at another.
    """

    def __init__(self, part: InputPart, options: EncoderOptions, positions: int) -> None:
        super().__init__(part, options, positions)
        self.positions = positions

    def row(self, inputs: Padded) -> Tensor:
        """Return the steps side by side, (B, N I), with zeros in the padding."""
        values: Tensor = self.part(*inputs.tensors)
        valid = valid_steps(len(values), inputs.lengths)[:, :, None]
        read = torch.where(valid, values, 0.0)[: self.positions]
        padded = functional.pad(read, (0, 0, 0, 0, 0, self.positions - len(read)))
        return padded.transpose(0, 1).flatten(1)
