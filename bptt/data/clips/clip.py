"""Clips that stay in their files until they are needed, and their pictures, small, once they were decoded."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from itertools import islice
from pathlib import Path

import numpy as np
import numpy.typing as npt

from bptt.data.clips.frame_cache import cached
from bptt.data.clips.frame_folder import pictures_of
from bptt.data.clips.frame_options import FrameShape
from bptt.data.clips.frame_shape import Frame, Picture
from bptt.data.clips.signs import is_animated, is_npy
from bptt.data.reading import open_file
from bptt.data.stored import Stored
from bptt.deferred import deferred
from bptt.errors import InputError

_video_frames = deferred("bptt.data.clips.video_file", "video_frames")
_animated_frames = deferred("bptt.data.clips.still_pictures", "animated_frames")
_picture_frames = deferred("bptt.data.clips.still_pictures", "picture_frames")
_npy_frames = deferred("bptt.data.clips.picture_array", "npy_frames")

# Longer than all signatures.
_START = 64


@dataclass(frozen=True)
class Frames:
    """The small `pictures` (T, size, size, channels) of a clip, T at least 1, and the seconds (T,) at which
    they appear, in ascending order; None if unknown.
    """

    pictures: Picture
    times: npt.NDArray[np.float64] | None = None

    @property
    def rate(self) -> float | None:
        """Pictures a second, by the median of the times between them; None if unknown."""
        if self.times is None or len(self.times) < 2:
            return None
        between = float(np.median(np.diff(self.times)))
        return 1 / between if between > 0 else None

    def between(self, start: float, end: float | None) -> Frames:
        """Return the pictures that are shown from second `start` to second `end` (None: to the last)."""
        if self.times is None or (not start and end is None):
            return self
        first = max(0, int(np.searchsorted(self.times, start, "right")) - 1)
        last = len(self.times) if end is None else int(np.searchsorted(self.times, end, "left"))
        return Frames(self.pictures[first:last], self.times[first:last])

    def sampled(self, rate: float) -> Picture:
        """Return the picture that is shown at each of the times 0, 1 / rate, 2 / rate, ... after the first.

        A clip without times is returned as it is.
        """
        if self.times is None or rate <= 0:
            return self.pictures
        shown = self.times - self.times[0]
        count = int(np.floor(shown[-1] * rate + 1e-6)) + 1
        # A picture that is due within a thousandth of a second is shown: times are rounded.
        return self.pictures[np.searchsorted(shown, np.arange(count) / rate + 1e-3, "right") - 1]


@dataclass(frozen=True)
class Clip:
    """A clip in a file or folder: of it the seconds from `start` to `end` (None: to its end), or the first
    `count` pictures (None: all).
    """

    path: Path
    start: float = 0.0
    end: float | None = None
    count: int | None = None

    @property
    def digest(self) -> str:
        """The SHA-256 of what the clip is made of: equal for equal clips."""
        return _digest(self)

    def frames(self, shape: FrameShape) -> Frames:
        """Return the pictures, decoded once on this machine and then read from the cache.

        Raises InputError if the file is cut or damaged, or has no pictures.
        """
        whole = Clip(self.path, count=self.count)
        pictures, times = cached(f"{whole.digest} {shape}", lambda: _gathered(whole.decoded(shape)))
        if not len(pictures):
            cure = "Convert it again, or leave it out"
            raise InputError(str(self.path), "must hold a picture at least", "none", cure)
        found = Frames(pictures, times).between(self.start, self.end)
        if not len(found.pictures):
            came = f"{self.start:g} to {self.end:g} of {times[-1] if times is not None else 0:.1f} seconds"
            raise InputError(str(self.path), "the seconds of an example are in its clip", came)
        return found

    def decoded(self, shape: FrameShape) -> Iterator[Frame]:
        """Yield the pictures one by one as they are decoded. Raises InputError as `frames` does."""
        return islice(_decoded(self.path, shape), self.count)


def _decoded(path: Path, shape: FrameShape) -> Iterator[Frame]:
    found: Iterator[Frame]
    if path.is_dir():
        found = _picture_frames(pictures_of(path).paths, shape)
        return found
    with open_file(path) as file:
        start = file.read(_START)
    read = _npy_frames if is_npy(start) else _animated_frames if is_animated(start) else _video_frames
    found = read(path, shape)
    return found


def _gathered(frames: Iterator[Frame]) -> tuple[Picture, npt.NDArray[np.float64] | None]:
    pictures, times = [], []
    for frame in frames:
        pictures.append(frame.picture)
        times.append(frame.time)
    known = [time for time in times if time is not None]
    # Out of order in damaged files.
    shown = np.maximum.accumulate(np.array(known, np.float64)) if len(known) == len(times) else None
    return (np.stack(pictures) if pictures else np.zeros((0, 0, 0, 0), np.uint8)), shown


@lru_cache(maxsize=2**20)
def _digest(clip: Clip) -> str:
    if not clip.path.is_dir():
        about = Stored(clip.path).digest
    else:
        parts = [(path.name, Stored(path).digest) for path in pictures_of(clip.path).paths]
        about = hashlib.sha256(repr(parts).encode("utf-8", "surrogateescape")).hexdigest()
    part = (clip.start, clip.end, clip.count)
    return about if part == (0.0, None, None) else f"{about} {part}"
