"""A classifier measured on labelled examples, as a report."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from pathlib import Path

from bptt.jobs.answers import EvaluationReport, ScoreTable
from bptt.jobs.classify.label_sets import SetScores
from bptt.jobs.classify.linear_models import accuracies_beside, table_beside
from bptt.jobs.classify.metrics import Scores
from bptt.jobs.classify.options import ClassifyEvaluateOptions
from bptt.jobs.classify.trained import Labelled, TrainedClassifier
from bptt.jobs.commands import EvaluateOptions, ReadingOptions
from bptt.jobs.reading import needed_data, noted, part_to_evaluate
from bptt.models.kinds.registry import find_kind
from bptt.options.choices import Choices


def evaluate(trained: TrainedClassifier, run: Path, choices: Choices) -> EvaluationReport:
    """Measure a classifier on labelled examples. Raises InputError naming a file that cannot be read."""
    data = needed_data(run, choices.make(EvaluateOptions).file)
    examples = trained.read(data, labelled=True, said=choices.make(ReadingOptions).said())
    part = choices.make(ClassifyEvaluateOptions).part
    examples, said = part_to_evaluate(examples, part, trained.config.data.groups_held_out)
    found = report(trained.evaluate(examples), (*noted(data, examples), *said, *trained.notes))
    more = (*_beside(trained, run, examples, found), *_by_group(trained, examples))
    return replace(found, tables=(*found.tables, *more))


def _beside(
    trained: TrainedClassifier, run: Path, examples: Labelled, found: EvaluationReport
) -> list[ScoreTable]:
    """Return the accuracies of the linear models of a run beside that of its network, if it has some."""
    summaries = find_kind(trained.config.source.kind).summaries
    asked = summaries and not trained.members
    beside = accuracies_beside(trained, summaries, run, examples) if asked else []
    return [table_beside(beside, found.metrics["accuracy"])] if beside else []


def _by_group(trained: TrainedClassifier, examples: Labelled) -> list[ScoreTable]:
    """Return the accuracy on the examples of each group, such as a subject, if they name theirs."""
    if not examples.has_groups or trained.config.head.multi_label:
        return []
    answers = [each.label for each in trained.predict(examples.inputs, examples.places)]
    right: Counter[str] = Counter()
    every: Counter[str] = Counter()
    for row, answer in zip(examples.rows, answers, strict=True):
        every[row.group] += 1
        right[row.group] += answer == row.target
    rows = [
        (group, f"{right[group] / every[group]:.4f}", right[group], every[group]) for group in sorted(every)
    ]
    return [ScoreTable(("group", "accuracy", "right", "of"), tuple(rows))]


def report(found: Scores | SetScores, notes: tuple[str, ...] = ()) -> EvaluationReport:
    """Return the metrics, and for each label how often it was predicted and its most frequent confusion."""
    if isinstance(found, SetScores):
        return EvaluationReport(found.metrics, (found.table,), notes)
    rows = []
    for label, row in zip(found.labels, found.confusion, strict=True):
        right = row[found.labels.index(label)]
        count, other = max((c, o) for c, o in zip(row, found.labels, strict=True) if o != label)
        rows.append((label, right, sum(row), f"{other} ({count})" if count else "-"))
    table = ScoreTable(("label", "right", "of", "most often taken for"), tuple(rows))
    return EvaluationReport(found.metrics, (table,), notes, found, "confusion.png")
