"""Log-mel features: the logarithm of the energy in bands of the mel scale, every few milliseconds."""

from __future__ import annotations

from functools import cached_property
from math import pi
from typing import NamedTuple

import numpy as np
import torch
from numpy.lib.stride_tricks import sliding_window_view
from torch import Tensor

from bptt.data.audio.options import FeatureOptions
from bptt.data.audio.wav import Samples
from bptt.errors import InputError


class _Filters(NamedTuple):
    """Triangular filters on the bins of a spectrum: bin k is in an interval between two edges, on the falling
    side of one band, with the weight `falling[k]`, and on the rising side of the next. `intervals` are those
    that have bins, and `starts` the first bin of each.
    """

    rising: Samples
    falling: Samples
    starts: np.ndarray
    intervals: np.ndarray


class LogMel:
    """Computes log-mel features as Kaldi's `compute-fbank-feats` does, without dither, of samples in ±1.

    A frame is a window without its mean, with pre-emphasis, under a window function; its power spectrum goes
    through triangular filters, equally wide on the mel scale 1127 ln(1 + f / 700) from `low` Hz to half the
    `rate`. Frames do not pass the edges: of N samples there are 1 + (N - window) // hop. Raises InputError
    naming an option that does not go with the rate.
    """

    def __init__(self, options: FeatureOptions, rate: int) -> None:
        self.options, self.rate = options, rate
        self.window = round(rate * options.window / 1000)
        self.hop = round(rate * options.hop / 1000)
        self._padded = 1 << (self.window - 1).bit_length()
        if options.low >= rate / 2:
            raise InputError("low", f"is below half the rate, {rate / 2:g} Hz", options.low)
        if self.hop < 1:
            raise InputError("hop", f"is at least a sample at {rate:,} a second", options.hop)

    def frames(self, samples: int) -> int:
        """Return the number of frames of as many samples; one of fewer than a window, which are padded."""
        return 1 + max(0, samples - self.window) // self.hop

    def __call__(self, samples: Tensor) -> Tensor:
        """Return the frames (T, bands) of samples (N,); those of fewer than a window are padded by zeros."""
        stream = LogMelStream(self)
        return torch.cat([stream.push(samples), stream.finish()])

    def of_windows(self, windows: Samples) -> Samples:
        """Return the features (T, bands) of windows of samples, (T, window).

        A row has the same bits whatever is beside it: there is no product of matrices, whose order of sums
        depends on their size.
        """
        frames = windows - windows.mean(1, keepdims=True)
        before = np.concatenate([frames[:, :1], frames[:, :-1]], 1)
        frames -= np.float32(self.options.preemphasis) * before
        frames *= self._shape
        spectrum = np.fft.rfft(frames, self._padded).astype(np.complex64, copy=False)
        # Kaldi leaves out the last bin, that of half the rate.
        power = np.square(spectrum.real[:, :-1]) + np.square(spectrum.imag[:, :-1])
        energies = self._in_bands(power)
        found: Samples = np.log(np.maximum(energies, np.float32(self.options.floor)))
        return found

    def _in_bands(self, power: Samples) -> Samples:
        """Return the energies (T, bands) of power spectra (T, padded / 2)."""
        filters, bands = self._filters, self.options.bands
        sides = np.zeros((2, len(power), bands + 1), np.float32)
        for side, weights in zip(sides, (filters.rising, filters.falling), strict=True):
            side[:, filters.intervals] = np.add.reduceat(power * weights, filters.starts, axis=1)
        energies: Samples = sides[0, :, :-1] + sides[1, :, 1:]
        return energies

    @cached_property
    def _shape(self) -> Samples:
        angle = 2 * pi * np.arange(self.window) / max(1, self.window - 1)
        hann = 0.5 - 0.5 * np.cos(angle)
        shapes = {"hann": hann, "povey": hann**0.85, "hamming": 0.54 - 0.46 * np.cos(angle)}
        return shapes[self.options.shape].astype(np.float32)

    @cached_property
    def _filters(self) -> _Filters:
        bins = _mel(np.arange(self._padded // 2) * (self.rate / self._padded))
        edges = np.linspace(_mel(self.options.low), _mel(self.rate / 2), self.options.bands + 2)
        interval = np.searchsorted(edges, bins, "right") - 1
        inside = (interval >= 0) & (interval <= self.options.bands)
        interval = interval.clip(0, self.options.bands)
        rising = np.where(inside, (bins - edges[interval]) / (edges[interval + 1] - edges[interval]), 0)
        intervals, starts = np.unique(np.where(inside, interval, -1), return_index=True)
        known = intervals >= 0
        falling = np.where(inside, 1 - rising, 0)
        return _Filters(
            rising.astype(np.float32), falling.astype(np.float32), starts[known], intervals[known]
        )


def _mel(frequency: np.ndarray | float) -> np.ndarray:
    return np.asarray(1127 * np.log1p(np.asarray(frequency) / 700))


class LogMelStream:
    """Takes samples in pieces of any size, and returns each frame as soon as its window is complete.

    The frames are the same to the bit however the sound is cut, and the memory is constant.
    """

    def __init__(self, features: LogMel) -> None:
        self._features = features
        self._held = np.zeros(0, np.float32)
        self._has_frames = False

    def push(self, samples: Tensor) -> Tensor:
        """Return the frames (T, bands) that the next samples (N,) complete."""
        features = self._features
        self._held = np.concatenate([self._held, samples.numpy()])
        count = max(0, (len(self._held) - features.window) // features.hop + 1)
        if not count:
            return torch.zeros(0, features.options.bands)
        windows = sliding_window_view(self._held, features.window)[:: features.hop]
        frames = features.of_windows(windows)
        self._held = self._held[count * features.hop :].copy()
        self._has_frames = True
        return torch.from_numpy(frames)

    def finish(self) -> Tensor:
        """Return the frame of a sound that is shorter than a window, padded by zeros; none of another."""
        if self._has_frames:
            return torch.zeros(0, self._features.options.bands)
        return self.push(torch.zeros(self._features.window - len(self._held)))
