"""Variations of a score for training: in other keys, a little faster or slower, louder or softer."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from bptt.data.midi.score import DEFAULT_TEMPO, KeySignature, Score, Tempo
from bptt.errors import InputError


@dataclass(frozen=True)
class ScoreVariation:
    """The ranges that variations are drawn from: semitones from `down` to `up`, a tempo faster or slower by
    at most the share `tempo`, a velocity that is higher or lower by at most `velocity`.
    """

    down: int = 5
    up: int = 6
    tempo: float = 0.05
    velocity: int = 8

    def __post_init__(self) -> None:
        if min(self.down, self.up, self.velocity) < 0 or not 0 <= self.tempo < 1:
            rule = "has ranges of at least 0, and a tempo below 1"
            raise InputError("ScoreVariation", rule, (self.down, self.up, self.tempo, self.velocity))


def vary(score: Score, variation: ScoreVariation, seed: int) -> Score:
    """Return a variation of a score, the same for the same seed."""
    drawn = np.random.default_rng(seed)
    semitones = int(drawn.integers(-variation.down, variation.up + 1))
    factor = float(1 + variation.tempo * drawn.uniform(-1, 1))
    louder = int(drawn.integers(-variation.velocity, variation.velocity + 1))
    return louder_by(faster_by(transposed(score, semitones), factor), louder)


def transposed(score: Score, semitones: int, lowest: int = 0, highest: int = 127) -> Score:
    """Return a score in another key, percussion as it is.

    Where a pitch would leave the range from `lowest` to `highest`, the score is moved by fewer semitones, or
    not at all.
    """
    pitches = [note.pitch for note in score.notes if not note.drum]
    if semitones < 0:
        semitones = min(0, max(semitones, lowest - min(pitches, default=lowest)))
    else:
        semitones = max(0, min(semitones, highest - max(pitches, default=highest)))
    if not semitones:
        return score
    notes = tuple(note if note.drum else note._replace(pitch=note.pitch + semitones) for note in score.notes)
    keys = tuple(_moved(key, semitones) for key in score.key_signatures)
    return replace(score, notes=notes, key_signatures=keys)


def _moved(key: KeySignature, semitones: int) -> KeySignature:
    """Return a key signature some semitones higher: seven sharps more for each, modulo twelve."""
    return key._replace(sharps=(key.sharps + 7 * semitones + 5) % 12 - 5)


def faster_by(score: Score, factor: float) -> Score:
    """Return a score whose tempo is multiplied by a factor."""
    if factor <= 0:
        raise InputError("factor", "must be above 0", factor)
    tempos = score.tempos
    if not tempos or tempos[0].tick > 0:
        tempos = (Tempo(0, DEFAULT_TEMPO), *tempos)
    return replace(score, tempos=tuple(Tempo(tick, max(1, round(each / factor))) for tick, each in tempos))


def louder_by(score: Score, velocity: int) -> Score:
    """Return a score whose velocities are higher by a number, within 1 to 127."""
    if not velocity:
        return score
    return score.with_notes(
        note._replace(velocity=min(127, max(1, note.velocity + velocity))) for note in score.notes
    )
