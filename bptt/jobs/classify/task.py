"""Classification: one of several labels for a text, a sequence of DNA, a series, or a row of a table."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor, nn

from bptt.data.examples import in_file
from bptt.errors import counted
from bptt.jobs.classify.config import TASK, ClassifierConfig
from bptt.jobs.classify.label_sets import scores_of_sets
from bptt.jobs.classify.linear_models import accuracies_beside, fit_beside, lines_beside, write_beside
from bptt.jobs.classify.metrics import scores
from bptt.jobs.classify.network import Classifier
from bptt.jobs.classify.ngrams import fit_ngrams, importance_of
from bptt.jobs.classify.options import OPTIONS
from bptt.jobs.classify.thresholds import choose_offsets
from bptt.jobs.classify.trained import Labelled as Labelled
from bptt.jobs.classify.trained import TrainedClassifier as TrainedClassifier
from bptt.jobs.classify.trained import build, labelling_of, other_strands, read_part, weight_rows
from bptt.jobs.classify.trained import load_classifier as load_classifier
from bptt.jobs.supervised import SMALLER, Supervised, fingerprint, hold_out, set_aside
from bptt.models.encoded import encode_inputs, measure
from bptt.models.kinds.kind import CodecOptions
from bptt.models.kinds.registry import codec_of, continued_codec, find_kind, new_codec
from bptt.models.ngrams import FILE as NGRAMS
from bptt.models.ngrams import NgramList
from bptt.models.summaries import StepSummary
from bptt.runs.config import to_sections
from bptt.runs.labels import write_labels
from bptt.runs.memory import within_memory
from bptt.runs.origin import Origin, refuse_vectors, take_weights
from bptt.runs.run_folder import write_bytes, write_config

_NO_NGRAMS = "n-grams: none beside the network, as their linear model is fitted to texts that are in memory"


class ClassifyTask(Supervised):
    """A training of a classifier.

    The held-out examples are `held_out`, or, if that is None, a stratified share of `examples`, in which
    equal inputs are on the same side of the split. Initial weights are drawn from torch's generator: seed it
    before. `vectors` is a file of pretrained word vectors for the embedding of texts. Inputs that do not fit
    into memory are encoded by `workers` threads ahead of time (0: when a batch needs them); results do not
    depend on their number.

    Raises InputError if there are fewer than two labels, a held-out label does not occur in training, the
    labels are continuous numbers, or an input cannot be encoded; MachineError if the model does not fit into
    memory.
    """

    title = OPTIONS.called
    unit = "examples"
    model: Classifier

    def __init__(
        self,
        examples: Labelled,
        held_out: Labelled | None,
        config: ClassifierConfig,
        origin: Origin[TrainedClassifier] | None = None,
        vectors: Path | None = None,
        *,
        workers: int = 0,
    ) -> None:
        source = replace(config.source, features=examples.columns, learned=examples.found)
        self.config = config = replace(config, source=source)
        self._notes, self._set_aside = examples.notes, set_aside(examples) if held_out is None else ()
        if config.head.ngrams and in_file(examples.rows):
            self._notes = (*self._notes, _NO_NGRAMS)
            self.config = config = replace(config, head=replace(config.head, ngrams=False))
        labelling = labelling_of(config)
        # Of all examples: a label that is rare may be on one side of the split alone.
        labelling.labels_of(examples)
        if held_out is None:
            learned, held = hold_out(examples, examples.targets, config.data)
            examples, held_out = examples.take(learned), examples.take(held)
        self.labels = labelling.labels_of(examples)
        self._learned, self._held_out = examples, held_out
        self.criterion = config.head.criterion
        kind, source, self._workers = find_kind(config.source.kind), config.source, workers
        options = CodecOptions(
            len(examples.columns),
            config.vocabulary,
            config.tokens,
            source.windows,
            clips=config.clips,
            skeleton=config.skeleton,
            labels=self.labels,
            workers=workers,
        )
        self._codec = (
            continued_codec(codec_of(origin), kind.name, examples.inputs, options)
            if origin
            else new_codec(kind.name, examples.inputs, options, vectors)
        )
        refuse_vectors(origin, vectors)
        self._codec.check_labels(self.labels)
        self.config = config = replace(config, **self._codec.settled)
        self.least_updates = kind.updates
        rows = examples.rows
        if source.both_strands:
            rows = [*rows, *other_strands(kind, rows)]
        limit = config.data.max_length
        inputs = encode_inputs(self._codec, rows, limit, kind.fits_memory, workers, config.data.seed)
        # Encoded once now, so that a held-out input that cannot be read is refused before training starts.
        measure(self._codec.encode_example, held_out.rows, workers)
        targets = labelling.numbers(examples, self.labels)
        self._targets = torch.cat([targets] * (1 + source.both_strands))
        self._importance = importance_of(self._targets, config.head.balance)
        texts = [read_part(self._codec, row.input, limit) for row in rows] if config.head.ngrams else []
        self._ngrams = NgramList.build(kind.ngrams, texts) if config.head.ngrams and kind.ngrams else None
        with within_memory("the model", SMALLER):
            self.model = build(self._codec, len(self.labels), config, self._ngrams)
        if self.model.ngrams is not None and self._ngrams is not None:
            fit_ngrams(self.model.ngrams, self._ngrams, texts, self._targets, self._importance)
        self._taken = self._take(origin) if origin else []
        super().__init__(inputs, config.data)

    def _take(self, origin: Origin[TrainedClassifier]) -> list[str]:
        self.begun_from, there = origin.name, origin.trained
        here, other = (weight_rows(each.model, each.codec, each.labels) for each in (self.trained, there))
        # Only the network: the linear model of n-grams is fitted to the new data.
        ours, theirs = (_network(model) for model in (self.model, there.model))
        return take_weights(ours, here, theirs, other, origin.name)

    def loss(self, rows: Sequence[int]) -> tuple[Tensor, int]:
        """Return the mean loss of the training examples with these indices, and their number."""
        with within_memory("a batch", SMALLER):
            logits = self.model(self.batch(self.take(rows)))
            targets = self._targets[rows].to(self.device)
            if not self.config.head.balance:
                return self.model.loss(logits, targets), len(rows)
            importance = self._importance[rows].to(self.device)
            return (importance * self.model.loss(logits, targets, "none")).mean(), len(rows)

    @property
    def longest(self) -> int:
        """The number of steps of the longest example that is learned from."""
        return int(max(self._inputs.lengths))

    @property
    def fingerprint(self) -> str:
        """A hash of all examples."""
        return fingerprint(self._learned, self._held_out)

    @property
    def holds_out(self) -> bool:
        """Whether there are examples to evaluate on."""
        return len(self._held_out) > 0

    def evaluate(self) -> dict[str, float]:
        """Return the metrics of the held-out examples, by their most probable labels without thresholds."""
        found = self.shared(self.trained).log_probabilities_of(self._held_out)
        targets = self.trained.targets(self._held_out)
        if self.model.offsets is not None:
            # Stored as a buffer of the model, so that thresholds are saved with the weights of their epoch.
            self.model.offsets.copy_(choose_offsets(found, targets))
        measure = scores_of_sets if self.config.head.multi_label else scores
        return dict(measure(found, targets, self.labels).metrics)

    def conclude(self, run: Path) -> list[str]:
        """Describe the thresholds of the best weights, and the linear models beside the network."""
        return [*self._conclude_thresholds(run), *self._conclude_beside(run)]

    def _conclude_beside(self, run: Path) -> list[str]:
        """Describe the accuracy of the linear models on the held-out examples."""
        if not self.holds_out or not self._summaries:
            return []
        best = load_classifier(run)
        accuracy = best.evaluate(self._held_out).metrics["accuracy"]
        return lines_beside(accuracies_beside(best, self._summaries, run, self._held_out), accuracy)

    @property
    def _summaries(self) -> tuple[StepSummary, ...]:
        """The vectors of an input that linear models read; () without such models."""
        found = find_kind(self.config.source.kind).summaries
        return () if self.config.head.multi_label else found

    def _conclude_thresholds(self, run: Path) -> list[str]:
        """Describe the thresholds, and their gain in macro F1."""
        if self.model.offsets is None or not self.holds_out:
            return []
        best = load_classifier(run)
        found, targets = best.log_probabilities_of(self._held_out), best.targets(self._held_out)
        before, after = (scores(found, targets, self.labels, each) for each in (None, best.offsets))
        gain = (
            f"held-out macro_f1 {before.metrics['macro_f1']:.4f}, with them {after.metrics['macro_f1']:.4f}"
        )
        return [*best.notes, *([gain] if best.offsets is not None and best.offsets.any() else [])]

    def save(self, folder: Path) -> None:
        """Write config.json, labels.json, the linear models, the files of the codec and of the n-grams."""
        for name, content in self._codec.files().items():
            write_bytes(folder / name, content)
        if self._ngrams is not None:
            write_bytes(folder / NGRAMS, self._ngrams.to_bytes())
        if self._summaries:
            write_beside(fit_beside(self.trained, self._summaries, self._learned), folder)
        write_labels(folder, self.labels)
        write_config(folder, {"task": TASK, **to_sections(self.config)})

    def describe(self) -> list[str]:
        """Describe the examples, the labels, and the size of the model."""
        counts = Counter(dict(zip(self.labels, self._label_counts, strict=True)))
        most = ", ".join(f"{label} {count:,}" for label, count in counts.most_common(8))
        more = f", and {len(counts) - 8} others" if len(counts) > 8 else ""
        lengths = self._inputs.lengths.sort().values.tolist()
        weights = sum(parameter.numel() for parameter in self.model.parameters())
        steps = f"{lengths[0]:,} to {lengths[-1]:,} {self._codec.unit} each, half of them up to "
        return [
            *self._taken,
            *self._notes,
            *self.config.source.describe_columns(),
            f"learned: {counted(len(self._learned), 'examples')} of {len(counts)} labels ({most}{more})",
            *self._unseparated,
            f"held out: {counted(len(self._held_out), 'examples')}",
            *self._set_aside,
            f"inputs: {steps}{lengths[len(lengths) // 2]:,}",
            *self._codec.describe(),
            f"model: {weights:,} weights",
            *([] if self._ngrams is None else [self._ngrams.describe()]),
            *(["thresholds: none, as nothing is held out"] if self._lacks_thresholds else []),
        ]

    @property
    def _unseparated(self) -> list[str]:
        """A line if no example has two labels, though it might: they may be separated by something else."""
        if not self.config.head.multi_label or bool((self._targets.sum(1) > 1).any()):
            return []
        between = self.config.source.label_separator
        return [
            f"labels: no example has two, with {between!r} between them (`label_separator` says otherwise)"
        ]

    @property
    def _label_counts(self) -> list[int]:
        """The number of training examples with each label."""
        targets = self._targets[: len(self._learned)]
        counts = targets.sum(0) if self.config.head.multi_label else torch.bincount(targets)
        found: list[int] = counts.int().tolist()
        return found

    @property
    def _lacks_thresholds(self) -> bool:
        return self.config.head.thresholds and not self.holds_out

    @cached_property
    def trained(self) -> TrainedClassifier:
        """The classifier with its current weights."""
        found = self.model, self._codec, self.labels, self.config, self._ngrams
        return TrainedClassifier(*found, self._workers)


def _network(model: Classifier) -> nn.Module:
    return nn.ModuleDict({"body": model.body, "output": model.output})
