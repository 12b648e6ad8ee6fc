"""A forecaster as a graph: windows and lengths to the values of the steps after them."""

from __future__ import annotations

from bptt.graphs.written import WrittenGraphs
from bptt.jobs.forecast.trained import TrainedForecaster
from bptt.jobs.regress.graphs import write_numbers


def write(trained: TrainedForecaster, opset: int) -> WrittenGraphs:
    """Return the graph of a forecaster, of windows as it sees them: `numbers` (B, H D, Q).

    They are H steps of D columns, relative to the value one season before.
    """
    series = trained.config.series
    settings = {
        "reads": "series",
        "max_length": 0,
        "targets": list(series.columns),
        "every_step": False,
        "horizon": series.horizon,
        "season": series.season,
    }
    return write_numbers(trained.model, opset, settings, {})
