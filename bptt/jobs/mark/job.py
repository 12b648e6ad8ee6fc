"""The record of the job `mark`, which is derived from that of tagging."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from bptt.jobs.answers import Cell, EvaluationReport, ScoreTable
from bptt.jobs.commands import EvaluateOptions, ReadingOptions
from bptt.jobs.mark.answering import MarkerAsking
from bptt.jobs.mark.metrics import base_scores
from bptt.jobs.mark.options import MarkEvaluateOptions
from bptt.jobs.mark.trained import TrainedMarker
from bptt.jobs.reading import needed_data, noted
from bptt.jobs.tag.job import tagging_job
from bptt.jobs.tag.metrics import TagScores
from bptt.jobs.tag.trained import TrainedTagger
from bptt.options.choices import Choices


def _evaluate(trained: TrainedTagger, run: Path, choices: Choices) -> EvaluationReport:
    data = needed_data(run, choices.make(EvaluateOptions).file)
    beside = choices.make(MarkEvaluateOptions).stretches
    said = replace(choices.make(ReadingOptions).said(), beside=beside)
    examples = trained.read(data, tagged=True, said=said)
    found = trained.evaluate(examples)
    return EvaluationReport(found.metrics, tuple(_tables(found)), noted(data, examples))


def _tables(found: TagScores) -> Iterator[ScoreTable]:
    """Yield the scores of stretches, whose start, end and label must be right, and those of bases."""
    assert found.entities is not None
    bases = base_scores(found.gold, found.found)
    for what, scores in (("stretches", found.entities), ("bases", bases)):
        rows: list[tuple[Cell, ...]] = [
            (label, *(f"{share:.4f}" for share in score[:3]), score.entities)
            for label, score in {"all": scores.whole, **scores.types}.items()
        ]
        yield ScoreTable((what, "precision", "recall", "f1", "number"), tuple(rows))


JOB = replace(tagging_job(TrainedMarker, MarkerAsking), evaluate=_evaluate, hub_task="token-classification")
