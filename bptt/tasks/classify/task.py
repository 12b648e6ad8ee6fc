"""Classification: one of several labels for a text, a sequence of DNA, a series, or a row of a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn

from bptt.data.classes import check_classes
from bptt.data.examples import Examples
from bptt.data.nucleotides import reverse_complement
from bptt.data.readers.asked import Said, is_lines, read_asked
from bptt.data.readers.document import Document
from bptt.data.readers.forms import Source
from bptt.errors import InputError
from bptt.tasks.classify.config import TASK, ClassifierConfig
from bptt.tasks.classify.metrics import Scores, scores
from bptt.tasks.classify.network import Classifier
from bptt.tasks.classify.ngrams import fit_ngrams, importance_of, read_part
from bptt.tasks.codecs.codec import Codec, pad
from bptt.tasks.codecs.kinds import codec_of, continued_codec, new_codec, part_rows, saved_codec
from bptt.tasks.codecs.text import TextCodec
from bptt.tasks.config import read_sections, to_sections
from bptt.tasks.evaluating import evaluating
from bptt.tasks.labels import check_labels, read_labels, write_labels
from bptt.tasks.memory import within_memory
from bptt.tasks.ngrams import FILE as NGRAMS
from bptt.tasks.ngrams import BagEncoder, Bags, NgramList, gather_bags
from bptt.tasks.origin import Origin, Rows, refuse_vectors, take_weights
from bptt.tasks.run_folder import WEIGHTS, read_weights, write_bytes, write_config
from bptt.tasks.shown import show_trained
from bptt.tasks.supervised import SMALLER, Encoded, Supervised, cut, fingerprint, hold_out, in_batches
from bptt.tasks.unset import build_unset

_CRITERIA = {"loss": "loss", "accuracy": "accuracy", "f1": "macro_f1"}

Input = Any
Labelled = Examples[Input, str]

_NOTHING_SAID = Said()


@dataclass(frozen=True)
class Prediction:
    """The most probable label of an input, and the probability of each label, in the order of `labels`."""

    label: str
    probabilities: tuple[float, ...]


class ClassifyTask(Supervised):
    """Learn the labels of examples.

    What is not learned from is `held_out`, or, if that is None, a share of the examples, stratified, with
    equal inputs on one side. The weights are drawn from torch's generator: seed it before. Raises
    InputError if there are fewer than two labels, or a label is held out that is never learned, or the
    labels are continuous numbers. `vectors` is a file of word vectors that the embedding of texts begins
    with.
    """

    unit = "examples"
    model: Classifier

    def __init__(
        self,
        examples: Labelled,
        held_out: Labelled | None,
        config: ClassifierConfig,
        origin: Origin[TrainedClassifier] | None = None,
        vectors: Path | None = None,
    ) -> None:
        source = replace(config.source, features=examples.columns, learned=examples.found)
        self.config = config = replace(config, source=source)
        self._notes = examples.notes
        check_classes(examples)
        if held_out is None:
            learned, held = hold_out(examples.keys, examples.targets, config.data)
            examples, held_out = examples.take(learned), examples.take(held)
        self.labels = check_labels(examples)
        self._learned, self._held_out = examples, held_out
        self.criterion = _CRITERIA[config.head.select]
        read = config.source.kind, examples.inputs, len(examples.columns), config.vocabulary, config.tokens
        windows = config.source.windows
        self._codec = (
            continued_codec(codec_of(origin), *read, windows)
            if origin
            else new_codec(*read, windows, vectors)
        )
        refuse_vectors(origin, vectors)
        if isinstance(self._codec, TextCodec):
            self.config = config = replace(config, tokens=self._codec.options)
        strands = (examples.inputs, _other_strands(examples.inputs))
        inputs = [each for strand in strands[: 1 + config.source.both_strands] for each in strand]
        self._encoded = [cut(self._codec.encode(each), config.data) for each in inputs]
        numbers = {label: k for k, label in enumerate(self.labels)}
        targets = [numbers[label] for label in examples.targets] * (1 + config.source.both_strands)
        self._targets = torch.tensor(targets)
        self._importance = importance_of(self._targets, config.head.balance)
        texts = [read_part(self._codec, each, config.data.max_length) for each in inputs]
        self._ngrams = NgramList.build(config.source.kind, texts) if config.head.ngrams else None
        with within_memory("the model", SMALLER):
            self.model = build(self._codec, len(self.labels), config, self._ngrams)
        if self.model.ngrams is not None and self._ngrams is not None:
            fit_ngrams(self.model.ngrams, self._ngrams, texts, self._targets, self._importance)
        self._taken = self._take(origin) if origin else []
        super().__init__(self._encoded, config.data)

    def _take(self, origin: Origin[TrainedClassifier]) -> list[str]:
        self.begun_from, there = origin.name, origin.trained
        here, other = (_rows(each.model, each.codec, each.labels) for each in (self.trained, there))
        # The n-grams are fitted to the new data.
        ours, theirs = (
            nn.ModuleDict({"body": m.body, "output": m.output}) for m in (self.model, there.model)
        )
        return take_weights(ours, here, theirs, other, origin.name)

    def loss(self, rows: Sequence[int]) -> tuple[Tensor, int]:
        """The mean loss of these examples, and their number."""
        with within_memory("a batch", SMALLER):
            batch = pad([self._encoded[row] for row in rows])
            logits, targets = self.model(batch), self._targets[rows]
            if not self.config.head.balance:
                return self.model.loss(logits, targets), len(rows)
            return (self._importance[rows] * self.model.loss(logits, targets, "none")).mean(), len(rows)

    @property
    def fingerprint(self) -> str:
        """Of the examples."""
        return fingerprint(self._learned, self._held_out)

    @property
    def holds_out(self) -> bool:
        """Whether there are examples to evaluate on."""
        return len(self._held_out) > 0

    def evaluate(self) -> dict[str, float]:
        """The metrics of the held-out examples."""
        return self.trained.evaluate(self._held_out).metrics

    def save(self, folder: Path) -> None:
        """Write config.json, labels.json, and what the codec has learned."""
        for name, content in self._codec.files().items():
            write_bytes(folder / name, content)
        if self._ngrams is not None:
            write_bytes(folder / NGRAMS, self._ngrams.to_bytes())
        write_labels(folder, self.labels)
        write_config(folder, {"task": TASK, **to_sections(self.config)})

    def describe(self) -> list[str]:
        """The examples, the labels, and the size of the model."""
        counts = Counter(self._learned.targets)
        most = ", ".join(f"{label} {count:,}" for label, count in counts.most_common(8))
        more = f", and {len(counts) - 8} others" if len(counts) > 8 else ""
        lengths = sorted(len(tensors[0]) for tensors in self._encoded)
        weights = sum(parameter.numel() for parameter in self.model.parameters())
        steps = f"{lengths[0]:,} to {lengths[-1]:,} {self._codec.unit} each, half of them up to "
        return [
            *self._taken,
            *self._notes,
            *self.config.source.describe_columns(),
            f"learned: {len(self._learned):,} examples of {len(counts)} labels ({most}{more})",
            f"held out: {len(self._held_out):,} examples",
            f"inputs: {steps}{lengths[len(lengths) // 2]:,}",
            *self._codec.describe(),
            f"model: {weights:,} weights",
            *([] if self._ngrams is None else [self._ngrams.describe()]),
        ]

    @cached_property
    def trained(self) -> TrainedClassifier:
        """The classifier with its weights as they are now."""
        return TrainedClassifier(self.model, self._codec, self.labels, self.config, self._ngrams)


class TrainedClassifier:
    """A classifier with all that it needs to read inputs and to name labels."""

    def __init__(
        self,
        model: Classifier,
        codec: Codec[Input],
        labels: tuple[str, ...],
        config: ClassifierConfig,
        ngrams: NgramList | None = None,
    ) -> None:
        self.model, self.codec, self.labels, self.config = model, codec, labels, config
        self._bag = None if ngrams is None else BagEncoder(ngrams)
        self._numbers = {label: k for k, label in enumerate(labels)}

    def __repr__(self) -> str:
        cell = None if self.config.source.is_row else self.config.cell
        facts = {"input": self.config.source.kind, "labels": len(self.labels)}
        return show_trained(self, TASK, self.model, cell, self.config.model, facts)

    def read(self, source: Source, labelled: bool, said: Said = _NOTHING_SAID) -> Labelled:
        """Examples of the kind that was learned, in that form or in the one that they show, as `read_asked`
        finds it; each line of a text that was typed is one.
        """
        columns = replace(self.config.source.columns, classes=self.labels, labelled=labelled)
        return read_asked(source, self.config.source.form, columns, said)

    def read_asked(self, source: Source, said: Said) -> Labelled:
        """Examples to be answered, none left out."""
        return self.read(source, labelled=False, said=said)

    def reads_lines(self, first: Document, said: Said) -> bool:
        """Whether what begins with this line is lines, an input each."""
        columns = replace(self.config.source.columns, classes=self.labels, labelled=False)
        return self.config.source.kind == "text" and is_lines(first, columns, said)

    def predict(self, inputs: Sequence[Input]) -> list[Prediction]:
        """The label of each input. Raises MachineError if a batch does not fit into memory."""
        rows = self.log_probabilities(inputs).exp().tolist()
        return [Prediction(self.labels[row.index(max(row))], tuple(row)) for row in rows]

    def log_probabilities(self, inputs: Sequence[Input]) -> Tensor:
        """The logarithm of the probability of each label, (N, K), on the CPU."""
        found = self._of_one_strand(inputs)
        if not self.config.source.both_strands:
            return found
        both = torch.stack([found, self._of_one_strand(_other_strands(inputs))])
        return both.exp().mean(0).log()

    def bags(self, inputs: Sequence[Input]) -> Bags | None:
        """Return the n-grams of inputs, on the device of the model; None for a model without."""
        if self._bag is None:
            return None
        limit = self.config.data.max_length
        bags = gather_bags([self._bag(read_part(self.codec, each, limit)) for each in inputs])
        return bags.to(self.model.output.weight.device)

    def evaluate(self, examples: Labelled) -> Scores:
        """How well the labels of examples are found. Raises InputError for a label that was not learned."""
        pairs = zip(examples.rows, examples.targets, strict=True)
        targets = torch.tensor([self.number(label, row.place) for row, label in pairs])
        return scores(self.log_probabilities(examples.inputs), targets, self.labels)

    def number(self, label: str, place: str) -> int:
        """The number of the output for a label. Raises InputError with the place of one not learned."""
        if label not in self._numbers:
            rule = f"a label is one of those learned, {', '.join(self.labels)}"
            raise InputError(place, rule, repr(label), "Correct it, or leave the example out")
        return self._numbers[label]

    def _of_one_strand(self, inputs: Sequence[Input]) -> Tensor:
        encoded: list[Encoded] = [cut(self.codec.encode(each), self.config.data) for each in inputs]
        weight = self.model.output.weight
        found = torch.empty(len(inputs), len(self.labels), dtype=weight.dtype)
        with evaluating(self.model), within_memory("a batch", SMALLER):
            for rows, batch in in_batches(encoded, self.config.data.batch_size):
                logits = self.model(batch.to(weight.device))
                bags = self.bags([inputs[row] for row in rows])
                found[rows] = self.model.answer(logits, bags).log_softmax(1).cpu()
        return found


def build(
    codec: Codec[Input], classes: int, config: ClassifierConfig, ngrams: NgramList | None
) -> Classifier:
    """The network for what the codec gives, and for the n-grams."""
    cell = None if config.source.is_row else config.cell
    count = None if ngrams is None else len(ngrams)
    return Classifier(codec.part(), classes, cell, config.model, config.head, count)


def _network(model: Classifier) -> nn.Module:
    return nn.ModuleDict({"body": model.body, "output": model.output})


def _rows(model: Classifier, codec: Codec[Input], labels: tuple[str, ...]) -> Rows:
    """What the rows of the tensors stand for."""
    return part_rows(model, codec) | dict.fromkeys(("output.weight", "output.bias"), (labels,))


def load_classifier(run: Path) -> TrainedClassifier:
    """The classifier of a run folder with its best weights. Raises InputError naming file and cure."""
    config = read_sections(ClassifierConfig, run, TASK)
    labels = read_labels(run)
    source = config.source
    columns = len(source.features)
    codec = saved_codec(run, source.kind, columns, config.vocabulary, config.tokens, source.windows)
    ngrams = NgramList.load(run, source.kind) if config.head.ngrams else None
    layers = {
        "model.num_layers": config.model.num_layers,
        "model.feed_forward": len(config.model.feed_forward),
    }
    model = build_unset(run, layers, lambda: build(codec, len(labels), config, ngrams))
    read_weights(model, run / WEIGHTS)
    return TrainedClassifier(model.eval(), codec, labels, config, ngrams)


def _other_strands(inputs: Sequence[Input]) -> list[Input]:
    return [reverse_complement(each) for each in inputs] if inputs and isinstance(inputs[0], str) else []
