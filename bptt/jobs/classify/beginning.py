"""A classifier begins: from choices to the data, the configuration and the task; the folds."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import torch
from torch import Tensor

from bptt.cells.load import as_cells, own_layers
from bptt.data.clips.clip_options import ClipOptions
from bptt.data.readers.detect import detect
from bptt.data.readers.forms import read_examples
from bptt.data.readers.grid import Columns, Naming
from bptt.data.skeletons.options import SkeletonOptions
from bptt.data.split import fold_numbers
from bptt.errors import InputError
from bptt.jobs.answers import EvaluationReport
from bptt.jobs.classify.config import (
    ClassifierConfig,
    has_ngrams,
    in_windows,
    usual_dropout,
    usual_smoothing,
)
from bptt.jobs.classify.metrics import scores_of_folds
from bptt.jobs.classify.options import ClassifyFiles, HeadOptions, SourceOptions
from bptt.jobs.classify.reporting import report
from bptt.jobs.classify.task import ClassifyTask
from bptt.jobs.classify.trained import Labelled, TrainedClassifier
from bptt.jobs.job import Folding
from bptt.jobs.options import ExampleOptions
from bptt.jobs.reading import detected_form
from bptt.models.kinds.registry import find_kind
from bptt.models.options import EncoderOptions, TokenOptions
from bptt.models.tokens import vocabulary_options
from bptt.options.choices import Choices
from bptt.runs.origin import Origin


def _configure(choices: Choices, files: ClassifyFiles, columns: Columns) -> ClassifierConfig:
    form = detected_form(choices, files.data, detect, columns)
    source = choices.make(SourceOptions, form=form)
    behind, before = usual_dropout(source.kind)
    balance, several = choices.get("balance"), choices.get("multi_label")
    cells = as_cells(files.cell)
    return ClassifierConfig(
        cells,
        source,
        choices.make(EncoderOptions, dropout=behind, input_dropout=before, **own_layers(cells)),
        choices.make(
            HeadOptions,
            pooling=find_kind(source.kind).pooling,
            ngrams=has_ngrams(source.kind) and not several,
            smoothing=0.0 if several else usual_smoothing(source.kind, choices.get("loss")),
            # With folds, the held-out examples measure the model, so they must not choose thresholds.
            thresholds=balance and not files.folds,
            select="f1" if balance else "accuracy",
        ),
        choices.make(TokenOptions, vector_words=files.known_words),
        vocabulary_options(choices),
        choices.make(ExampleOptions, seed=choices.get("seed")),
        choices.make(ClipOptions),
        choices.make(SkeletonOptions),
    )


def _read(choices: Choices) -> tuple[ClassifyFiles, ClassifierConfig, Labelled, Labelled | None]:
    """Return files, configuration, training examples, and held-out examples or None for a share."""
    files = choices.make(ClassifyFiles)
    if files.folds and files.dev is not None:
        raise InputError("folds", "holds out each part of DATA in turn", "`dev`", "Leave one out")
    columns = Columns(
        choices.get("input_column"),
        choices.get("target_column"),
        header=choices.get("header"),
        several=choices.get("multi_label"),
        naming=Naming(*map(choices.get, ("group_column", "split_column", "group_pattern", "label_pattern"))),
    )
    if files.folds and columns.several:
        raise InputError(
            "folds", "is for one label of several, not with `multi_label`", files.folds, "Leave it out"
        )
    config = _configure(choices, files, columns)
    form = config.source.form
    learned = read_examples(files.data, form, columns)
    known = replace(columns, features=learned.columns, learned=learned.found)
    dev = None if files.dev is None else read_examples(files.dev, form, known)
    if files.windows:
        config = in_windows(config, len(learned.inputs[0]))
    return files, config, learned, dev


def begin(choices: Choices, origin: Origin[TrainedClassifier] | None) -> ClassifyTask:
    """Make the task of what was chosen. Raises InputError for data that cannot be read or learned."""
    files, config, learned, dev = _read(choices)
    return ClassifyTask(learned, dev, config, origin, files.vectors, workers=choices.get("workers"))


def fold(choices: Choices) -> Folding | None:
    """Return the folds, if they were chosen; every model starts from the same initial weights."""
    if not choices.get("folds"):
        return None
    files, config, examples, _ = _read(choices)
    seed = choices.get("seed")
    numbers = fold_numbers(examples.groups, examples.targets, files.folds, seed)

    def make(learned: list[int], held_out: list[int]) -> ClassifyTask:
        torch.manual_seed(seed)
        return ClassifyTask(
            examples.take(learned),
            examples.take(held_out),
            config,
            vectors=files.vectors,
            workers=choices.get("workers"),
        )

    def score(folds: Sequence[tuple[ClassifyTask, Sequence[int]]]) -> EvaluationReport:
        answers: list[tuple[tuple[str, ...], Tensor, Sequence[str]]] = []
        for task, rows in folds:
            held_out = examples.take(rows)
            found = task.trained.log_probabilities_of(held_out)
            answers.append((task.labels, found, held_out.targets))
        return report(scores_of_folds(answers))

    return Folding(numbers, make, score)
