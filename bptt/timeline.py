"""A sequence in time, as plain values: when its steps are, what is drawn on that axis, and its sound."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

# A page has room for a sound of as many seconds, of one channel at 16,000 samples a second in 16 bits.
LONGEST_SOUND = 24.0


@dataclass(frozen=True, eq=False)
class Band:
    """A picture of the whole time: `levels` (H, N) of bytes, N columns of equal duration, the top row first.

    `rows` name the rows, if they have names; `extent` says in words what the height is.
    """

    name: str
    levels: NDArray[np.uint8]
    rows: tuple[str, ...] = ()
    extent: str = ""


class Mark(NamedTuple):
    """A text at its place, in seconds."""

    start: float
    end: float
    text: str


@dataclass(frozen=True)
class Marks:
    """A row of marks in the order of time: the symbols of an alignment, or the words."""

    name: str
    marks: tuple[Mark, ...]


class ColouredBar(NamedTuple):
    """A bar from `start` to `end` in seconds at a height. `step` is the one of the sequence that reads it, by
    whose values it is coloured.
    """

    start: float
    end: float
    height: int
    step: int


@dataclass(frozen=True)
class BarRow:
    """Bars at heights, such as the notes of a piano roll; `lines` are heights with a name."""

    name: str
    bars: tuple[ColouredBar, ...]
    lines: tuple[tuple[int, str], ...] = ()


@dataclass(frozen=True, eq=False)
class Timeline:
    """The time of T steps: step t lasts from `seconds[t]` to `seconds[t + 1]`; (T + 1,), ascending.

    `sound` is a WAV file that begins at second 0 and lasts `LONGEST_SOUND` at most; empty if there is none.
    """

    seconds: tuple[float, ...]
    bands: tuple[Band, ...] = ()
    marks: tuple[Marks, ...] = ()
    bars: BarRow | None = None
    sound: bytes = b""

    @property
    def steps(self) -> int:
        """T, the number of steps."""
        return len(self.seconds) - 1
