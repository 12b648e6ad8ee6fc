"""The picture of an evaluation of a classifier."""

from __future__ import annotations

from pathlib import Path

from bptt.jobs.classify.metrics import Scores
from bptt.report.confusion import draw_confusion


def draw(found: Scores, path: Path) -> None:
    """Draw the confusion matrix. Raises MachineError if the file cannot be written."""
    draw_confusion(found.confusion, found.labels, path)
