"""The configuration of a forecaster."""

from __future__ import annotations

from dataclasses import dataclass, field

from bptt.cells.load import Cells
from bptt.data.past.tracks import WindowOptions
from bptt.jobs.forecast.options import OPTIONS, ForecasterSizes, ForecastHead, SeriesOptions
from bptt.jobs.options import ExampleOptions

TASK = OPTIONS.task


@dataclass(frozen=True)
class ForecasterConfig:
    """All options of a forecaster."""

    cell: Cells
    series: SeriesOptions
    model: ForecasterSizes = field(default_factory=ForecasterSizes)
    head: ForecastHead = field(default_factory=ForecastHead)
    data: ExampleOptions = field(default_factory=ExampleOptions)

    @property
    def windows(self) -> WindowOptions:
        """How series are divided into windows; the configuration must be complete, see `with_found`."""
        series = self.series
        return WindowOptions(series.horizon, series.season, series.window, series.transform == "log")
