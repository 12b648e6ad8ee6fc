"""Clips to pictures, (T, size, size, channels) within 0 and 1."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from random import Random
from statistics import median
from typing import Any, TypeAlias

import torch
from torch import Tensor

from bptt.data.clips.clip import Clip
from bptt.data.clips.clip_options import ClipOptions
from bptt.data.clips.frame_shape import Picture
from bptt.data.clips.sides import labels_with_sides
from bptt.data.workers import Workers
from bptt.deferred import deferred
from bptt.errors import InputError
from bptt.models.clip_changes import vary_clip
from bptt.models.clip_input import ClipInput, coarse_rows
from bptt.models.codecs.codec import Codec
from bptt.nn.exposure import StepPictures

_clip_windows = deferred("bptt.data.clips.clip_windows", "clip_windows")
_small_clip = deferred("bptt.data.clips.picture_array", "small_clip")

# A clip in its file, or pictures (T, size, size, channels) that came from Python.
ClipInputs: TypeAlias = Clip | Picture

# More pictures a second cost time and add little to the evidence for an action.
_USUAL_RATE = 15.0
# Clips that a worker decodes at a time.
_AT_ONCE = 4


class ClipCodec(Codec[ClipInputs]):
    """Turns clips into small pictures at `options.frame_rate`. `training` are the clips to learn from."""

    unit = "pictures"

    def __init__(self, options: ClipOptions, training: Sequence[ClipInputs] = ()) -> None:
        self.options, self._training = options, training

    @classmethod
    def learn(cls, clips: Sequence[ClipInputs], options: ClipOptions, workers: int = 0) -> ClipCodec:
        """Decode all training clips once, and take the usual rate of theirs if none was chosen.

        Raises InputError for a clip that cannot be read.
        """
        rates = _in_order(lambda row: cls._rate_of(clips[row], options), len(clips), workers)
        known = [rate for rate in rates if rate is not None]
        if not options.frame_rate and known:
            options = replace(options, frame_rate=round(min(_USUAL_RATE, median(known)), 3))
        return cls(options, clips)

    @staticmethod
    def _rate_of(clip: ClipInputs, options: ClipOptions) -> float | None:
        return clip.frames(options.shape).rate if isinstance(clip, Clip) else None

    def part(self) -> ClipInput:
        """Return a part that begins with the principal components of the training clips."""
        part = ClipInput(self.options.frame_size, self.options.channels)
        if self._training:
            part.fit(self.encode(each)[0] for each in self._training)
        return part

    def encode(self, input: ClipInputs) -> tuple[Tensor, ...]:
        """Return the pictures (T, size, size, channels). Raises InputError if the clip cannot be read."""
        return (self._bytes(input).float() / 255,)

    def augment(self, input: ClipInputs, draw: Random) -> tuple[Tensor, ...]:
        """Return a training clip changed at random, if the options say so."""
        (clip,) = self.encode(input)
        return (vary_clip(clip, draw, self.options.mirror) if self.options.vary_clips else clip,)

    def steps(self, encoded: tuple[Tensor, ...]) -> Tensor:
        """Return the pictures as rows of at most 1,024 numbers."""
        return coarse_rows(encoded[0])

    def _bytes(self, input: ClipInputs) -> Tensor:
        """Return the pictures as bytes (T, size, size, channels)."""
        if not isinstance(input, Clip):
            return torch.from_numpy(input)
        return torch.tensor(input.frames(self.options.shape).sampled(self.options.frame_rate))

    def check(self, input: Any, place: str) -> ClipInputs:
        """Return a clip by its path, or of pictures (T, H, W) or (T, H, W, 3): an array or a tensor.

        Raises WrongTypeError for anything else, InputError for an array of another shape.
        """
        if isinstance(input, Clip):
            return input
        if isinstance(input, str | Path):
            return Clip(Path(input))
        pictures = input.detach().cpu().numpy() if isinstance(input, Tensor) else input
        found: Picture = _small_clip(pictures, self.options.shape, place)
        return found

    def windows(self, input: ClipInputs, seconds: float) -> Iterator[tuple[float, ClipInputs]]:
        """Yield the last `seconds` of a clip as it is decoded. Raises InputError for pictures from Python."""
        if not isinstance(input, Clip):
            raise InputError("stream", "needs clips in files", "an array")
        found: Iterator[tuple[float, Picture]] = _clip_windows(
            input, self.options.shape, self.options.frame_rate, seconds
        )
        return found

    def check_labels(self, labels: Sequence[str]) -> None:
        """Raise InputError if clips are mirrored though labels have sides."""
        sides = labels_with_sides(labels)
        if self.options.mirror and sides:
            shown = ", ".join(sides[:4])
            raise InputError("mirror", "is for labels without sides", shown, "Leave it out")

    @property
    def settled(self) -> Mapping[str, Any]:
        """The options, whose rate was found in the training clips."""
        return {"clips": self.options}

    def files(self) -> Mapping[str, bytes]:
        """Return no files: the configuration holds the options."""
        return {}

    def show(self, input: ClipInputs) -> tuple[str, ...]:
        """Return the time of each picture in seconds, or its number if that is unknown."""
        count, rate = len(self._bytes(input)), self.options.frame_rate
        timed = rate > 0 and isinstance(input, Clip) and input.frames(self.options.shape).times is not None
        return tuple(f"{n / rate:.2f}s" if timed else str(n) for n in range(count))

    def pictures(self, input: ClipInputs, steps: int) -> StepPictures:
        """Return the pictures themselves."""
        shown = self._bytes(input)[:steps]
        return StepPictures(shown, tuple(range(len(shown))))

    def describe(self) -> list[str]:
        """Describe how clips are read."""
        size, rate = self.options.frame_size, self.options.frame_rate
        colours = "in colour" if self.options.colour else "in grey (`colour` keeps colours)"
        times = (
            f"{rate:g} pictures a second (`frame_rate`)" if rate else "all pictures, whose times are unknown"
        )
        varied = "as they are" if not self.options.vary_clips else "changed in size, place and speed"
        return [
            f"clips: {size} x {size} {colours}, {times}",
            f"training clips: {varied}, {'' if self.options.mirror else 'not '}mirrored",
        ]


def _in_order(work: Any, count: int, workers: int) -> list[Any]:
    """Return what `work` returns for each number below `count`, by `workers` threads."""
    if not workers:
        return [work(row) for row in range(count)]
    threads: Workers[int, Any] = Workers(work, workers)
    try:
        parts = [range(start, min(start + _AT_ONCE, count)) for start in range(0, count, _AT_ONCE)]
        return [each for found in [threads.start(part) for part in parts] for each in found.result()]
    finally:
        threads.close()
