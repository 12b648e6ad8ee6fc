"""A trained forecaster: reading series, forecasting, evaluating, and loading from a run folder."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import ClassVar

import torch
from torch import Tensor

from bptt.data.past.pasts import Past, Pasts, read_pasts
from bptt.data.past.rolling import Forecasts, RollingScores, score_forecasts
from bptt.data.past.tracks import Track, Windows
from bptt.data.readers.measured import Numbers
from bptt.data.readers.sources import Source
from bptt.data.reading import read_bytes
from bptt.errors import InputError
from bptt.jobs.forecast.config import TASK, ForecasterConfig
from bptt.jobs.regress.network import Regressor
from bptt.jobs.shown import ShownModel, TrainedFacts
from bptt.models.codecs.codec import Padded
from bptt.models.inputs import SeriesInput
from bptt.notebook import MOST, Answers, ShownRow, list_html, rows_html, table_html
from bptt.runs.config import read_sections
from bptt.runs.evaluating import evaluating
from bptt.runs.run_folder import WEIGHTS
from bptt.runs.unset import build_unset
from bptt.runs.weights import read_weights

FILE = "learned_until.json"
# In the evaluation of a series that was not in training: the share of steps that serve only as past.
_PAST_SHARE = 2 / 3


@dataclass(frozen=True, eq=False)
class Forecast(ShownRow):
    """The forecast of a series: `times` of the H steps; `values`, `low` and `high` (H, D) of the `columns`.

    `past` is the series that the forecast continues.
    """

    past: Past
    columns: tuple[str, ...]
    times: tuple[str, ...]
    values: Numbers
    low: Numbers
    high: Numbers

    def as_row(self) -> Mapping[str, str]:
        """Return the row of a table in a notebook."""
        ends = {"from": self.times[0], "to": self.times[-1], "steps": str(len(self.times))}
        return {"series": self.past.name, **ends}

    def _repr_html_(self) -> str:
        """Return the values of each step with the ends of their intervals for a notebook."""
        head = [f"{name}{end}" for name in self.columns for end in ("", ", from", ", to")]
        lines = []
        for step, time in enumerate(self.times[:MOST]):
            parts = zip(self.values[step], self.low[step], self.high[step], strict=True)
            lines.append((time, *(f"{value:.5g}" for column in parts for value in column)))
        return table_html((self.past.name, *head), lines)


@dataclass(frozen=True, eq=False)
class ForecastView:
    """The forecast of a column of a series from step `first` on, for a picture.

    `number` is the index of the column, `interval` the intended share of values within [low, high].
    """

    past: Past
    column: str
    number: int
    first: int
    forecast: tuple[float, ...]
    low: tuple[float, ...]
    high: tuple[float, ...]
    interval: float


@dataclass(frozen=True, eq=False)
class RollingEvaluation:
    """The scores over rolling origins, lines for the user, and the forecasts with their pasts."""

    scores: RollingScores
    notes: tuple[str, ...]
    forecasts: tuple[tuple[Past, Forecasts], ...]

    def _repr_html_(self) -> str:
        """Return the metrics of each method, and the notes, for a notebook."""
        methods = self.scores.methods
        rows = [{name: f"{value:.4g}" for name, value in each.items()} for each in methods.values()]
        return rows_html(rows, list(methods), "method") + list_html(self.notes)


class TrainedForecaster(ShownModel):
    """A forecaster with everything needed to read series; `ends` has the last training time of each."""

    task: ClassVar[str] = TASK

    def __init__(self, model: Regressor, config: ForecasterConfig, ends: Mapping[str, str]) -> None:
        self.model, self.config, self.ends = model, config, ends

    @property
    def facts(self) -> TrainedFacts:
        """The facts by which the model shows itself."""
        series = self.config.series
        about = {"columns": ", ".join(series.columns), "horizon": series.horizon, "season": series.season}
        return TrainedFacts(self.model, self.config.cell, self.config.model, about)

    def read(self, source: Source) -> Pasts:
        """Read series. Raises InputError if columns or time step differ from those of the training data."""
        found = read_pasts(source, self.config.series.past)
        series = self.config.series
        if found.series[0].axis.step != series.step:
            rule = f"must have the step that was learned, {series.step}"
            raise InputError(found.series[0].place, rule, found.series[0].axis.step)
        if len(found.columns) != len(series.columns):
            rule = f"must have the columns that were learned, {', '.join(series.columns)}"
            raise InputError(found.series[0].place, rule, ", ".join(found.columns))
        return found

    def view(self, past: Past, first: int, *forecast: Numbers) -> ForecastView:
        """Return the first column of values, low and high (H, D) for a picture."""
        values, low, high = (tuple(each[:, 0].tolist()) for each in forecast)
        column, share = self.config.series.columns[0], self.config.head.interval
        return ForecastView(past, column, 0, first, values, low, high, share)

    def predict(self, pasts: Pasts) -> Answers[Forecast]:
        """Predict the next steps of each series. Raises InputError, with its place, if one is too short."""
        found = Answers[Forecast](())
        for past in pasts.series:
            values, low, high = self.forecast_from(past, [len(past.values) - 1])
            ahead = range(len(past.values), len(past.values) + self.config.series.horizon)
            times = tuple(past.axis.label(step) for step in ahead)
            found.append(Forecast(past, self.config.series.columns, times, values[0], low[0], high[0]))
        return found

    def evaluate(self, pasts: Pasts) -> RollingEvaluation:
        """Score forecasts from every origin after the training steps.

        In a series that was not in training, origins begin after two thirds. If a file has no new steps, the
        held-out steps are scored, and a note says so. Raises InputError if there is nothing to score.
        """
        learned = [self._learned_steps(past) for past in pasts.series]
        notes = list(pasts.notes)
        new = [len(past.values) > steps for past, steps in zip(pasts.series, learned, strict=True)]
        if not any(new):
            held = self.held_out_steps
            learned = [max(steps - held(steps), self.config.series.season + 1) for steps in learned]
            notes.append(
                "no steps behind those that were learned: the held-out ones are scored, which chose the epoch"
            )
        found = self.roll(pasts, learned)
        if not found:
            cure = f"Give more steps: a horizon is {self.config.series.horizon}"
            raise InputError(pasts.series[0].place, "must have steps behind an origin to score", "none", cure)
        scores = score_forecasts(
            [each for _, each in found], self.config.series.season, self.config.head.interval
        )
        return RollingEvaluation(scores, tuple(notes), tuple(found))

    def held_out_steps(self, steps: int) -> int:
        """Return the number of steps held out at the end of a series of this length."""
        return held_out_steps(self.config, steps)

    def roll(self, pasts: Pasts, learned: Sequence[int]) -> list[tuple[Past, Forecasts]]:
        """Return forecasts from each origin at or after the last of the `learned` steps of each series."""
        horizon, found = self.config.series.horizon, []
        for past, steps in zip(pasts.series, learned, strict=True):
            last = len(past.values) - 1
            # Origins with a whole horizon after them; if there is none, the first one with part of a horizon.
            whole = range(steps - 1, last - horizon + 1)
            origins = list(whole) or ([steps - 1] if steps - 1 < last else [])
            if origins and steps > self.config.series.season:
                found.append(
                    (past, Forecasts(past.values, origins, steps, *self.forecast_from(past, origins)))
                )
        return found

    def forecast_from(self, past: Past, origins: Sequence[int]) -> tuple[Numbers, Numbers, Numbers]:
        """Return the values and the ends of their intervals, (N, H, D) each, from steps of a series.

        Raises InputError with the place of a series if no whole season precedes its first origin.
        """
        season = self.config.series.season
        if origins[0] < season:
            rule = f"a series must have more than {season} steps, a season of the model"
            raise InputError(past.place, rule, f"{origins[0] + 1}", "Give a longer past")
        options = self.config.windows
        check_logarithms(past, options.log)
        track = Track(past.values, options)
        values = self.numbers(Windows([track], [(0, origin) for origin in origins]))
        output = self.model.output
        ends = output.interval(values)
        low, high = (values[..., output.options.point],) * 2 if ends is None else ends
        restored = []
        for each in (values[..., output.options.point], low, high):
            whole = [
                torch.from_numpy(track.restore(origin, one[:, None].numpy())[..., 0])
                for origin, one in zip(origins, each, strict=True)
            ]
            restored.append(torch.stack(whole).numpy())
        return restored[0], restored[1], restored[2]

    def numbers(self, windows: Windows) -> Tensor:
        """Return the forecasts of windows relative to the seasonal naive one, (N, H D, Q) float64."""
        output = self.model.output
        found = torch.empty(len(windows), output.targets, output.options.width, dtype=torch.float64)

        def answer(rows: list[int], batch: Padded) -> Tensor:
            return output.read(self.model(batch.to(output.linear.weight.device))).cpu()

        with evaluating(self.model):
            for rows, here in self.sharing.answered(windows, self.config.data.batch_size, answer):
                found[rows] = here
        return found

    def _learned_steps(self, past: Past) -> int:
        """Return the number of training steps of a series; of a series not in training, two thirds."""
        end = self.ends.get(past.name)
        labels = {past.axis.label(step): step for step in range(len(past.values))}
        if end in labels:
            return labels[end] + 1
        return max(self.config.series.season + 1, round(_PAST_SHARE * len(past.values)))


def held_out_steps(config: ForecasterConfig, steps: int) -> int:
    """Return the number of steps held out at the end of a series: two horizons if possible."""
    if not config.data.held_out:
        return 0
    return max(round(config.data.held_out * steps), min(2 * config.series.horizon, steps // 4))


def check_logarithms(past: Past, log: bool) -> None:
    """Raise InputError with its place if logarithms are learned and a series has a value without one."""
    low = min((value for value in past.values.flatten().tolist() if value == value), default=1.0)
    if log and low <= 0:
        cure = "Train with `transform` none"
        raise InputError(
            past.place, "must hold numbers above 0, whose logarithms are learned", f"{low:g}", cure
        )


def build(config: ForecasterConfig) -> Regressor:
    """Build the network, from a window with 2 D numbers per step to H D numbers."""
    width = len(config.series.columns)
    part = SeriesInput(2 * width)
    return Regressor(part, config.series.horizon * width, config.cell, config.model, config.head, "last")


def load_forecaster(run: Path) -> TrainedForecaster:
    """Load the forecaster of a run folder with its best weights.

    Raises InputError with file and cure if a file is missing or damaged.
    """
    config = read_sections(ForecasterConfig, run, TASK)
    layers = {
        "model.num_layers": config.model.num_layers,
        "model.feed_forward": len(config.model.feed_forward),
    }
    model = build_unset(run, layers, lambda: build(config))
    read_weights(model, run / WEIGHTS)
    return TrainedForecaster(model.eval(), config, read_ends(run))


def read_ends(run: Path) -> dict[str, str]:
    """Read the last training time of each series of a run. Raises InputError if the file is damaged."""
    path, cure = run / FILE, "Restore the file, or train again"
    try:
        found = json.loads(read_bytes(path, cure))
    except (ValueError, RecursionError) as error:
        raise InputError(str(path), "must be JSON", error, cure) from error
    if not isinstance(found, dict) or not all(isinstance(each, str) for each in found.values()):
        raise InputError(str(path), "must hold the last time of each series", type(found).__name__, cure)
    return found


def with_found(config: ForecasterConfig, pasts: Pasts, season: int, log: bool) -> ForecasterConfig:
    """Return the configuration completed from the data: horizon, season, window, logarithms, columns."""
    series = config.series
    horizon = series.horizon or (season if season > 1 else 12)
    found = replace(
        series,
        horizon=horizon,
        season=season,
        window=series.window or max(2 * season, 24, horizon),
        transform="log" if log else "none",
        columns=pasts.columns,
        step=pasts.series[0].axis.step,
    )
    return replace(config, series=found)
