"""The answers of a forecaster as records."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from bptt.data.examples import Example, Examples
from bptt.data.past.pasts import Past, Pasts
from bptt.data.readers.asked import Said
from bptt.data.readers.document import Document
from bptt.data.readers.sources import Source
from bptt.jobs.answers import Answer, Asking, Line
from bptt.jobs.forecast.trained import Forecast, TrainedForecaster
from bptt.options.choices import Choices


@dataclass(frozen=True)
class ForecastAnswer(Answer):
    """The forecast of one column of a series: times, values, and the ends of their intervals."""

    series: str | None
    column: str
    times: tuple[str, ...]
    values: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]


@dataclass(frozen=True)
class SeriesAnswer(Answer):
    """The forecasts of all columns of a series."""

    forecasts: tuple[ForecastAnswer, ...]


ANSWERS = {"predict": (SeriesAnswer,)}


class ForecasterAsking(Asking):
    """A forecaster that answers with the next values of series."""

    needs_all = True
    header = ("series", "column", "time", "forecast", "low", "high")

    def __init__(self, trained: TrainedForecaster, choices: Choices) -> None:
        self._trained = trained

    def reads_lines(self, first: Document, said: Said) -> bool:
        """Return False: the lines of a source are steps of series, not inputs."""
        return False

    def read(self, source: Source, said: Said) -> Examples[Past, None]:
        """Return the series of a source. Raises InputError with file and line if one cannot be read."""
        found = self._trained.read(source)
        rows: tuple[Example[Past, None], ...] = tuple(
            Example(past, None, past.place, past.name) for past in found.series
        )
        return Examples(rows, found.columns, found.notes)

    def answer(self, examples: Examples[Past, None]) -> Iterator[SeriesAnswer]:
        """Yield the forecast of each series."""
        for row in examples.rows:
            (found,) = self._trained.predict(Pasts((row.input,), examples.columns, ()))
            if self.picture is None:
                ends = found.values, found.low, found.high
                self.picture = self._trained.view(row.input, len(row.input.values), *ends)
            yield SeriesAnswer(tuple(_of_column(found, k) for k in range(len(found.columns))))

    def lines(self, answer: SeriesAnswer, example: Example[Any, Any], number: int) -> list[Line]:
        """Return one line for each step of each column."""
        return [
            (each.series or "", each.column, time, f"{value:.7g}", f"{low:.7g}", f"{high:.7g}")
            for each in answer.forecasts
            for time, value, low, high in zip(each.times, each.values, each.low, each.high, strict=True)
        ]


def _of_column(found: Forecast, k: int) -> ForecastAnswer:
    values = [tuple(each[:, k].tolist()) for each in (found.values, found.low, found.high)]
    return ForecastAnswer(found.past.name or None, found.columns[k], found.times, *values)
