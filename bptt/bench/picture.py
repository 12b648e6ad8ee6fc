"""The picture of a report: training of every cell, beside the fastest way to do it in torch."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bptt.bench.cases import Case
from bptt.bench.result_tables import best_of_torch
from bptt.bench.results import Measurement, Report
from bptt.report import Speedups, draw_speedups


def draw_layers(report: Report, path: Path) -> None:
    """Forward and backward, on as many threads as were tried. Raises MachineError: no place to write."""
    threads = max(report.threads)
    plain, tuned = (report.outcomes("layers", threads, tuned) for tuned in (False, True))
    trained = [case for case in plain if case.training]
    cells = list(dict.fromkeys(case.name for case in trained))
    shapes = [", ".join(map(str, shape)) for shape in dict.fromkeys(case.shape for case in trained)]

    def ratios(outcomes: Mapping[Case, Measurement], cell: str) -> list[float]:
        chosen = [outcome for case, outcome in outcomes.items() if case.training and case.name == cell]
        return [outcome.ratio(best_of_torch(outcome)) for outcome in chosen]

    series = [Speedups(cell, ratios(plain, cell), ratios(tuned, cell)) for cell in cells]
    title = f"one layer, forward and backward, float32, {threads} threads, {report.environment.processor}"
    draw_speedups(title, shapes, series, path)
