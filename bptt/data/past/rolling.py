"""How good forecasts from many origins are, beside those that need no learning."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from bptt.data.past.baselines import drift, last_known, naive, seasonal_naive
from bptt.data.readers.measured import Numbers

# The name of the learned forecasts among the methods.
MODEL = "model"


@dataclass(frozen=True, eq=False)
class Forecasts:
    """Forecasts of one series (T, D) from its `origins`, steps that are known: `points`, `low` and `high` are
    (N, H, D). The first `learned` steps give the scale of errors.
    """

    values: Numbers
    origins: Sequence[int]
    learned: int
    points: Numbers
    low: Numbers
    high: Numbers


@dataclass(frozen=True)
class RollingScores:
    """The metrics of each method by name: "model", "seasonal naive", "naive", "drift"."""

    methods: Mapping[str, Mapping[str, float]]
    origins: int

    @property
    def best_simple(self) -> str:
        """The method without learning that has the smallest MASE."""
        others = [name for name in self.methods if name != MODEL]
        return min(others, key=lambda name: self.methods[name]["mase"])

    @property
    def notes(self) -> tuple[str, ...]:
        """A line for each method without learning that the model does not beat."""
        found, own = [], self.methods[MODEL]["mase"]
        for name, metrics in self.methods.items():
            if name != MODEL and own >= metrics["mase"]:
                found.append(
                    f"the {name} forecast is not beaten: MASE {metrics['mase']:.4f}, model {own:.4f}"
                )
        return tuple(found)


def score_forecasts(all_series: Sequence[Forecasts], season: int, interval: float) -> RollingScores:
    """Score forecasts of several series, each series and column with the same weight.

    "mase" is the mean absolute error in units of that of the seasonal naive forecast on the learned steps
    (Hyndman & Koehler 2006), "smape" the mean of 200 |y - f| / (|y| + |f|), "coverage" the share of values
    within their interval, "msis" the mean scaled interval score (Gneiting & Raftery 2007).
    """
    rows: dict[str, list[dict[str, float]]] = {}
    for each in all_series:
        horizon = each.points.shape[1]
        actual = np.stack([_ahead(each.values, origin, horizon) for origin in each.origins])  # (N, H, D)
        scale = naive_error(each.values[: each.learned], season)  # (D,)
        methods = {MODEL: each.points, **_simple(each, horizon, season)}
        for name, points in methods.items():
            for k in range(actual.shape[2]):
                metrics = errors(actual[..., k], points[..., k], scale[k])
                if name == MODEL:
                    ends = each.low[..., k], each.high[..., k]
                    metrics |= interval_scores(actual[..., k], *ends, scale[k], interval)
                rows.setdefault(name, []).append(metrics)
    means = {
        name: {key: float(np.nanmean([each[key] for each in found])) for key in found[0]}
        for name, found in rows.items()
    }
    return RollingScores(means, sum(len(each.origins) for each in all_series))


def naive_error(values: Numbers, season: int) -> Numbers:
    """Return the mean |y_t - y_{t - season}| of each column of values (T, D); 1 where nothing changes."""
    changes = np.abs(values[season:] - values[:-season])
    known = ~np.isnan(changes)
    mean = np.where(known, changes, 0).sum(0) / np.maximum(1, known.sum(0))
    return np.where(mean > 0, mean, 1.0)


def errors(actual: Numbers, points: Numbers, scale: float) -> dict[str, float]:
    """Return the errors of points for actual values of one column, NaN where there is none."""
    known = ~np.isnan(actual)
    error = np.abs(actual - points)[known]
    size = (np.abs(actual) + np.abs(points))[known]
    relative = np.divide(200 * error, size, out=np.zeros_like(error), where=size > 0)
    if not len(error):
        return dict.fromkeys(("mase", "smape", "mae", "rmse"), float("nan"))
    return {
        "mase": float(error.mean() / scale),
        "smape": float(relative.mean()),
        "mae": float(error.mean()),
        "rmse": float(np.sqrt((error**2).mean())),
    }


def interval_scores(
    actual: Numbers, low: Numbers, high: Numbers, scale: float, interval: float
) -> dict[str, float]:
    """Return the coverage and the scaled score of intervals that are to hold the share `interval`."""
    known = ~np.isnan(actual)
    y, below, above = actual[known], low[known], high[known]
    if not len(y):
        return dict.fromkeys(("coverage", "msis"), float("nan"))
    outside = np.maximum(below - y, 0) + np.maximum(y - above, 0)
    score = above - below + 2 / (1 - interval) * outside
    return {
        "coverage": float(((below <= y) & (y <= above)).mean()),
        "msis": float(score.mean() / scale),
    }


def _ahead(values: Numbers, origin: int, horizon: int) -> Numbers:
    found = np.full((horizon, values.shape[1]), np.nan)
    known = values[origin + 1 : origin + 1 + horizon]
    found[: len(known)] = known
    return found


def _simple(each: Forecasts, horizon: int, season: int) -> dict[str, Numbers]:
    pasts = [last_known(each.values[: origin + 1]) for origin in each.origins]
    found = {"seasonal naive": np.stack([seasonal_naive(past, horizon, season) for past in pasts])}
    if season == 1:
        found = {}
    found["naive"] = np.stack([naive(past, horizon) for past in pasts])
    found["drift"] = np.stack([drift(past, horizon) for past in pasts])
    return found
