"""The configuration of a forecaster in checked values."""

from __future__ import annotations

from dataclasses import dataclass, field

from bptt.cells.cell import Cell
from bptt.data.past.tracks import WindowOptions
from bptt.jobs.forecast.options import OPTIONS, ForecasterSizes, ForecastHead, SeriesOptions
from bptt.jobs.options import ExampleOptions

TASK = OPTIONS.task


@dataclass(frozen=True)
class ForecasterConfig:
    """Every choice for a forecaster."""

    cell: Cell
    series: SeriesOptions
    model: ForecasterSizes = field(default_factory=ForecasterSizes)
    head: ForecastHead = field(default_factory=ForecastHead)
    data: ExampleOptions = field(default_factory=ExampleOptions)

    @property
    def windows(self) -> WindowOptions:
        """How series are cut into windows, of a configuration that was found."""
        series = self.series
        return WindowOptions(series.horizon, series.season, series.window, series.transform == "log")
