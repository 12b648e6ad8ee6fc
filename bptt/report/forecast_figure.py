"""The picture of forecasts: what was, what is expected, and between which values."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.ticker import MaxNLocator

from bptt.report.figure_page import BLUE, INK, ORANGE, page

# Of a long past, the steps for each one that is forecast.
_PAST = 8
_LEAST_PAST = 48


@dataclass(frozen=True)
class ForecastPicture:
    """One column of a series: the known `values`, NaN where one is missing, and a forecast `values` from the
    step `first` on, with its interval. `labels` name all steps, known and forecast.
    """

    name: str
    values: Sequence[float]
    first: int
    forecast: Sequence[float]
    low: Sequence[float]
    high: Sequence[float]
    labels: Sequence[str]
    interval: float


def draw_forecast(found: ForecastPicture, path: Path) -> None:
    """Draw the end of the past, the forecast, and its interval; and what came, if it is known.

    Raises MachineError if the file cannot be written.
    """
    steps = range(found.first, found.first + len(found.forecast))
    begin = max(0, found.first - max(_LEAST_PAST, _PAST * len(found.forecast)))
    subtitle = f"{found.name}: {len(found.forecast)} steps from {found.labels[found.first]} on"
    with page(path, "The forecast", subtitle) as axes:
        past = range(begin, min(found.first, len(found.values)))
        axes.plot(past, [found.values[step] for step in past], color=INK, lw=1.3, label="past")
        share = f"{found.interval:.0%} interval"
        axes.fill_between(steps, found.low, found.high, color=BLUE, alpha=0.2, lw=0, label=share)
        axes.plot(steps, found.forecast, color=BLUE, label="forecast")
        came = range(found.first, min(len(found.values), found.first + len(found.forecast)))
        if came:
            axes.plot(came, [found.values[step] for step in came], "o", ms=3, color=ORANGE, label="what came")
        axes.xaxis.set_major_locator(MaxNLocator(8, integer=True))
        axes.xaxis.set_major_formatter(lambda step, _: _label(found.labels, step))
        axes.legend(loc="upper left")


def _label(labels: Sequence[str], step: float) -> str:
    place = round(step)
    return labels[place] if 0 <= place < len(labels) and abs(step - place) < 1e-9 else ""
