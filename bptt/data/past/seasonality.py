"""The season of series: the steps after which they repeat, by their times and their autocorrelation."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np

from bptt.data.past.baselines import last_known
from bptt.data.readers.measured import Numbers

# The one-sided 95 % quantile of the normal distribution.
_SIGNIFICANT = 1.645
# No longer season is looked for where times say nothing.
_LONGEST = 400
# Of lags that are nearly as good the shortest is the season, the others its multiples.
_NEARLY = 0.9


@dataclass(frozen=True)
class Season:
    """The `length` in steps, 1 for none, and the `reason` in words."""

    length: int
    reason: str


def autocorrelation(values: Numbers, most: int) -> Numbers:
    """Return the autocorrelation of the changes of a series (T,) without NaN at the lags 0 to `most`."""
    changes = np.diff(values)
    centred = changes - changes.mean()
    power = float(centred @ centred)
    if power <= 0:
        return np.zeros(most + 1)
    return np.array([float(centred[lag:] @ centred[: len(centred) - lag]) / power for lag in range(most + 1)])


def is_significant(found: Numbers, lag: int, length: int) -> bool:
    """Return whether the autocorrelation at a lag is above its 90 % limit, given those at smaller lags.

    Source: Bartlett 1946, as the M4 competition tests for a season.
    """
    return bool(found[lag] > _SIGNIFICANT * sqrt((1 + 2 * float((found[1:lag] ** 2).sum())) / length))


def find_season(series: Sequence[Numbers], usual: int | None) -> Season:
    """Find the season of series (T, D): the `usual` one if they repeat so; None looks for one."""
    columns = [column for values in series for column in last_known(values).T]
    if usual == 1:
        return Season(1, "none: a year is one step")
    if usual is not None:
        return _test(columns, usual)
    longest = max(columns, key=len)
    most = min(_LONGEST, len(longest) // 3)
    if most < 3:
        return Season(1, "none: too few steps to find one")
    found = np.mean([autocorrelation(c, most) for c in columns if len(c) // 3 >= most], 0)
    peaks = [
        lag
        for lag in range(2, most)
        if found[lag] >= max(found[lag - 1], found[lag + 1]) and is_significant(found, lag, len(longest))
    ]
    if not peaks:
        return Season(1, "none: no autocorrelation of the changes is significant")
    best = max(found[lag] for lag in peaks)
    lag = min(lag for lag in peaks if found[lag] >= _NEARLY * best)
    return Season(lag, f"the changes have their largest autocorrelation there, {found[lag]:.2f}")


def _test(columns: Sequence[Numbers], usual: int) -> Season:
    long = [column for column in columns if len(column) >= 3 * usual]
    if not long:
        return Season(1, f"none: fewer than three seasons of {usual} steps, which their times suggest")
    found = np.mean([autocorrelation(column, usual) for column in long], 0)
    if is_significant(found, usual, max(map(len, long))):
        return Season(usual, f"by their times, and the autocorrelation of the changes, {found[usual]:.2f}")
    return Season(
        1, f"none: at {usual} steps, which their times suggest, the autocorrelation is {found[usual]:.2f}"
    )
