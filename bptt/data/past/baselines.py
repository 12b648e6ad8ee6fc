"""Forecasts that need no learning: naive, seasonal naive and drift."""

from __future__ import annotations

import numpy as np

from bptt.data.readers.measured import Numbers


def last_known(past: Numbers) -> Numbers:
    """Return a past (T, D) with missing values as the last one known; the first ones as the first known."""
    filled = past.copy()
    for column in filled.T:
        known = np.flatnonzero(~np.isnan(column))
        places = np.searchsorted(known, np.arange(len(column)), side="right") - 1
        column[:] = column[known[np.maximum(places, 0)]]
    return filled


def naive(past: Numbers, horizon: int) -> Numbers:
    """Repeat the last value of a past (T, D) without NaN: (H, D)."""
    return np.repeat(past[-1:], horizon, 0)


def seasonal_naive(past: Numbers, horizon: int, season: int) -> Numbers:
    """Repeat the last season of a past (T, D) without NaN, T at least `season`: (H, D)."""
    return np.resize(past[len(past) - season :], (horizon, past.shape[1]))


def drift(past: Numbers, horizon: int) -> Numbers:
    """Go on along the line through the first and the last value of a past (T, D) without NaN: (H, D)."""
    slope = (past[-1] - past[0]) / max(1, len(past) - 1)
    line: Numbers = past[-1] + slope * np.arange(1, horizon + 1)[:, None]
    return line
