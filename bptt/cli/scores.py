"""Evaluations as lines: metrics, then tables."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO

from bptt.cli.answers import one_line
from bptt.cli.spelling import spelled
from bptt.errors import InputError, printable
from bptt.files import make_folder

if TYPE_CHECKING:
    from bptt.jobs.answers import EvaluationReport, ScoreTable


def print_metrics(metrics: Mapping[str, float]) -> None:
    """Print a line for each metric."""
    for name, value in metrics.items():
        print(f"{name}\t{value:.10g}")


def print_report(found: EvaluationReport) -> None:
    """Print the metrics, then each table after an empty line; notes go to standard error."""
    for note in found.notes:
        print(printable(spelled(note)), file=sys.stderr)
    print_metrics(found.metrics)
    for number, table in enumerate(found.tables):
        if number or found.metrics:
            print()
        _print_table(table)


def _print_table(table: ScoreTable) -> None:
    if table.title:
        print(one_line(table.title))
    for row in (table.header, *table.rows):
        print("\t".join(one_line(str(cell)) for cell in row))
    if table.foot:
        print(f"\n{table.foot}")


def draw_report(
    found: EvaluationReport, draw: Callable[[Any, Path], None] | None, figures: Path, where: TextIO
) -> None:
    """Draw the picture of an evaluation into a folder, named on `where`.

    Raises InputError if the job has none.
    """
    if draw is None or found.picture is None:
        raise InputError("figures", "draws a picture of the evaluation", "one without", "Leave it out")
    make_folder(figures)
    picture = figures / found.picture_name
    draw(found.picture, picture)
    print(f"\n{printable(f'picture: {picture}')}", file=where)
