"""Numbers that describe scores, to compare samples with the corpus that they were learned from."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from bptt.data.midi.key_profiles import share_in_key
from bptt.data.midi.score import Note, Score

# Durations and gaps are compared in parts of a quarter.
_GRID = 12
# A pitched note of this many quarters is as good as one that never ends.
_HANGING = 32

Histogram = Mapping[Any, float]


@dataclass(frozen=True)
class ScoreMeasures:
    """Measures of scores, taken together. `in_key` is the share of notes in the key of their score.
    Histograms have shares: of pitches, of pitch classes above the lowest note's, of durations and of gaps
    between onsets (quarters), of velocities. `polyphony` is the mean number of pitched notes that sound while
    any does, `most` the greatest. `hanging` notes last 32 quarters or more.
    """

    notes: int
    in_key: float
    pitches: Histogram
    durations: Histogram
    gaps: Histogram
    velocities: Histogram
    polyphony: float
    most: int
    hanging: int


def measure_scores(scores: Iterable[Score]) -> ScoreMeasures:
    """Measure scores together."""
    scores = [score for score in scores if score.notes]
    pitched = [[note for note in score.notes if not note.drum] for score in scores]
    counts = [len(notes) for notes in pitched]
    shares = [share_in_key(score) for score in scores]
    layers = [_polyphony(notes) for notes in pitched]
    sounding = sum(time for _, time, _ in layers)
    return ScoreMeasures(
        sum(len(score.notes) for score in scores),
        float(np.average(shares, weights=counts)) if sum(counts) else 1.0,
        histogram(note.pitch for score in scores for note in score.notes),
        histogram(
            _quarters(note.duration, score) for score in scores for note in score.notes if not note.drum
        ),
        histogram(gap for score in scores for gap in _gaps(score)),
        histogram(note.velocity for score in scores for note in score.notes),
        sum(area for area, _, _ in layers) / sounding if sounding else 0.0,
        max((most for _, _, most in layers), default=0),
        sum(_hangs(note, score) for score in scores for note in score.notes),
    )


def histogram(values: Iterable[Any]) -> Histogram:
    """Return the share of each value, the most frequent first."""
    counts = Counter(values)
    total = sum(counts.values())
    return {value: count / total for value, count in counts.most_common()}


def distance(first: Histogram, second: Histogram) -> float:
    """Return how far two histograms are apart: half the sum of the absolute differences, 0 for equal ones, 1
    for those without a common value (the total variation distance).
    """
    return sum(abs(first.get(value, 0) - second.get(value, 0)) for value in {*first, *second}) / 2


def _quarters(ticks: int, score: Score) -> Fraction:
    return Fraction(round(ticks * _GRID / score.ticks_per_quarter), _GRID)


def _gaps(score: Score) -> list[Fraction]:
    onsets = sorted({note.onset for note in score.notes})
    return [_quarters(gap, score) for gap in np.diff(onsets).tolist()]


def _hangs(note: Note, score: Score) -> bool:
    return not note.drum and note.duration >= _HANGING * score.ticks_per_quarter


def _polyphony(notes: list[Note]) -> tuple[int, int, int]:
    """Return the ticks that all notes sound together, those in which any does, and the most at once."""
    changes = sorted([(note.onset, 1) for note in notes] + [(note.end, -1) for note in notes])
    area = sounding = most = now = last = 0
    for tick, change in changes:
        area += now * (tick - last)
        sounding += (tick - last) if now else 0
        # An end before a beginning at the same tick: the sort puts -1 first.
        now, last = now + change, tick
        most = max(most, now)
    return area, sounding, most
