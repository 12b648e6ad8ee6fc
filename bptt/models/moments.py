"""Mean and deviation of steps that are not all in memory at once."""

from __future__ import annotations

import torch
from torch import Tensor

# Below this share of the mean square a variance is nothing but rounding.
_ROUNDING = 1e-14


class Moments:
    """Mean and deviation of columns of numbers, of series that are added one after the other."""

    def __init__(self, size: int) -> None:
        self._count = 0
        self._mean = torch.zeros(size, dtype=torch.float64)
        self._squares = torch.zeros(size, dtype=torch.float64)

    def add(self, series: Tensor) -> None:
        """Add the steps of a series, (T, D). Source: Chan, Golub & LeVeque 1983, eq. 2.1."""
        if not len(series):
            return
        steps = series.double()
        mean, count = steps.mean(0), self._count + len(steps)
        shift = mean - self._mean
        self._squares += (steps - mean).square().sum(0) + shift.square() * (self._count * len(steps) / count)
        self._mean += shift * (len(steps) / count)
        self._count = count

    @property
    def mean(self) -> Tensor:
        """The mean of each column, (D,); 0 without any step."""
        return self._mean

    @property
    def deviation(self) -> Tensor:
        """The deviation of each column, (D,); 1 of one that never changes."""
        variance = self._squares / max(1, self._count)
        return torch.where(variance > _ROUNDING * self._mean.square(), variance.sqrt(), 1.0)
