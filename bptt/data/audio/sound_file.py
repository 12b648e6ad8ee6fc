"""Sound files of any format, opened and read piece by piece."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, BinaryIO, Protocol

from bptt.data.audio.wav import PcmLayout, Samples, decode_pcm, find_pcm
from bptt.data.reading import open_file
from bptt.deferred import deferred
from bptt.errors import InputError

_open_compressed: Callable[[BinaryIO, Path], Any] = deferred("bptt.data.audio.libsndfile", "open_compressed")
_read_compressed: Callable[[Any, int, Path], Samples] = deferred(
    "bptt.data.audio.libsndfile", "read_compressed"
)

_skip_compressed: Callable[[Any, int, Path], None] = deferred("bptt.data.audio.libsndfile", "skip_compressed")

# Endings of files without a header.
BARE = frozenset((".raw", ".pcm"))


class SoundFile(Protocol):
    """An open sound: `frames` samples of each of `channels` channels at `rate` a second, as the file claims.

    `missing` counts the samples that the header promises and the file lacks.
    """

    rate: int
    channels: int
    frames: int
    missing: int

    def seek(self, frame: int) -> None:
        """Let the first `read` begin with this sample."""

    def read(self, count: int) -> Samples:
        """Return the next `count` samples in ±1, (N, channels), fewer at the end of the file."""


class _Pcm:
    """Numbers that lie in the file as they are."""

    def __init__(self, file: BinaryIO, layout: PcmLayout) -> None:
        self.rate, self.channels = layout.rate, layout.channels
        self.frames, self.missing = layout.frames, layout.missing
        self._file, self._layout = file, layout
        self.seek(0)

    def seek(self, frame: int) -> None:
        self._next = min(frame, self.frames)
        self._file.seek(self._layout.start + self._next * self._layout.frame_bytes)

    def read(self, count: int) -> Samples:
        count = min(count, self.frames - self._next)
        self._next += count
        return decode_pcm(self._file.read(count * self._layout.frame_bytes), self._layout)


class _Compressed:
    """Sound that a library decodes."""

    missing = 0

    def __init__(self, file: BinaryIO, path: Path) -> None:
        self._opened, self._path = _open_compressed(file, path), path
        self.rate, self.channels = self._opened.samplerate, self._opened.channels
        self.frames = self._opened.frames

    def seek(self, frame: int) -> None:
        _skip_compressed(self._opened, frame, self._path)

    def read(self, count: int) -> Samples:
        return _read_compressed(self._opened, count, self._path)


@contextmanager
def open_sound(path: Path, raw_rate: int = 0) -> Iterator[SoundFile]:
    """Open a file of sound; one without a header holds 16-bit numbers of one channel at `raw_rate` a second.

    Raises InputError if there is no such file, it is empty or no sound, or its rate is not known.
    """
    with open_file(path) as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(0)
        start = file.read(12)
        if not size:
            raise InputError(str(path), "must hold sound", "an empty file", "Remove it from the data")
        yield _opened(file, path, size, start, raw_rate)


def _opened(file: BinaryIO, path: Path, size: int, start: bytes, raw_rate: int) -> SoundFile:
    if start[:4] in (b"RIFF", b"RF64") and start[8:] == b"WAVE":
        layout = find_pcm(file, size, str(path))
        if layout is not None:
            return _Pcm(file, layout)
    elif path.suffix.lower() in BARE:
        if not raw_rate:
            cure = "Give it: `raw_rate` 16000"
            raise InputError(str(path), "must say its rate, as it has no header", "none", cure)
        return _Pcm(file, PcmLayout(raw_rate, 1, "i16", 0, size // 2))
    file.seek(0)
    return _Compressed(file, path)
