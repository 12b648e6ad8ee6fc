"""A score as the plain values of a piano roll: bars of time at a height, for a picture or a page."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

from bptt.data.midi.bars import Bar, bars_of
from bptt.data.midi.score import Note, Score

# Steps a quarter at which the lines of bars are found.
_RESOLUTION = 96
_FAMILIES = (
    "piano", "mallets", "organ", "guitar", "bass", "strings", "ensemble", "brass",
    "reed", "pipe", "lead", "pad", "effects", "plucked", "percussive", "sounds",
)  # fmt: skip
_DRUMS = {
    35: "kick", 36: "kick", 37: "side stick", 38: "snare", 39: "clap", 40: "snare rim", 22: "hat edge",
    26: "open hat edge", 41: "low tom", 42: "closed hat", 43: "low tom", 44: "pedal hat", 45: "middle tom",
    46: "open hat", 47: "middle tom", 48: "high tom", 49: "crash", 50: "high tom", 51: "ride", 52: "china",
    53: "ride bell", 54: "tambourine", 55: "splash", 56: "cowbell", 57: "crash", 58: "low tom", 59: "ride",
}  # fmt: skip


class RollBar(NamedTuple):
    """A note of a roll: from `start` to `end` in the unit of the roll, at `pitch`, of the `group` with this
    number, with `strength` from 0 to 1.
    """

    start: float
    end: float
    pitch: int
    group: int
    strength: float


@dataclass(frozen=True)
class RollView:
    """The notes of a piano roll. `unit` is "bar", counted from 1, or "s". `groups` names the parts; those in
    `drums` are percussion, whose pitches `drum_names` names. `lines` are where bars begin, in the unit.
    """

    notes: tuple[RollBar, ...]
    unit: str
    groups: tuple[str, ...]
    drums: frozenset[int]
    drum_names: dict[int, str]
    lines: tuple[float, ...] = ()


def roll_view(score: Score, in_seconds: bool = False) -> RollView:
    """Return the roll of a score, with time in bars or in seconds; each track and program is a group."""
    parts = sorted({(note.drum, note.track, note.program) for note in score.notes})
    number = {part: place for place, part in enumerate(parts)}
    places = {note: number[note.drum, note.track, note.program] for note in score.notes}
    starts, ends, lines = _times(score) if in_seconds else _bars(score)
    notes = tuple(
        RollBar(start, end, note.pitch, places[note], note.velocity / 127)
        for note, start, end in zip(score.notes, starts, ends, strict=True)
    )
    pitches = {note.pitch for note in score.notes if note.drum}
    return RollView(
        notes,
        "s" if in_seconds else "bar",
        _names(parts, score),
        frozenset(place for place, part in enumerate(parts) if part[0]),
        {pitch: _DRUMS.get(pitch, f"percussion {pitch}") for pitch in sorted(pitches)},
        tuple(lines),
    )


def _names(parts: Sequence[tuple[bool, int, int]], score: Score) -> tuple[str, ...]:
    """Return a name for each part, those of one name with the number of their track."""
    names = [_name(part, score) for part in parts]
    return tuple(
        f"{name}, track {part[1] + 1}" if names.count(name) > 1 else name
        for name, part in zip(names, parts, strict=True)
    )


def _name(part: tuple[bool, int, int], score: Score) -> str:
    drum, track, program = part
    named = score.track_names[track] if track < len(score.track_names) else ""
    return named or ("percussion" if drum else f"{_FAMILIES[program // 8]} ({program})")


def _times(score: Score) -> tuple[list[float], list[float], list[float]]:
    starts = score.seconds_at([note.onset for note in score.notes]).tolist()
    return starts, score.seconds_at([note.end for note in score.notes]).tolist(), []


def _bars(score: Score) -> tuple[list[float], list[float], list[float]]:
    bars = list(bars_of(score, _RESOLUTION))
    begins = [bar.start for bar in bars]
    scale = _RESOLUTION / score.ticks_per_quarter

    def at(tick: int) -> float:
        return _bar_number(tick * scale, bars, begins)

    notes: Sequence[Note] = score.notes
    lines = [float(number + 1) for number in range(len(bars))]
    return [at(note.onset) for note in notes], [at(note.end) for note in notes], lines


def _bar_number(step: float, bars: Sequence[Bar], begins: Sequence[int]) -> float:
    """Return the number of the bar of a step, from 1 on, with the share of it that has passed."""
    place = max(0, bisect_right(begins, step) - 1)
    bar = bars[place]
    return place + 1 + (step - bar.start) / (bar.end - bar.start)
