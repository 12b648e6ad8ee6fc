"""Runs of notes that scores share: the longest one of a score and a corpus, and variants of a tune."""

from __future__ import annotations

import math
from base64 import b64decode, b64encode
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby, pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from bptt.data.midi.score import Note, Score

Symbols = npt.NDArray[np.int64]
Hashes = npt.NDArray[np.uint64]

# Of the polynomial that hashes a run, modulo 2^64: odd, and of no pattern.
_BASE = np.uint64(0x9E3779B97F4A7C15)
# Ratios of durations are distinguished by a fifth of an octave: 3/2 from 4/3, not from a performer's 1.52.
_RATIO_STEPS = 5
# Gaps between strokes of percussion are compared in parts of a quarter.
_GRID = 12
# Symbols are hashes of tuples of numbers, the same in every process; those below 0 end a line. The numbers
# are made positive, as Python gives -1 and -2 the same hash.
_SYMBOL, _POSITIVE = 0x7FFFFFFFFFFFFFFF, 1 << 20


@dataclass(frozen=True)
class CopiedRun:
    """`notes` notes in a row that are also in score number `score` of the corpus, from the note number `at`
    of its `track` on; 0 notes if nothing is shared. A chord counts as one note.
    """

    notes: int
    score: int = -1
    track: int = -1
    at: int = -1


class CorpusRuns:
    """Finds runs in a corpus. Each track is a sequence of notes; two runs are equal if their intervals and
    the ratios of successive durations are, of percussion the pitches and the gaps. A chord is one note, with
    its shape.
    """

    def __init__(self, scores: Sequence[Score]) -> None:
        lines = [
            (number, track, symbols)
            for number, score in enumerate(scores)
            for track, symbols in _lines(score)
        ]
        # A symbol of its own between two lines, so that no run passes from one to the next.
        parts = [np.append(symbols, -1 - place) for place, (_, _, symbols) in enumerate(lines)]
        whole = np.concatenate(parts) if parts else np.zeros(0, np.int64)
        self._keep(whole, [(number, track) for number, track, _ in lines])

    def _keep(self, symbols: Symbols, sources: Sequence[tuple[int, int]]) -> None:
        self._all, self._sources = symbols, list(sources)
        self._begins = np.array([0, *(np.flatnonzero(symbols < 0) + 1).tolist()])
        self._longest = int(np.diff(self._begins).max(initial=0))
        self._prefix, self._sorted = _prefixes(self._all), dict[int, tuple[Hashes, Symbols]]()

    def to_json(self) -> dict[str, object]:
        """Return the runs as plain values."""
        symbols = b64encode(self._all.astype("<i8").tobytes()).decode()
        return {"symbols": symbols, "sources": [list(source) for source in self._sources]}

    @classmethod
    def from_json(cls, value: Mapping[str, Any]) -> CorpusRuns:
        """Make the runs of what `to_json` returned. Raises KeyError, TypeError, ValueError for others."""
        found = cls(())
        symbols = np.frombuffer(b64decode(value["symbols"], validate=True), "<i8").astype(np.int64)
        sources = [(int(score), int(track)) for score, track in value["sources"]]
        if int((symbols < 0).sum()) != len(sources):
            raise ValueError("a source for each line")
        found._keep(symbols, sources)
        return found

    def longest(self, score: Score) -> CopiedRun:
        """Return the longest run of a score that the corpus holds."""
        found = CopiedRun(0)
        for _, symbols in _lines(score):
            found = max(found, self._longest_of(symbols), key=lambda run: run.notes)
        return found

    def _longest_of(self, symbols: Symbols) -> CopiedRun:
        """Return the longest shared run of one line: if one of n symbols is shared, so is one of n - 1."""
        prefix = _prefixes(symbols)
        low, high, place = 0, min(len(symbols), self._longest), -1
        while low < high:
            middle = (low + high + 1) // 2
            at = self._find(symbols, prefix, middle)
            low, high, place = (middle, high, at) if at >= 0 else (low, middle - 1, place)
        if not low:
            return CopiedRun(0)
        line = int(np.searchsorted(self._begins, place, side="right")) - 1
        return CopiedRun(low + 1, *self._sources[line], place - int(self._begins[line]))

    def _find(self, symbols: Symbols, prefix: Hashes, length: int) -> int:
        """Return where the corpus holds any run of some symbols, -1 if nowhere."""
        if length not in self._sorted:
            hashes = _windows(self._prefix, length)
            order = np.argsort(hashes, kind="stable")
            self._sorted[length] = hashes[order], order
        known, order = self._sorted[length]
        asked = _windows(prefix, length)
        where = np.minimum(np.searchsorted(known, asked), len(known) - 1)
        for number in np.flatnonzero(known[where] == asked).tolist():
            place = int(order[where[number]])
            # Two runs may have one hash, though hardly ever.
            if np.array_equal(self._all[place : place + length], symbols[number : number + length]):
                return place
        return -1


def variants(scores: Sequence[Score], length: int) -> list[int]:
    """Return a number for each score, the same for variants of a tune: scores that share a run of `length`
    steps of their melody, in any key, or that share one with a third. Of a shorter melody all steps count.

    The melody is the highest pitch of each onset, a step its interval and its time to the next. Percussion
    alone is compared as a whole.
    """
    lines = [_melody(score) for score in scores]
    hashes = [_windows(_prefixes(line), min(length, len(line))) for line in lines]
    order = np.argsort(np.concatenate([np.zeros(0, np.uint64), *hashes]), kind="stable")
    runs = np.concatenate([np.zeros(0, np.uint64), *hashes])[order]
    score_of = np.repeat(np.arange(len(lines)), [len(each) for each in hashes])[order]
    is_shared = (runs[1:] == runs[:-1]) & (score_of[1:] != score_of[:-1])
    found = np.arange(len(lines))
    for one, other in zip(score_of[:-1][is_shared].tolist(), score_of[1:][is_shared].tolist(), strict=True):
        if found[one] != found[other]:
            found[found == found[other]] = found[one]
    numbers: list[int] = found.tolist()
    return numbers


def _melody(score: Score) -> Symbols:
    """Return the steps of a melody, after a symbol that all melodies begin with."""
    top: dict[int, int] = {}
    for note in score.notes:
        if not note.drum:
            top[note.onset] = max(note.pitch, top.get(note.onset, 0))
    if not top:
        return np.array([hash(tuple(note[:4] for note in score.notes))], np.int64) & _SYMBOL
    steps = [0]
    for before, after in pairwise(sorted(top)):
        gap = round((after - before) * _GRID / score.ticks_per_quarter)
        steps.append(hash((gap, top[after] - top[before] + _POSITIVE)))
    return np.array(steps, np.int64) & _SYMBOL


def _lines(score: Score) -> list[tuple[int, Symbols]]:
    """Return the symbols of each track: one for each note or chord but the first."""
    found = []
    for track in sorted({note.track for note in score.notes}):
        for drum in (False, True):
            notes = [note for note in score.notes if note.track == track and note.drum == drum]
            chords = [list(chord) for _, chord in groupby(notes, key=lambda note: note.onset)]
            write = _stroke_symbol if drum else _chord_symbol
            symbols = [write(before, chord, score) for before, chord in pairwise(chords)]
            if symbols:
                found.append((track, np.array(symbols, np.int64) & _SYMBOL))
    return found


def _chord_symbol(before: Sequence[Note], chord: Sequence[Note], score: Score) -> int:
    """Return the symbol of a note or chord: how it lies below its top note, how far that is from the last top
    note, and how much longer it is.
    """
    top, last = chord[-1], before[-1]
    ratio = math.log2(max(1, top.duration) / max(1, last.duration))
    shape = tuple(top.pitch - note.pitch for note in chord)
    return hash((top.pitch - last.pitch + _POSITIVE, round(ratio * _RATIO_STEPS) + _POSITIVE, shape))


def _stroke_symbol(before: Sequence[Note], chord: Sequence[Note], score: Score) -> int:
    """Return the symbol of strokes of percussion: their pitches, and the time since the last ones."""
    gap = round((chord[0].onset - before[0].onset) * _GRID / score.ticks_per_quarter)
    return hash((gap, tuple(note.pitch for note in chord)))


def _prefixes(symbols: Symbols) -> Hashes:
    """Return the hash of the first n symbols at place n (N + 1,): h(n + 1) = h(n) B + s, modulo 2^64."""
    found = np.zeros(len(symbols) + 1, np.uint64)
    value, base, mask = 0, int(_BASE), (1 << 64) - 1
    for place, symbol in enumerate(_mixed(symbols).tolist()):
        value = (value * base + symbol) & mask
        found[place + 1] = value
    return found


def _mixed(symbols: Symbols) -> Hashes:
    """Return symbols as numbers of 64 bits that differ in all of them."""
    values = symbols.astype(np.uint64)
    values = (values ^ (values >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    values = (values ^ (values >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return values ^ (values >> np.uint64(31))


def _windows(prefix: Hashes, length: int) -> Hashes:
    """Return the hash of every run of some symbols: h(n + length) - h(n) B^length."""
    power = np.uint64(pow(int(_BASE), length, 1 << 64))
    found: Hashes = prefix[length:] - prefix[:-length] * power
    return found
