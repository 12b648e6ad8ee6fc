"""Features of sound that arrives in pieces, at any rate."""

from __future__ import annotations

import torch
from torch import Tensor

from bptt.data.audio.log_mel import LogMel, LogMelStream
from bptt.data.audio.resampling import Resampler


class FeatureStream:
    """Takes samples at `rate` in pieces of any size, and returns each frame when its window is complete.

    The frames are the same to the bit however the sound is cut, and the memory is constant.
    """

    def __init__(self, features: LogMel, rate: int) -> None:
        self._resampler = None if rate == features.rate else Resampler(rate, features.rate)
        self._frames = LogMelStream(features)

    def push(self, samples: Tensor) -> Tensor:
        """Return the frames (T, bands) that the next samples (N,) complete."""
        return self._frames.push(samples if self._resampler is None else self._resampler.push(samples))

    def finish(self) -> Tensor:
        """Return the frames that are left when the sound ends."""
        last = [] if self._resampler is None else [self._frames.push(self._resampler.finish())]
        return torch.cat([*last, self._frames.finish()])
