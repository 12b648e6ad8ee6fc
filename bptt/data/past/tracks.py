"""Series as windows of the past at an origin, and what follows it, beside the seasonal naive forecast."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import overload

import numpy as np
import torch
from torch import Tensor

from bptt.data.readers.measured import Numbers

Encoded = tuple[Tensor, ...]

# Below this mean change, relative to the largest value, a series counts as one that never changes.
_STILL = 1e-9


@dataclass(frozen=True)
class WindowOptions:
    """The `season`, the `horizon` and the longest `window` in steps; with `log` logarithms are read."""

    horizon: int
    season: int
    window: int
    log: bool


class Track:
    """One series (T, D) with NaN where a value is missing, as a network reads it.

    z is the series or its logarithm. The seasonal naive forecast repeats the last season that is known at
    the origin; a network reads and forecasts differences from it, in units of their mean absolute value so
    far. Nothing that is read at an origin comes from behind it.
    """

    def __init__(self, values: Numbers, options: WindowOptions) -> None:
        self.options, self.values = options, values
        self.z = np.log(values) if options.log else values

    @cached_property
    def filled(self) -> Numbers:
        """Z with the value of a season before, or the last one known, where one is missing."""
        filled, season = self.z.copy(), self.options.season
        for t in range(len(filled)):
            missing = np.isnan(filled[t])
            if missing.any():
                before = filled[t - season] if t >= season else filled[t - 1] if t else filled[t]
                filled[t] = np.where(missing, before, filled[t])
        # Before its first value a column is as it begins.
        for column in filled.T:
            known = np.flatnonzero(~np.isnan(column))
            column[: known[0]] = column[known[0]]
        return filled

    @cached_property
    def changes(self) -> Numbers:
        """z_t - z_{t - season}, (T, D); zero in the first season."""
        season = self.options.season
        changes = np.zeros_like(self.filled)
        changes[season:] = self.filled[season:] - self.filled[:-season]
        return changes

    @cached_property
    def scales(self) -> Numbers:
        """The mean |change| up to each step, (T, D); 1 while nothing has changed."""
        steps = np.maximum(1, np.arange(len(self.changes)) + 1 - self.options.season)[:, None]
        scales = np.abs(self.changes).cumsum(0) / steps
        still = scales <= _STILL * np.maximum(1e-300, np.abs(self.filled).max(0))
        return np.where(still, 1.0, scales)

    def window(self, origin: int) -> Numbers:
        """Return the last steps up to step `origin`, (L, 2 D): the change from a season before, and the
        distance from the mean of the window.
        """
        first = max(self.options.season, origin + 1 - self.options.window)
        scale = self.scales[origin]
        levels = self.filled[first : origin + 1]
        both: Numbers = np.concatenate([self.changes[first : origin + 1], levels - levels.mean(0)], 1)
        both /= np.tile(scale, 2)
        return both

    def base(self, origin: int) -> Numbers:
        """Return the seasonal naive forecast of z, (H, D)."""
        ahead = np.arange(1, self.options.horizon + 1)
        season = self.options.season
        base: Numbers = self.filled[origin + ahead - season * -(-ahead // season)]
        return base

    def target(self, origin: int, end: int | None = None) -> Numbers:
        """Return what follows step `origin` relative to `base`, (H D,), NaN from step `end` on."""
        stop = len(self.z) if end is None else end
        ahead = np.full((self.options.horizon, self.z.shape[1]), np.nan)
        known = self.z[origin + 1 : min(stop, origin + 1 + self.options.horizon)]
        ahead[: len(known)] = known
        target: Numbers = (ahead - self.base(origin)) / self.scales[origin]
        return target.reshape(-1)

    def restore(self, origin: int, found: Numbers) -> Numbers:
        """Return values (H, D, Q) in the units of the series, given what was forecast, (H D, Q)."""
        shape = (self.options.horizon, self.z.shape[1], -1)
        z = self.base(origin)[..., None] + found.reshape(shape) * self.scales[origin][None, :, None]
        with np.errstate(over="ignore"):
            values: Numbers = np.exp(z) if self.options.log else z
        return values


class Windows(Sequence[Encoded]):
    """The windows of tracks at origins, (track, step) each, made when they are asked for."""

    def __init__(self, tracks: Sequence[Track], origins: Sequence[tuple[int, int]]) -> None:
        self.tracks, self.origins = tracks, origins

    def __len__(self) -> int:
        return len(self.origins)

    @overload
    def __getitem__(self, index: int) -> Encoded: ...

    @overload
    def __getitem__(self, index: slice) -> Sequence[Encoded]: ...

    def __getitem__(self, index: int | slice) -> Encoded | Sequence[Encoded]:
        if isinstance(index, slice):
            return Windows(self.tracks, self.origins[index])
        track, origin = self.origins[index]
        return (torch.from_numpy(self.tracks[track].window(origin).astype(np.float32)),)

    def __iter__(self) -> Iterator[Encoded]:
        return (self[i] for i in range(len(self)))

    def targets(self, ends: Sequence[int] | None = None) -> Tensor:
        """Return what follows each origin, (N, H D) float64, NaN from `ends` of its track on."""
        rows = [self.tracks[k].target(t, None if ends is None else ends[k]) for k, t in self.origins]
        return torch.from_numpy(np.stack(rows))


def grows_with_level(series: Sequence[Numbers], season: int) -> bool:
    """Return whether deviations within seasons vary less relative to the level than as they are.

    All values must be positive then. Source: Guerrero 1993, for the two powers 0 and 1.
    """
    if not all((values[~np.isnan(values)] > 0).all() for values in series):
        return False
    length = season if season > 1 else 10
    plain, relative = [], []
    for values in series:
        for column in values.T:
            parts = [column[k : k + length] for k in range(len(column) % length, len(column), length)]
            parts = [part[~np.isnan(part)] for part in parts]
            parts = [part for part in parts if len(part) > 2]
            if len(parts) < 3:
                continue
            deviations = np.array([part.std() for part in parts])
            levels = np.array([part.mean() for part in parts])
            plain.append(_variation(deviations))
            relative.append(_variation(deviations / levels))
    return bool(plain) and float(np.mean(relative)) < float(np.mean(plain))


def _variation(values: Numbers) -> float:
    return float(values.std() / values.mean()) if values.mean() > 0 else 0.0
