"""A classifier measured on labelled examples, as a report."""

from __future__ import annotations

from pathlib import Path

from bptt.jobs.answers import EvaluationReport, ScoreTable
from bptt.jobs.classify.label_sets import SetScores
from bptt.jobs.classify.metrics import Scores
from bptt.jobs.classify.trained import TrainedClassifier
from bptt.jobs.commands import EvaluateOptions, ReadingOptions
from bptt.jobs.reading import needed_data, noted
from bptt.options.choices import Choices


def evaluate(trained: TrainedClassifier, run: Path, choices: Choices) -> EvaluationReport:
    """Measure a classifier on labelled examples. Raises InputError naming a file that cannot be read."""
    data = needed_data(run, choices.make(EvaluateOptions).data)
    examples = trained.read(data, labelled=True, said=choices.make(ReadingOptions).said())
    return report(trained.evaluate(examples), (*noted(data, examples), *trained.notes))


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
