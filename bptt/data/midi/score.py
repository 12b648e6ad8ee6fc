"""A piece of music as a plain value: notes in ticks, tempo map, time and key signatures."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

DEFAULT_TEMPO = 500_000  # µs a quarter, 120 quarters a minute: what a MIDI file without a tempo means
MIDDLE_VELOCITY = 80


class Note(NamedTuple):
    """A note, in ticks; in a score they are sorted by onset, then pitch. `pitch` is the MIDI number, 60 is
    middle C; of percussion it is the instrument, and `program` the kit.
    """

    onset: int
    pitch: int  # 0–127
    duration: int
    velocity: int = MIDDLE_VELOCITY  # 1–127
    program: int = 0  # 0–127, General MIDI
    drum: bool = False
    track: int = 0

    @property
    def end(self) -> int:
        """The tick at which the note ends."""
        return self.onset + self.duration


class Tempo(NamedTuple):
    """From `tick` on a quarter lasts `quarter` microseconds."""

    tick: int
    quarter: int

    @property
    def per_minute(self) -> float:
        """Quarters a minute."""
        return 60e6 / self.quarter


class TimeSignature(NamedTuple):
    """A bar begins at `tick`; it and the following ones last `beats` times one `unit`-th of a whole note."""

    tick: int
    beats: int
    unit: int


class KeySignature(NamedTuple):
    """From `tick` on the signature has `sharps` sharps (negative: flats), of a major or a minor key."""

    tick: int
    sharps: int
    minor: bool = False

    @property
    def tonic(self) -> int:
        """The pitch class of the tonic, 0 is C."""
        return (7 * self.sharps + (9 if self.minor else 0)) % 12


@dataclass(frozen=True)
class Score:
    """A piece. Times are ticks, `ticks_per_quarter` of them a quarter note; `tempos` are sorted and say how
    long it lasts; without one at tick 0, 120 quarters a minute. Without a time signature bars are 4/4.
    `remarks` count what its reader repaired or dropped; two scores that differ in them alone are equal.
    """

    notes: tuple[Note, ...]
    ticks_per_quarter: int = 480
    tempos: tuple[Tempo, ...] = ()
    time_signatures: tuple[TimeSignature, ...] = ()
    key_signatures: tuple[KeySignature, ...] = ()
    track_names: tuple[str, ...] = ()
    title: str = ""
    remarks: tuple[tuple[str, int], ...] = field(default=(), compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "notes", tuple(sorted(self.notes)))

    @cached_property
    def end(self) -> int:
        """The tick at which the last note ends, 0 without notes."""
        return max((note.end for note in self.notes), default=0)

    @property
    def seconds(self) -> float:
        """How long the piece lasts, silence before its first note included."""
        return float(self.seconds_at([self.end])[0])

    @property
    def tracks(self) -> int:
        """The number of tracks: one more than the greatest that a note has."""
        return 1 + max((note.track for note in self.notes), default=-1)

    def seconds_at(self, ticks: Iterable[int] | npt.NDArray[np.int64]) -> npt.NDArray[np.float64]:
        """Return the times of ticks in seconds by the tempo map, (N,)."""
        starts, begins, rates = self._tempo_map
        asked = np.fromiter(ticks, np.int64)
        which = np.searchsorted(starts, asked, side="right") - 1
        found: npt.NDArray[np.float64] = begins[which] + (asked - starts[which]) * rates[which]
        return found

    def ticks_at(self, seconds: Iterable[float] | npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
        """Return the ticks nearest to times in seconds, (N,): the inverse of `seconds_at`."""
        starts, begins, rates = self._tempo_map
        asked = np.fromiter(seconds, np.float64)
        which = np.maximum(np.searchsorted(begins, asked, side="right") - 1, 0)
        return np.rint(starts[which] + (asked - begins[which]) / rates[which]).astype(np.int64)

    def tempo_at(self, tick: int) -> int:
        """Return how many microseconds a quarter lasts at a tick."""
        place = bisect_right([tempo.tick for tempo in self.tempos], tick)
        return self.tempos[place - 1].quarter if place else DEFAULT_TEMPO

    def with_notes(self, notes: Iterable[Note]) -> Score:
        """Return the score with other notes."""
        return replace(self, notes=tuple(notes))

    @cached_property
    def _tempo_map(self) -> tuple[npt.NDArray[np.int64], npt.NDArray[np.float64], npt.NDArray[np.float64]]:
        """Ticks at which a tempo begins, their times in seconds, and seconds a tick from there on."""
        tempos = (
            self.tempos
            if self.tempos and self.tempos[0].tick == 0
            else (Tempo(0, DEFAULT_TEMPO), *self.tempos)
        )
        starts = np.array([tempo.tick for tempo in tempos], np.int64)
        rates = np.array([tempo.quarter for tempo in tempos]) / 1e6 / self.ticks_per_quarter
        begins = np.concatenate([[0.0], np.cumsum(np.diff(starts) * rates[:-1])])
        return starts, begins, rates


def add_remarks(score: Score, counts: Iterable[tuple[str, int]]) -> Score:
    """Return the score with further remarks, those with a count of 0 left out."""
    return replace(score, remarks=(*score.remarks, *(each for each in counts if each[1])))
