"""Sound decoded piece by piece, as samples of one channel."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
import torch
from torch import Tensor

from bptt.data.audio.options import SoundOptions
from bptt.data.audio.sound import Sound
from bptt.data.audio.sound_file import SoundFile, open_sound
from bptt.data.audio.wav import Samples, find_fault
from bptt.errors import InputError, counted

# Seconds that are decoded at once.
_PIECE = 10
# The mean of the channels has less than this share of their power: they cancel.
_CANCELLED = 0.01


@dataclass
class Heard:
    """Facts about the samples of a sound that were read so far; counts are of samples."""

    samples: int = 0
    clipped: int = 0
    peak: float = 0.0
    total: float = 0.0
    # Power of the channels, and of their mean.
    apart: float = 0.0
    mixed: float = 0.0

    def add(self, channels: Samples, mono: Samples) -> None:
        """Take samples (N, C), and what was made of them, (N,), into account."""
        loudness = np.abs(channels)
        self.samples += len(mono)
        self.peak = max(self.peak, float(loudness.max(initial=0)))
        # In 16 bits full scale is 32767 / 32768 on one side.
        self.clipped += int((loudness >= 0.9999).sum()) // channels.shape[1]
        self.total += float(mono.sum(dtype=np.float64))
        if channels.shape[1] > 1:
            self.apart += float(np.square(channels, dtype=np.float64).mean(1).sum())
            self.mixed += float(np.square(mono, dtype=np.float64).sum())

    @property
    def cancels(self) -> bool:
        """Whether the mean of the channels has lost their sound."""
        return self.apart > 0 and self.mixed < _CANCELLED * self.apart


@dataclass
class MonoFile:
    """A sound that is read as one channel at its own `rate`."""

    sound: Sound
    rate: int
    channels: int
    missing: int
    _file: SoundFile
    _options: SoundOptions
    heard: Heard = field(default_factory=Heard)

    @property
    def seconds(self) -> float:
        """The length of the file as its header says."""
        return self._file.frames / self.rate

    def pieces(self) -> Iterator[Tensor]:
        """Yield the samples, (N,) each, 10 seconds at a time.

        Raises InputError if there are none, or if one is NaN, infinite or far beyond any
        scale.
        """
        first = round(self.sound.start * self.rate)
        end = None if self.sound.stop is None else round(self.sound.stop * self.rate)
        if first:
            self._file.seek(first)
        while end is None or first < end:
            count = self.rate * _PIECE if end is None else min(self.rate * _PIECE, end - first)
            found = self._file.read(count)
            if not len(found):
                break
            yield torch.from_numpy(self._mono(found, first))
            first += len(found)
        if not self.heard.samples:
            start, cure = self.sound.start, "Remove it from the data"
            came = f"no samples from {start} s on" if start else "no samples"
            raise InputError(str(self.sound.path), "must hold sound", came, cure)

    def _mono(self, found: Samples, first: int) -> Samples:
        if fault := find_fault(found):
            place, rule, came = fault
            at = f"{came} at {(first + place) / self.rate:.3f} s"
            raise InputError(str(self.sound.path), rule, at, "Repair it, or remove it from the data")
        channel = self._options.channel
        if channel > found.shape[1]:
            rule = f"must have a channel {channel} (`channel`)"
            raise InputError(str(self.sound.path), rule, counted(found.shape[1], "channels"))
        mono = found[:, channel - 1] if channel else found.mean(1, dtype=np.float32)
        self.heard.add(found, mono)
        return np.ascontiguousarray(mono)


@contextmanager
def open_mono(sound: Sound, options: SoundOptions) -> Iterator[MonoFile]:
    """Open a sound to read it as one channel. Raises InputError as `open_sound` does."""
    with open_sound(sound.path, options.raw_rate) as file:
        yield MonoFile(sound, file.rate, file.channels, file.missing, file, options)
