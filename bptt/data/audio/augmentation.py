"""Training sounds changed at random: speed, loudness, noise, masks. All is drawn before, from one source."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import cycle
from pathlib import Path
from random import Random

import numpy as np
import torch
from torch import Tensor

from bptt.data.audio.decoding import open_mono
from bptt.data.audio.options import AugmentOptions, SoundOptions
from bptt.data.audio.resampling import Resampler, resample
from bptt.data.audio.sound import ENDINGS, Sound
from bptt.errors import InputError

# Noise is at most as many dB weaker than the lowest signal-to-noise ratio says.
_QUIETER = 20
# The power of coloured noise falls with f to the power of 0, white, to 2, brown.
_BROWNEST = 2.0
# A masked stretch is at most this part of a sound.
_MOST_MASKED = 5


@dataclass(frozen=True)
class NoiseDraw:
    """Noise to add `snr` dB below a sound: that of a `file` from a share `start` of it on; or, without a
    file, of a `colour`, drawn from `seed`.
    """

    snr: float
    colour: float
    seed: int
    file: Path | None
    start: float


@dataclass(frozen=True)
class Variation:
    """One draw of all changes: `speed` and `gain` are factors; masks are starts and lengths as shares."""

    speed: float
    gain: float
    noise: NoiseDraw | None
    time_masks: tuple[tuple[float, int], ...]
    band_masks: tuple[tuple[float, int], ...]

    def mask(self, frames: Tensor, fill: Tensor) -> Tensor:
        """Return frames (T, bands) with masked stretches and bands replaced by those of `fill` (bands,)."""
        found = frames.clone()
        for share, length in self.time_masks:
            length = min(length, len(frames) // _MOST_MASKED)
            start = int(share * (len(frames) - length + 1))
            found[start : start + length] = fill
        for share, length in self.band_masks:
            start = int(share * (frames.shape[1] - length + 1))
            found[:, start : start + length] = fill[start : start + length]
        return found


class Augmentation:
    """Draws variations of training sounds that are read by `sound`, whose rate is known."""

    def __init__(self, options: AugmentOptions, sound: SoundOptions) -> None:
        self.options, self._sound = options, sound

    @cached_property
    def noises(self) -> Sequence[Path]:
        """The files of the noise folder. Raises InputError if there are none."""
        folder = self.options.noise
        if folder is None:
            return ()
        if not folder.is_dir():
            raise InputError("noise", "must be a folder of sound files", folder)
        found = [path for path in sorted(folder.rglob("*")) if path.suffix.lower() in ENDINGS]
        if not found:
            raise InputError("noise", "must be a folder of sound files", f"{folder}, which has none")
        return found

    def draw(self, source: Random) -> Variation:
        """Draw the changes of one sound; as many numbers are drawn whatever the options are."""
        options = self.options
        speed = 1 + source.choice((-1, 0, 1)) * options.speed
        gain = 10 ** (source.uniform(-options.gain, options.gain) / 20)
        is_noisy = source.random() < options.noisy
        noise = NoiseDraw(
            options.snr + _QUIETER * source.random(),
            _BROWNEST * source.random(),
            source.getrandbits(32),
            source.choice(self.noises) if self.noises else None,
            source.random(),
        )
        bands = min(options.band_mask, self._sound.bands - 1)
        return Variation(
            speed,
            gain,
            noise if is_noisy else None,
            tuple((source.random(), source.randint(0, options.time_mask)) for _ in range(options.time_masks)),
            tuple((source.random(), source.randint(0, bands)) for _ in range(options.band_masks)),
        )

    def changed(self, pieces: Iterator[Tensor], rate: int, variation: Variation) -> Iterator[Tensor]:
        """Yield the pieces of a sound at `rate` changed, and at the rate of the model."""
        resampled = _resampled(pieces, rate, self._sound.rate)
        played = _resampled(resampled, round(self._sound.rate * variation.speed), self._sound.rate)
        noise = self._noise(variation.noise)
        for piece in played:
            louder = piece * variation.gain
            yield louder if variation.noise is None else _added(louder, next(noise), variation.noise, noise)

    def _noise(self, draw: NoiseDraw | None) -> Iterator[Tensor]:
        """Yield noise without end."""
        if draw is None:
            return
        if draw.file is None:
            source = np.random.default_rng(draw.seed)
            while True:
                yield _coloured(source, self._sound.rate, draw.colour)
        with open_mono(Sound(draw.file), self._sound) as file:
            # Something is left of a file that is shorter than its header says.
            seconds = draw.start * max(0.0, file.seconds - 1)
        for sound in cycle((Sound(draw.file, seconds), Sound(draw.file))):
            with open_mono(sound, self._sound) as file:
                for piece in file.pieces():
                    yield resample(piece, file.rate, self._sound.rate)


def _resampled(pieces: Iterator[Tensor], before: int, after: int) -> Iterator[Tensor]:
    if before == after:
        yield from pieces
        return
    resampler = Resampler(before, after)
    yield from map(resampler.push, pieces)
    yield resampler.finish()


def _added(sound: Tensor, first: Tensor, draw: NoiseDraw, more: Iterator[Tensor]) -> Tensor:
    """Return a piece of sound with noise, so much weaker than the piece as was drawn."""
    noise = first
    while len(noise) < len(sound):
        noise = torch.cat([noise, next(more)])
    noise = noise[: len(sound)]
    power, loud = noise.square().mean(), sound.square().mean()
    if not len(sound) or not power:
        return sound
    return sound + noise * (loud / power).sqrt() * 10 ** (-draw.snr / 20)


def _coloured(source: np.random.Generator, rate: int, colour: float) -> Tensor:
    """Return about a second of noise whose power falls with f^colour above 50 Hz."""
    count = 1 << (rate - 1).bit_length()
    spectrum = np.fft.rfft(source.standard_normal(count))
    frequencies = np.fft.rfftfreq(count, 1 / rate)
    spectrum *= np.maximum(frequencies, 50) ** (-colour / 2)
    return torch.from_numpy(np.fft.irfft(spectrum, count).astype(np.float32))
