"""Sound at another rate: a windowed sinc, piece by piece, with the same result for pieces of any size."""

from __future__ import annotations

from functools import lru_cache
from math import ceil, gcd
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor

# Zero crossings of the sinc on either side, and the shape of its Kaiser window: above 90 dB of rejection,
# flat up to 0.9 of the lower half rate. Source: Kaiser 1974; β = 0.1102 (A - 8.7) for A dB.
_CROSSINGS, _BETA = 64, 0.1102 * (92 - 8.7)
# The middle of the transition, as a share of the lower half rate: the stop band begins at 1.
_CUT = 0.955
# Results in a row at least and at most, and in a block of rows.
_FEWEST, _MOST, _BLOCK = 16, 320, 512


class _Plan(NamedTuple):
    """A block makes `rows` × L results of inputs that begin `step` apart; row r of group g of a period begins
    at input `offsets[g]` + `step` r. A `kernel` (K, L) makes a row of results of K inputs. One period of all
    groups reads `period` inputs.
    """

    kernels: tuple[Tensor, ...]
    offsets: tuple[int, ...]
    rows: int
    period: int


@lru_cache(maxsize=64)
def _plan(before: int, after: int) -> _Plan:
    """Return the plan from a rate to another.

    Result n is Σ_k x[k] h(n M / L - k), where L / M is the ratio of the rates in lowest terms. The period is
    L results; of a short one several are made at once, a long one is cut into groups, so that the tables stay
    small at any ratio.
    """
    common = gcd(before, after)
    period, length = before // common, after // common
    while length < _FEWEST:
        period, length = 2 * period, 2 * length
    size = length if length <= _MOST else _MOST // 2
    reach = ceil(_CROSSINGS * max(1.0, period / length))
    kernels, offsets = [], []
    for first in range(0, length, size):
        results = np.arange(first, min(first + size, length)) * (period / length)
        start = int(results[0]) - reach
        inputs = np.arange(start, int(results[-1]) + reach + 2)
        kernels.append(_kernel(results[None, :] - inputs[:, None], min(1.0, length / period)))
        offsets.append(start)
    rows = ceil(_BLOCK / length) if len(kernels) == 1 else 1
    return _Plan(tuple(kernels), tuple(offsets), rows, period)


def _kernel(distances: np.ndarray, ratio: float) -> Tensor:
    """Return the windowed sinc at `distances`, in inputs; `ratio` is the lower rate, 1 the rate of inputs."""
    scaled = distances * ratio
    inside = np.clip(1 - (scaled / _CROSSINGS) ** 2, 0, None)
    window = np.i0(_BETA * np.sqrt(inside)) / np.i0(_BETA) * (np.abs(scaled) < _CROSSINGS)
    return torch.from_numpy((_CUT * ratio * np.sinc(_CUT * scaled) * window).astype(np.float32))


class Resampler:
    """Takes sound at the rate `before` in pieces of any size, and returns it at the rate `after`.

    A result is returned as soon as all that it depends on is there. The memory is constant, and the result is
    the same to the bit however the sound is cut: every block is computed by the same operations.
    """

    def __init__(self, before: int, after: int) -> None:
        self._before, self._after, self._plan = before, after, _plan(before, after)
        self._block, self._skip, self._received, self._returned = 0, 0, 0, 0
        # Silence precedes the sound.
        self._first = self._plan.offsets[0]
        self._held = torch.zeros(-self._first)

    def push(self, samples: Tensor) -> Tensor:
        """Return the results (N',) that the next samples (N,) complete."""
        self._received += len(samples)
        self._held = torch.cat([self._held, samples])
        found = []
        while True:
            kernel, start = self._place()
            ready = (self._first + len(self._held) - start - len(kernel)) // self._plan.period + 1
            done = min(ready, self._plan.rows)
            if done * kernel.shape[1] > self._skip:
                found.append(self._compute(kernel, start)[self._skip : done * kernel.shape[1]])
                self._skip = max(self._skip, done * kernel.shape[1])
            if done < self._plan.rows:
                break
            self._block, self._skip = self._block + 1, 0
        self._drop(self._place()[1])
        results = torch.cat(found) if found else torch.zeros(0)
        self._returned += len(results)
        return results

    def finish(self) -> Tensor:
        """Return the results that are left, as if silence followed: ⌈N · after / before⌉ in all."""
        left = -(-self._received * self._after // self._before) - self._returned
        parts = []
        received = self._received
        while left > 0:
            part = self.push(torch.zeros(self._plan.period))[:left]
            left -= len(part)
            parts.append(part)
        self._received = received
        return torch.cat(parts) if parts else torch.zeros(0)

    def _place(self) -> tuple[Tensor, int]:
        """Return the kernel of the next block, and the number of its first input."""
        plan = self._plan
        period, group = divmod(self._block, len(plan.kernels))
        return plan.kernels[group], period * plan.rows * plan.period + plan.offsets[group]

    def _compute(self, kernel: Tensor, start: int) -> Tensor:
        """Return all results of a block, those that lack inputs with zeros in their place."""
        rows, width, period = self._plan.rows, len(kernel), self._plan.period
        size = (rows - 1) * period + width
        inputs = self._held[start - self._first :][:size]
        if len(inputs) < size:
            inputs = torch.cat([inputs, inputs.new_zeros(size - len(inputs))])
        return (inputs.unfold(0, width, period).contiguous() @ kernel).flatten()

    def _drop(self, start: int) -> None:
        gone = min(start - self._first, len(self._held))
        if gone > 0:
            self._held = self._held[gone:].clone()
            self._first += gone


def resample(samples: Tensor, before: int, after: int) -> Tensor:
    """Return samples (N,) at the rate `before` as samples (⌈N · after / before⌉,) at the rate `after`."""
    if before == after:
        return samples
    resampler = Resampler(before, after)
    return torch.cat([resampler.push(samples), resampler.finish()])
