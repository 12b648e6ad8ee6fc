"""A sound as an input: where it is, until it is needed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from bptt.data.media import Media
from bptt.deferred import deferred

if TYPE_CHECKING:
    from torch import Tensor

# A text asks whether it names sounds; few sounds are asked for their digest.
_stored = deferred("bptt.data.stored", "Stored")

# Endings of files of sound, in small letters.
ENDINGS = frozenset(
    ".wav .flac .mp3 .ogg .oga .opus .sph .aif .aiff .aifc .au .snd .caf .w64 .rf64 .raw .pcm".split()
)


@dataclass(frozen=True, eq=False)
class SampledSound:
    """Samples (N,) float32 in ±1 at a rate, for a sound that is in no file."""

    samples: Tensor
    rate: int


@dataclass(frozen=True)
class Sound:
    """The sound of a file from `start` to `stop` in seconds, to its end if `stop` is None."""

    path: Path
    start: float = 0.0
    stop: float | None = None

    @property
    def digest(self) -> str:
        """Equal for equal sounds: the SHA-256 of the file, and the times in it."""
        return f"{_stored(self.path).digest} {self.start} {self.stop}"


MEDIA = Media("sound", ENDINGS, Sound, said=True)
