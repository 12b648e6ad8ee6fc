"""The record of the job `classify`: training, answers, evaluation and inspection."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from bptt.cells.load import load
from bptt.data.readers.detect import detect
from bptt.data.readers.forms import read_examples
from bptt.data.readers.grid import Columns
from bptt.data.split import fold_numbers
from bptt.errors import InputError
from bptt.jobs.answers import EvaluationReport, ScoreTable
from bptt.jobs.classify.answering import ClassifierAsking
from bptt.jobs.classify.config import (
    TASK,
    ClassifierConfig,
    has_ngrams,
    in_windows,
    usual_dropout,
    usual_smoothing,
)
from bptt.jobs.classify.exposure import expose
from bptt.jobs.classify.metrics import Scores, scores_of_folds
from bptt.jobs.classify.options import OPTIONS, ClassifyFiles, HeadOptions, SourceOptions
from bptt.jobs.classify.task import ClassifyTask
from bptt.jobs.classify.trained import Labelled, TrainedClassifier, load_classifier
from bptt.jobs.commands import EvaluateOptions, ReadingOptions
from bptt.jobs.job import Folding, Job, Stretch
from bptt.jobs.options import ExampleOptions
from bptt.jobs.reading import detected_form, needed_data, noted, refuse_target, take
from bptt.models.options import EncoderOptions, TokenOptions
from bptt.models.tokens import vocabulary_options
from bptt.nn.exposure import Exposure
from bptt.options.choices import Choices
from bptt.runs.config import read_sections
from bptt.runs.origin import Origin


def _configure(choices: Choices, files: ClassifyFiles, columns: Columns) -> ClassifierConfig:
    form = detected_form(choices, files.data, detect, columns)
    source = choices.make(SourceOptions, form=form)
    behind, before = usual_dropout(source.kind)
    balance = choices.get("balance")
    return ClassifierConfig(
        load(files.cell),
        source,
        choices.make(EncoderOptions, dropout=behind, input_dropout=before),
        choices.make(
            HeadOptions,
            ngrams=has_ngrams(source.kind),
            smoothing=usual_smoothing(source.kind, choices.get("loss")),
            # With folds, the held-out examples measure the model, so they must not choose thresholds.
            thresholds=balance and not files.folds,
            select="f1" if balance else "accuracy",
        ),
        choices.make(TokenOptions, vector_words=files.known_words),
        vocabulary_options(choices),
        choices.make(ExampleOptions, seed=choices.get("seed")),
    )


def _read(choices: Choices) -> tuple[ClassifyFiles, ClassifierConfig, Labelled, Labelled | None]:
    """Return files, configuration, training examples, and held-out examples or None for a share."""
    files = choices.make(ClassifyFiles)
    if files.folds and files.dev is not None:
        raise InputError("folds", "holds out each part of DATA in turn", "`dev`", "Leave one out")
    columns = Columns(choices.get("input_column"), choices.get("target_column"), header=choices.get("header"))
    config = _configure(choices, files, columns)
    form = config.source.form
    learned = read_examples(files.data, form, columns)
    known = replace(columns, features=learned.columns, learned=learned.found)
    dev = None if files.dev is None else read_examples(files.dev, form, known)
    if files.windows:
        config = in_windows(config, len(learned.inputs[0]))
    return files, config, learned, dev


def _begin(choices: Choices, origin: Origin[TrainedClassifier] | None) -> ClassifyTask:
    files, config, learned, dev = _read(choices)
    return ClassifyTask(learned, dev, config, origin, files.vectors, workers=choices.get("workers"))


def _fold(choices: Choices) -> Folding | None:
    """Return the folds, if they were chosen; every model starts from the same initial weights."""
    if not choices.get("folds"):
        return None
    files, config, examples, _ = _read(choices)
    seed = choices.get("seed")
    numbers = fold_numbers(examples.keys, examples.targets, files.folds, seed)

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
            answers.append(
                (
                    task.labels,
                    task.trained.log_probabilities(held_out.inputs, held_out.places),
                    held_out.targets,
                )
            )
        return _report(scores_of_folds(answers))

    return Folding(numbers, make, score)


def _evaluate(trained: TrainedClassifier, run: Path, choices: Choices) -> EvaluationReport:
    data = needed_data(run, choices.make(EvaluateOptions).data)
    examples = trained.read(data, labelled=True, said=choices.make(ReadingOptions).said())
    return _report(trained.evaluate(examples), (*noted(data, examples), *trained.notes))


def _report(found: Scores, notes: tuple[str, ...] = ()) -> EvaluationReport:
    """Return the metrics, and for each label how often it was predicted and its most frequent confusion."""
    rows = []
    for label, row in zip(found.labels, found.confusion, strict=True):
        right = row[found.labels.index(label)]
        count, other = max((c, o) for c, o in zip(row, found.labels, strict=True) if o != label)
        rows.append((label, right, sum(row), f"{other} ({count})" if count else "-"))
    table = ScoreTable(("label", "right", "of", "most often taken for"), tuple(rows))
    return EvaluationReport(found.metrics, (table,), notes, found, "confusion.png")


def _expose(trained: TrainedClassifier, stretch: Stretch) -> list[Exposure]:
    refuse_target(stretch)
    examples = trained.read(stretch.source, stretch.labelled)
    return [expose(trained, row, stretch.limit) for row in take(examples, stretch)]


JOB = Job(
    options=OPTIONS,
    begin=_begin,
    configuration=lambda run: read_sections(ClassifierConfig, run, TASK),
    load=load_classifier,
    evaluate=_evaluate,
    expose=_expose,
    ask=ClassifierAsking,
    fold=_fold,
)
