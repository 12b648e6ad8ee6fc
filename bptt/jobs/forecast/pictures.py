"""The picture of a forecast."""

from __future__ import annotations

from pathlib import Path

from bptt.jobs.forecast.trained import ForecastView
from bptt.report.forecast_figure import ForecastPicture, draw_forecast


def draw(found: ForecastView, path: Path) -> None:
    """Draw the past, the forecast and its interval. Raises MachineError if the file cannot be written."""
    past, steps = found.past, max(len(found.past.values), found.first + len(found.forecast))
    name = ", ".join(each for each in (past.name, found.column) if each)
    known = past.values[:, found.number].tolist()
    labels = [past.axis.label(step) for step in range(steps)]
    picture = ForecastPicture(
        name, known, found.first, found.forecast, found.low, found.high, labels, found.interval
    )
    draw_forecast(picture, path)
