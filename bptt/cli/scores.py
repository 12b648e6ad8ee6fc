"""Metrics and confusions of a classifier, as lines."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from bptt.cli.answers import one_line

if TYPE_CHECKING:
    from bptt.jobs.classify.metrics import Scores


def print_metrics(metrics: Mapping[str, float]) -> None:
    """Print a line for each metric."""
    for name, value in metrics.items():
        print(f"{name}\t{value:.10g}")


def print_scores(found: Scores) -> None:
    """Print the metrics, and for each label how often it was found and what it was taken for."""
    print_metrics(found.metrics)
    print("\nlabel\tright\tof\tmost often taken for")
    for label, row in zip(found.labels, found.confusion, strict=True):
        right = row[found.labels.index(label)]
        count, other = max((c, o) for c, o in zip(row, found.labels, strict=True) if o != label)
        taken = f"{one_line(other)} ({count})" if count else "-"
        print(f"{one_line(label)}\t{right}\t{sum(row)}\t{taken}")
