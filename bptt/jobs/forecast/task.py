"""Forecasting: the next values of series, learned from every window of their past."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from functools import cached_property
from pathlib import Path

import torch
from torch import Tensor

from bptt.data.past.pasts import Pasts
from bptt.data.past.rolling import RollingScores
from bptt.data.past.seasonality import Season, find_season
from bptt.data.past.tracks import Track, Windows, grows_with_level
from bptt.errors import InputError
from bptt.jobs.forecast.config import TASK, ForecasterConfig
from bptt.jobs.forecast.options import OPTIONS
from bptt.jobs.forecast.trained import (
    FILE,
    TrainedForecaster,
    build,
    check_logarithms,
    held_out_steps,
    load_forecaster,
    with_found,
)
from bptt.jobs.regress.network import Regressor
from bptt.jobs.supervised import SMALLER, Supervised
from bptt.jobs.task import check_halved
from bptt.models.inputs import SeriesInput
from bptt.runs.config import to_sections
from bptt.runs.memory import within_memory
from bptt.runs.origin import Origin, take_weights
from bptt.runs.run_folder import write_bytes, write_config


class ForecastTask(Supervised):
    """A training of a forecaster.

    The last steps of each series are held out: they choose the epoch and the width of intervals. Initial
    weights are drawn from torch's generator: seed it before. Raises InputError if all series are too short
    for season and horizon; MachineError if the model does not fit into memory.
    """

    title = OPTIONS.called
    unit = "examples"
    measure = ""
    model: Regressor

    def __init__(
        self, pasts: Pasts, config: ForecasterConfig, origin: Origin[TrainedForecaster] | None = None
    ) -> None:
        values = [past.values for past in pasts.series]
        usual = pasts.series[0].axis.season
        asked = config.series.season
        self.season = Season(asked, "as asked") if asked else find_season(values, usual)
        transform = config.series.transform
        log = transform == "log" or (transform == "auto" and grows_with_level(values, self.season.length))
        for past in pasts.series:
            check_logarithms(past, log)
        self.config = config = with_found(config, pasts, self.season.length, log)
        self._notes = pasts.notes
        self._pasts, self._short = self._long_enough(pasts)
        tracks = [Track(past.values, config.windows) for past in self._pasts.series]
        cuts = [len(track.values) - held_out_steps(config, len(track.values)) for track in tracks]
        self._learned = Windows(tracks, self._origins(cuts))
        self._held_out = Windows(
            tracks,
            [(k, t) for k, cut in enumerate(cuts) for t in range(cut - 1, len(tracks[k].values) - 1)],
        )
        self._targets = self._learned.targets(cuts)
        self._held_targets = self._held_out.targets() if len(self._held_out) else self._targets[:0]
        with within_memory("the model", SMALLER):
            self.model = build(config)
        part = self.model.body.encoder.part  # type: ignore[union-attr]
        assert isinstance(part, SeriesInput)
        part.fit(tensors[0] for tensors in self._learned)
        self._taken: list[str] = []
        if origin:
            self.begun_from = origin.name
            self._taken = take_weights(self.model, {}, origin.trained.model, {}, origin.name)
        # Targets may be constant: a series may grow by the same amount in each season.
        self.model.output.fit(self._targets, may_be_constant=True)
        super().__init__(self._learned, config.data)

    def _least(self) -> int:
        """Return the least length of a series without the horizon: two seasons and three steps.

        One season is the past of the seasonal naive forecast, the other is learned from.
        """
        return 2 * self.config.series.season + 3

    def _long_enough(self, pasts: Pasts) -> tuple[Pasts, int]:
        """Return the series that are long enough, and the number of those that are not."""
        horizon = self.config.series.horizon
        needed = self._least() + horizon
        kept = tuple(past for past in pasts.series if len(past.values) >= needed)
        if not kept:
            longest = max(len(past.values) for past in pasts.series)
            rule = f"a season of {self.config.series.season} and a horizon of {horizon} need {needed} steps"
            cure = "Give a longer past, or a shorter `horizon` or `season`"
            raise InputError(pasts.series[0].place, rule, f"{longest}", cure)
        return Pasts(kept, pasts.columns, pasts.notes), len(pasts.series) - len(kept)

    def _origins(self, cuts: Sequence[int]) -> list[tuple[int, int]]:
        season = self.config.series.season
        # Origins start after the second season: before, the mean change is estimated from few steps.
        first = 2 * season if season > 1 else 4
        return [(k, t) for k, cut in enumerate(cuts) for t in range(min(first, cut - 2), cut - 1)]

    def loss(self, rows: Sequence[int]) -> tuple[Tensor, int]:
        """Return the mean loss of the windows with these indices, and their number."""
        with within_memory("a batch", SMALLER):
            found = self.model(self.batch([self._learned[row] for row in rows]))
            return self.model.output.loss(found, self._targets[list(rows)]), len(rows)

    @property
    def fingerprint(self) -> str:
        """A hash of all series."""
        digest = hashlib.sha256()
        for past in self._pasts.series:
            digest.update(repr((past.name, past.values.shape)).encode("utf-8", "backslashreplace"))
            digest.update(past.values.tobytes())
        return digest.hexdigest()

    @property
    def holds_out(self) -> bool:
        """Whether there are steps to evaluate on."""
        return len(self._held_out) > 0

    def keep_half(self, half: int) -> None:
        """Keep the earlier or the later half of the held-out windows of each series."""
        kept: list[tuple[int, int]] = []
        for track in range(len(self._held_out.tracks)):
            origins = [each for each in self._held_out.origins if each[0] == track]
            middle = len(origins) // 2
            kept += origins[middle:] if half else origins[:middle]
        check_halved(kept)
        self._held_out = Windows(self._held_out.tracks, kept)
        self._held_targets = self._held_out.targets()

    def evaluate(self) -> dict[str, float]:
        """Return the loss on the held-out windows, and calibrate the width of intervals."""
        output = self.model.output
        trained = self.shared(self.trained)
        values = trained.numbers(self._held_out)
        known = trained.numbers(self._learned)
        # The wider of two calibrations: held-out windows are few and overlap, so their errors alone may be
        # too small by chance; those of all windows include errors on training data.
        output.calibrate(values, self._held_targets)
        margin = output.margin.clone()
        output.calibrate(torch.cat([known, values]), torch.cat([self._targets, self._held_targets]))
        output.margin.copy_(torch.maximum(margin, output.margin).clamp(min=0))
        standard = (values.to(output.mean) - output.mean[:, None]) / output.deviation[:, None]
        loss = output.loss(standard, self._held_targets).item()
        return {"loss": loss, "windows": len(self._held_out)}

    def conclude(self, run: Path) -> list[str]:
        """Compare the forecasts of the held-out steps with naive forecasts."""
        if not self.holds_out:
            return []
        scores = load_forecaster(run).evaluate(self._pasts).scores
        return [
            "rolling origins on the held-out steps, which chose the epoch:",
            *table(scores),
            *scores.notes,
        ]

    def save(self, folder: Path) -> None:
        """Write config.json, and the last time of each series."""
        text = json.dumps(self._ends, ensure_ascii=False, indent=1)
        write_bytes(folder / FILE, (text + "\n").encode("utf-8", "backslashreplace"))
        write_config(folder, {"task": TASK, **to_sections(self.config)})

    @property
    def _ends(self) -> dict[str, str]:
        return {past.name: past.axis.label(len(past.values) - 1) for past in self._pasts.series}

    def describe(self) -> list[str]:
        """Describe the series, the season, and the size of the model."""
        series = self.config.series
        weights = sum(parameter.numel() for parameter in self.model.parameters())
        steps = [len(past.values) for past in self._pasts.series]
        held = sum(held_out_steps(self.config, each) for each in steps)
        return [
            *self._taken,
            *self._notes,
            *([f"series left out, as they are too short: {self._short:,}"] if self._short else []),
            f"season: {series.season} steps ({self.season.reason})"
            if series.season > 1
            else f"season: {self.season.reason}",
            f"transform: {series.transform}",
            f"horizon: {series.horizon} steps from windows of up to {series.window}",
            f"learned: {len(self._learned):,} windows of {sum(steps) - held:,} steps",
            f"held out: the last {held:,} steps" + (f" of {len(steps):,} series" if len(steps) > 1 else ""),
            f"model: {weights:,} weights",
        ]

    @cached_property
    def trained(self) -> TrainedForecaster:
        """The forecaster with its current weights."""
        return TrainedForecaster(self.model, self.config, self._ends)


def table(scores: RollingScores) -> list[str]:
    """Return the metrics of each method as lines of tab-separated cells, below a header."""
    names = list(next(iter(scores.methods.values())))
    rows = [
        "\t".join([method, *(f"{metrics[name]:.4g}" if name in metrics else "-" for name in names)])
        for method, metrics in scores.methods.items()
    ]
    return ["\t".join([f"{scores.origins:,} origins", *names]), *rows]
