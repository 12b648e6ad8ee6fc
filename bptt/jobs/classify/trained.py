"""A trained classifier: reading inputs, predicting, evaluating, and loading from a run folder."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, TypeVar

import torch
from torch import Tensor

from bptt.data.examples import Example, Examples
from bptt.data.readers.asked import Said, is_lines, read_asked
from bptt.deferred import deferred
from bptt.jobs.classify.config import TASK, ClassifierConfig
from bptt.jobs.classify.network import Classifier, Labelling, OneLabel
from bptt.jobs.shown import ShownModel, TrainedFacts
from bptt.models.codecs.codec import Padded
from bptt.models.codecs.given import as_list
from bptt.models.encoded import answer_inputs
from bptt.models.kinds.kind import CodecOptions, InputKind
from bptt.models.kinds.registry import find_kind, part_rows, saved_codec
from bptt.models.ngrams import BagEncoder, Bags, NgramList, gather_bags
from bptt.notebook import MOST, Answers, ShownRow, table_html
from bptt.runs.config import read_sections
from bptt.runs.evaluating import evaluating
from bptt.runs.labels import read_labels
from bptt.runs.run_folder import WEIGHTS
from bptt.runs.unset import build_unset
from bptt.runs.weights import read_weights

if TYPE_CHECKING:
    from bptt.data.readers.document import Document
    from bptt.data.readers.forms import Source
    from bptt.jobs.classify.metrics import Scores
    from bptt.models.codecs.codec import Codec
    from bptt.runs.origin import Rows

# A classifier that answers has no use for these.
_scores = deferred("bptt.jobs.classify.metrics", "scores")
_several_labels = deferred("bptt.jobs.classify.label_sets", "SeveralLabels")
_scores_of_sets = deferred("bptt.jobs.classify.label_sets", "scores_of_sets")
_describe_offsets = deferred("bptt.jobs.classify.thresholds", "describe_offsets")

Input = Any
Y = TypeVar("Y")
Labelled = Examples[Input, str]

_NOTHING_SAID = Said()


@dataclass(frozen=True)
class Prediction(ShownRow):
    """The label of an input, its probability, and those of all labels that the model has, in their order.

    The label is the most probable one, unless the model has thresholds, and `labels` holds it alone. Of a
    model of several labels, `labels` has those that are more probable than not, or is empty; `label` is these
    with a separator, and the probability is that of exactly these. `known` names all labels of the model.
    """

    label: str
    probability: float
    probabilities: tuple[float, ...]
    labels: tuple[str, ...]
    known: tuple[str, ...] = field(default=(), repr=False)

    def as_row(self) -> Mapping[str, str]:
        """Return the row of a table in a notebook."""
        return {"label": self.label, "P": f"{self.probability:.3f}"}

    def _repr_html_(self) -> str:
        """Return all labels for a notebook, the most probable first; a mark is at those of the answer."""
        ranked = sorted(zip(self.probabilities, self.known, strict=True), key=lambda each: -each[0])
        rows = [(name, f"{p:.3f}", "✓" if name in self.labels else "") for p, name in ranked[:MOST]]
        return table_html(("label", "P", "answer"), rows)


class TrainedClassifier(ShownModel):
    """A classifier with everything needed to read inputs and to name labels.

    Inputs of a kind that does not fit into memory are encoded by `workers` threads ahead of time (0: none).
    """

    task: ClassVar[str] = TASK

    def __init__(
        self,
        model: Classifier,
        codec: Codec[Input],
        labels: tuple[str, ...],
        config: ClassifierConfig,
        ngrams: NgramList | None = None,
        workers: int = 0,
    ) -> None:
        self.workers = workers
        self.model, self.codec, self.labels, self.config = model, codec, labels, config
        self._bag = None if ngrams is None else BagEncoder(ngrams)

    @property
    def facts(self) -> TrainedFacts:
        """The facts by which the model shows itself."""
        cell = self.config.cell if self.config.source.is_recurrent else None
        about = {"input": self.config.source.kind, "labels": len(self.labels)}
        return TrainedFacts(self.model, cell, self.config.model, about)

    def read(self, source: Source, labelled: bool, said: Said = _NOTHING_SAID) -> Labelled:
        """Read examples in the format of the training data, or in the one that `read_asked` detects.

        Each line of a text is one example. Raises InputError with file and line if one cannot be read.
        """
        several = self.config.head.multi_label
        known = self.config.source.columns
        columns = replace(known, classes=self.labels, labelled=labelled, several=several)
        return read_asked(source, self.config.source.form, columns, said)

    def read_asked(self, source: Source, said: Said) -> Labelled:
        """Read all inputs to be answered. Raises InputError as `read` does."""
        return self.read(source, labelled=False, said=said)

    def reads_lines(self, first: Document, said: Said) -> bool:
        """Return whether each line of a source that begins with `first` is an input."""
        columns = replace(self.config.source.columns, classes=self.labels, labelled=False)
        return self._kind.is_text and is_lines(first, columns, said)

    def predict(self, inputs: Iterable[Input], places: Sequence[str] = ()) -> Answers[Prediction]:
        """Return the label of each input. Raises the errors of `log_probabilities`."""
        given = as_list(inputs, "inputs", "inputs")
        found = self.log_probabilities(given, places)
        answers = self.model.labelling.decide(found, self.offsets)
        pairs = zip(answers, found.exp(), strict=True)
        return Answers((self._prediction(*pair) for pair in pairs), given)

    def _prediction(self, answer: Tensor, probabilities: Tensor) -> Prediction:
        """Return the label that was decided on, or the labels, with the probability of all that it says."""
        labelling = self.model.labelling
        label, labels = labelling.show(answer, self.labels), labelling.named(answer, self.labels)
        row = tuple(probabilities.tolist())
        if self.config.head.multi_label:
            exactly = float(torch.where(answer > 0, probabilities, 1 - probabilities).prod())
            return Prediction(label, exactly, row, labels, self.labels)
        return Prediction(label, row[int(answer)], row, labels, self.labels)

    def log_probabilities(self, inputs: Iterable[Input], places: Sequence[str] = ()) -> Tensor:
        """Return the logarithm of the probability of each label, (N, K), on the CPU.

        Raises InputError if an input cannot be encoded, with its place (file:line; without `places`, for
        example inputs[3]); MachineError if a batch does not fit into memory.
        """
        return self._log_probabilities(self.codec.take_examples(inputs, places))

    def log_probabilities_of(self, examples: Labelled) -> Tensor:
        """Return the same for examples as they were read. Raises the same errors."""
        return self._log_probabilities(examples.rows)

    def _log_probabilities(self, given: Sequence[Example[Input, Any]]) -> Tensor:
        found = self._of_one_strand(given)
        if not self.config.source.both_strands:
            return found
        both = torch.stack([found, self._of_one_strand(other_strands(self._kind, given))])
        return both.exp().mean(0).log()

    @property
    def ngrams(self) -> NgramList | None:
        """The n-grams of the linear model beside the network; None for a model without."""
        return None if self._bag is None else self._bag.known

    def bags(self, inputs: Sequence[Input]) -> Bags | None:
        """Return the n-grams of inputs, on the device of the model; None for a model without n-grams."""
        if self._bag is None:
            return None
        limit = self.config.data.max_length
        bags = gather_bags([self._bag(read_part(self.codec, each, limit)) for each in inputs])
        return bags.to(self.model.output.weight.device)

    def evaluate(self, examples: Labelled) -> Scores:
        """Return the scores on labelled examples. Raises InputError for a label that was not learned."""
        targets = self.targets(examples)
        log_probabilities = self.log_probabilities_of(examples)
        measure = _scores_of_sets if self.config.head.multi_label else _scores
        found: Scores = measure(log_probabilities, targets, self.labels, self.offsets)
        return found

    @property
    def _kind(self) -> InputKind:
        # Looked up, not stored: estimators are pickled, and a record of functions cannot be.
        return find_kind(self.config.source.kind)

    @property
    def offsets(self) -> Tensor | None:
        """The decision offsets (K,) added to ln P before the argmax; None for a model without."""
        return None if self.model.offsets is None else self.model.offsets.cpu()

    @property
    def notes(self) -> tuple[str, ...]:
        """Lines for the user about how answers are found."""
        thresholds = () if self.offsets is None else (_describe_offsets(self.offsets, self.labels),)
        return (*self.codec.notes, *thresholds)

    def targets(self, examples: Labelled) -> Tensor:
        """Return the targets of examples as the loss takes them: the numbers of their labels, (N,), or a 1
        for each of several, (N, K). Raises InputError for a label that was not learned.
        """
        return self.model.labelling.numbers(examples, self.labels)

    def number(self, target: str, place: str) -> Tensor:
        """Return one target, () or (K,). Raises InputError with `place` for a label that was not learned."""
        return self.model.labelling.number(target, place, self.labels)

    def _of_one_strand(self, examples: Sequence[Example[Input, Any]]) -> Tensor:
        limit, fits = self.config.data.max_length, self._kind.fits_memory
        encoded = answer_inputs(self.codec, examples, limit, fits, self.workers)
        weight = self.model.output.weight
        found = torch.empty(len(examples), len(self.labels), dtype=weight.dtype)

        def answer(rows: Sequence[int], batch: Padded) -> Tensor:
            logits = self.model(batch.to(weight.device))
            bags = self.bags([examples[row].input for row in rows])
            return self.model.labelling.log_probabilities(self.model.answer(logits, bags)).cpu()

        with evaluating(self.model):
            for rows, here in self.sharing.answered(encoded, self.config.data.batch_size, answer):
                found[rows] = here
        return found


def build(
    codec: Codec[Input], classes: int, config: ClassifierConfig, ngrams: NgramList | None
) -> Classifier:
    """Build the network for the inputs of a codec, and the linear model for the n-grams."""
    cell = config.cell if config.source.is_recurrent else None
    count = None if ngrams is None else len(ngrams)
    head, labelling, positions = config.head, labelling_of(config), config.source.positions
    return Classifier(codec.part(), classes, cell, config.model, head, labelling, count, positions)


def labelling_of(config: ClassifierConfig) -> Labelling:
    """Return what the outputs of a classifier mean."""
    if not config.head.multi_label:
        return OneLabel(config.head.loss == "squared")
    several: Labelling = _several_labels(config.source.label_separator)
    return several


def read_part(codec: Codec[Any], given: Any, limit: int) -> Any:
    """Return the part of a text or DNA that the network reads: the first `limit` steps (0: all)."""
    whole = codec.folded(given)
    return "".join(codec.spell(whole)[:limit]) if limit and isinstance(whole, str) else whole


def weight_rows(model: Classifier, codec: Codec[Input], labels: tuple[str, ...]) -> Rows:
    """Return the meaning of the rows of parameters (tokens, labels), to transfer weights by name."""
    return part_rows(model, codec) | dict.fromkeys(("output.weight", "output.bias"), (labels,))


def read_configuration(run: Path) -> ClassifierConfig:
    """Read the configuration of a run folder. Raises InputError naming file and cure."""
    return read_sections(ClassifierConfig, run, TASK)


def load_classifier(run: Path) -> TrainedClassifier:
    """Load the classifier of a run folder with its best weights.

    Raises InputError with file and cure if a file is missing or damaged.
    """
    config = read_configuration(run)
    labels = read_labels(run)
    source = config.source
    rule = find_kind(source.kind).ngrams
    options = CodecOptions(
        len(source.features), config.vocabulary, config.tokens, source.windows, clips=config.clips
    )
    codec = saved_codec(run, source.kind, options)
    ngrams = NgramList.load(run, rule) if config.head.ngrams and rule else None
    layers = {
        "model.num_layers": config.model.num_layers,
        "model.feed_forward": len(config.model.feed_forward),
    }
    model = build_unset(run, layers, lambda: build(codec, len(labels), config, ngrams))
    read_weights(model, run / WEIGHTS)
    return TrainedClassifier(model.eval(), codec, labels, config, ngrams)


def other_strands(kind: InputKind, examples: Sequence[Example[Input, Y]]) -> list[Example[Input, Y]]:
    """Return each example with the other strand of its input; [] if inputs of this kind have none."""
    if kind.other_strand is None:
        return []
    return [replace(each, input=kind.other_strand(each.input)) for each in examples]
