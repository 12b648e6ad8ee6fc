"""The notes of a score on a grid of steps, and what the grid moved, changed or could not hold."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bptt.data.midi.music_vocabulary import (
    MusicVocabulary,
    Representation,
    Token,
    TokenKind,
    parts_of,
    velocity_token,
)
from bptt.data.midi.score import Note, Score

# Further from the grid than rounding in the computation of times explains, in steps.
_MOVED = 1e-6


class PlacedNote(NamedTuple):
    """A note on the grid, in the order in which tokens say it: percussion first, then part by part."""

    step: int
    pitched: bool
    part: Token
    pitch: int
    duration: int
    velocity: Token


@dataclass(frozen=True)
class GridReport:
    """The effect of a representation on `notes` notes of scores. `moved` onsets lie off the grid, on average
    by `shift`, at most by `greatest`, in steps of which `resolution` are a quarter or a second. `durations`
    and `velocities` count the notes whose value was rounded; percussion has no durations. `lost` counts what
    is not in the tokens, by its reason.
    """

    representation: Representation
    resolution: int
    notes: int = 0
    kept: int = 0
    moved: int = 0
    shift: float = 0.0
    greatest: float = 0.0
    durations: int = 0
    velocities: int = 0
    lost: tuple[tuple[str, int], ...] = ()

    def __add__(self, other: GridReport) -> GridReport:
        """Return the report of both on scores of one representation."""
        moved = self.moved + other.moved
        return GridReport(
            self.representation,
            self.resolution,
            self.notes + other.notes,
            self.kept + other.kept,
            moved,
            (self.moved * self.shift + other.moved * other.shift) / moved if moved else 0.0,
            max(self.greatest, other.greatest),
            self.durations + other.durations,
            self.velocities + other.velocities,
            tuple((Counter(dict(self.lost)) + Counter(dict(other.lost))).items()),
        )

    def lines(self) -> list[str]:
        """Say it, a line for each finding."""
        bars = self.representation is Representation.BARS
        unit, scale = ("quarter", 1.0) if bars else ("ms", 1000.0)
        grid = f"{self.resolution} steps a quarter" if bars else f"{1000 / self.resolution:g} ms a step"
        found = [f"{self.kept:,} of {self.notes:,} notes on a grid of {grid}"]
        if self.moved:
            share = self.moved / max(1, self.kept)
            mean, most = (value * scale / self.resolution for value in (self.shift, self.greatest))
            found.append(f"onsets moved: {share:.1%}, by {mean:.3g} {unit} on average, at most {most:.3g}")
        if self.durations:
            found.append(f"durations rounded: {self.durations:,}")
        if self.velocities:
            found.append(f"velocities rounded: {self.velocities:,}")
        return found + [f"{reason}: {count:,}" for reason, count in self.lost]


def place_notes(
    score: Score,
    vocabulary: MusicVocabulary,
    onsets: npt.NDArray[np.float64],
    durations: npt.NDArray[np.float64],
) -> tuple[list[PlacedNote], GridReport]:
    """Return the notes at onsets and with durations (N,), in steps that need not be whole, rounded to the
    grid, and what that did to them.
    """
    steps = np.floor(onsets + 0.5).astype(np.int64)
    shifts = np.abs(onsets - steps)
    lengths = _nearest(durations, vocabulary)
    lost: Counter[str] = Counter()
    placed: dict[tuple[int, Token, int, bool], PlacedNote] = {}
    moved, rounded, softened = [], 0, 0
    finder = _Finder(score.notes, vocabulary)
    for note, step, shift, length, exact in zip(
        score.notes, steps.tolist(), shifts.tolist(), lengths.tolist(), durations.tolist(), strict=True
    ):
        part = finder.part(note)
        if part is None:
            lost[finder.reason(note)] += 1
            continue
        velocity = finder.velocity(note.velocity)
        key = (step, part, note.pitch, note.drum)
        found = PlacedNote(step, not note.drum, part, note.pitch, 0 if note.drum else length, velocity)
        if key in placed:
            lost["notes that fall on another of their pitch"] += 1
            placed[key] = max(placed[key], found, key=lambda each: (each.duration, each.velocity.value))
            continue
        placed[key] = found
        if shift > _MOVED:
            moved.append(shift)
        rounded += not note.drum and abs(length - exact) > _MOVED
        softened += velocity.value != note.velocity
    report = GridReport(
        vocabulary.representation,
        vocabulary.resolution,
        len(score.notes),
        len(placed),
        len(moved),
        float(np.mean(moved)) if moved else 0.0,
        max(moved, default=0.0),
        rounded,
        softened,
        tuple(lost.items()),
    )
    return sorted(placed.values()), report


class _Finder:
    """Finds the tokens of a note; a vocabulary that was made for other scores may lack some."""

    def __init__(self, notes: Iterable[Note], vocabulary: MusicVocabulary) -> None:
        self._parts = parts_of(notes)
        self._known = {kind: frozenset(tokens) for kind, tokens in vocabulary.values.items()}
        self._velocities = sorted(token.value for token in self._known[TokenKind.VELOCITY])
        self._nearest: dict[int, Token] = {}

    def part(self, note: Note) -> Token | None:
        """Return the part of a note, None if the vocabulary cannot say the note. That of percussion is one
        for all.
        """
        if Token(TokenKind.DRUM if note.drum else TokenKind.PITCH, note.pitch) not in self._pitches:
            return None
        if note.drum:
            return _PERCUSSION
        part = self._parts[note.track, note.program]
        # Of a program with fewer tracks in the corpus, the last one.
        for second in range(part.second, -1, -1):
            if part._replace(second=second) in self._known[TokenKind.PART]:
                return part._replace(second=second)
        return None

    @property
    def _pitches(self) -> frozenset[Token]:
        return self._known[TokenKind.PITCH] | self._known[TokenKind.DRUM]

    def reason(self, note: Note) -> str:
        """Say why a note is left out."""
        if note.drum:
            return "notes of percussion that the corpus lacks"
        if Token(TokenKind.PITCH, note.pitch) not in self._known[TokenKind.PITCH]:
            return "notes outside of the range of the corpus"
        return "notes of programs that the corpus lacks"

    def velocity(self, velocity: int) -> Token:
        """Return the nearest velocity."""
        if velocity not in self._nearest:
            wanted = velocity_token(velocity)
            known = self._velocities or [wanted.value]
            value = min(known, key=lambda each: (abs(each - wanted.value), each))
            self._nearest[velocity] = wanted._replace(value=value)
        return self._nearest[velocity]


_PERCUSSION = Token(TokenKind.PART, -1)


def _nearest(durations: npt.NDArray[np.float64], vocabulary: MusicVocabulary) -> npt.NDArray[np.int64]:
    """Return the durations of the vocabulary that are nearest to those asked for."""
    known = np.array([token.value for token in vocabulary.values[TokenKind.DURATION]] or [1], np.int64)
    above = np.clip(np.searchsorted(known, durations), 1, max(1, len(known) - 1))
    above = np.minimum(above, len(known) - 1)
    below = np.maximum(above - 1, 0)
    return np.where(durations - known[below] < known[above] - durations, known[below], known[above])


def total(reports: Sequence[GridReport]) -> GridReport:
    """Return the sum of reports, one at least."""
    found = reports[0]
    for report in reports[1:]:
        found += report
    return found
