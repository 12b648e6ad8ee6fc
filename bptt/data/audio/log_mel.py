"""Log-mel features: the logarithm of the energy in bands of the mel scale, every few milliseconds."""

from __future__ import annotations

from functools import cached_property
from math import pi

import numpy as np
import torch
from torch import Tensor

from bptt.data.audio.options import FeatureOptions

# Frames that are computed at once, always as many, so that the same operations make each of them.
_BLOCK = 8


class LogMel:
    """Computes log-mel features as Kaldi's `compute-fbank-feats` does, without dither, of samples in ±1.

    A frame is a window without its mean, with pre-emphasis, under a window function; its power spectrum goes
    through triangular filters, equally wide on the mel scale 1127 ln(1 + f / 700) from `low` Hz to half the
    `rate`. Frames do not pass the edges: of N samples there are 1 + (N - window) // hop.
    """

    def __init__(self, options: FeatureOptions, rate: int) -> None:
        self.options, self.rate = options, rate
        self.window = round(rate * options.window / 1000)
        self.hop = round(rate * options.hop / 1000)
        self._padded = 1 << (self.window - 1).bit_length()

    def frames(self, samples: int) -> int:
        """Return the number of frames of as many samples; one of fewer than a window, which are padded."""
        return 1 + max(0, samples - self.window) // self.hop

    def __call__(self, samples: Tensor) -> Tensor:
        """Return the frames (T, bands) of samples (N,); those of fewer than a window are padded by zeros."""
        stream = LogMelStream(self)
        return torch.cat([stream.push(samples), stream.finish()])

    def block(self, frames: Tensor) -> Tensor:
        """Return the features (8, bands) of 8 windows of samples, (8, window)."""
        centred = frames - frames.mean(1, keepdim=True)
        before = torch.cat([centred[:, :1], centred[:, :-1]], 1)
        shaped = (centred - self.options.preemphasis * before) * self._shape
        spectrum = torch.view_as_real(torch.fft.rfft(shaped, self._padded)).square().sum(-1)
        # The filters leave out the last bin, that of half the rate.
        energies = spectrum[:, :-1] @ self._filters
        return energies.clamp_(min=self.options.floor).log_()

    @cached_property
    def _shape(self) -> Tensor:
        angle = 2 * pi * np.arange(self.window) / (self.window - 1)
        hann = 0.5 - 0.5 * np.cos(angle)
        shapes = {"hann": hann, "povey": hann**0.85, "hamming": 0.54 - 0.46 * np.cos(angle)}
        return torch.from_numpy(shapes[self.options.shape].astype(np.float32))

    @cached_property
    def _filters(self) -> Tensor:
        """The weight of each bin of the spectrum in each band, (padded / 2, bands)."""
        bins = _mel(np.arange(self._padded // 2) * (self.rate / self._padded))[:, None]
        edges = np.linspace(_mel(self.options.low), _mel(self.rate / 2), self.options.bands + 2)
        left, centre, right = edges[:-2], edges[1:-1], edges[2:]
        weights = np.minimum((bins - left) / (centre - left), (right - bins) / (right - centre))
        return torch.from_numpy(np.clip(weights, 0, None).astype(np.float32))


def _mel(frequency: np.ndarray | float) -> np.ndarray:
    return 1127 * np.log1p(np.asarray(frequency) / 700)


class LogMelStream:
    """Takes samples in pieces of any size, and returns each frame as soon as its window is complete.

    The frames are the same to the bit however the sound is cut, and the memory is constant.
    """

    def __init__(self, features: LogMel) -> None:
        self._features = features
        self._held = torch.zeros(0)
        # Frames of the block at the start of `held` that were returned already, and of all blocks.
        self._skip, self._returned = 0, 0

    def push(self, samples: Tensor) -> Tensor:
        """Return the frames (T, bands) that the next samples (N,) complete."""
        window, hop = self._features.window, self._features.hop
        self._held = torch.cat([self._held, samples])
        found, start = [], 0
        while True:
            done = min((len(self._held) - start - window) // hop + 1, _BLOCK)
            if done > self._skip:
                found.append(self._block(start)[self._skip : done])
                self._skip = done
            if done < _BLOCK:
                break
            start, self._skip = start + _BLOCK * hop, 0
        self._held = self._held[start:].clone()
        frames = torch.cat(found) if found else torch.zeros(0, self._features.options.bands)
        self._returned += len(frames)
        return frames

    def finish(self) -> Tensor:
        """Return the frame of a sound that is shorter than a window, padded by zeros; none of another."""
        if self._returned:
            return torch.zeros(0, self._features.options.bands)
        return self.push(torch.zeros(self._features.window - len(self._held)))

    def _block(self, start: int) -> Tensor:
        window, hop = self._features.window, self._features.hop
        size = (_BLOCK - 1) * hop + window
        samples = self._held[start : start + size]
        if len(samples) < size:
            samples = torch.cat([samples, samples.new_zeros(size - len(samples))])
        return self._features.block(samples.unfold(0, window, hop))
