"""The key of a score: estimated by the profiles of Krumhansl and Kessler, and how many notes are in it."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from bptt.data.midi.score import KeySignature, Score

# How well each pitch class fits a major and a minor key with the tonic 0: Krumhansl & Kessler 1982.
_MAJOR = (6.35, 2.23, 3.48, 2.33, 4.38, 4.09, 2.52, 5.19, 2.39, 3.66, 2.29, 2.88)
_MINOR = (6.33, 2.68, 3.52, 5.38, 2.60, 3.53, 2.54, 4.75, 3.98, 2.69, 3.34, 3.17)
# The notes of the scales; of minor the natural one, with the raised sixth and seventh.
_MAJOR_SCALE, _MINOR_SCALE = (0, 2, 4, 5, 7, 9, 11), (0, 2, 3, 5, 7, 8, 9, 10, 11)
_NAMES = ("C", "C#", "D", "Eb", "E", "F", "F#", "G", "Ab", "A", "Bb", "B")


class Key(NamedTuple):
    """A key: the pitch class of its tonic, 0 is C, and whether it is minor."""

    tonic: int
    minor: bool = False

    def __str__(self) -> str:
        return f"{_NAMES[self.tonic]} {'minor' if self.minor else 'major'}"

    def moved(self, semitones: int) -> Key:
        """Return the key of what is in this one, moved by semitones."""
        return Key((self.tonic + semitones) % 12, self.minor)

    @property
    def scale(self) -> frozenset[int]:
        """The pitch classes of the key; those of a minor key with both forms of its sixth and seventh."""
        return frozenset((self.tonic + step) % 12 for step in (_MINOR_SCALE if self.minor else _MAJOR_SCALE))

    @property
    def signature(self) -> KeySignature:
        """The key signature, from the beginning on."""
        sharps = 7 * (self.tonic + (3 if self.minor else 0)) % 12
        return KeySignature(0, sharps - 12 if sharps > 6 else sharps, self.minor)


def estimate_key(score: Score) -> Key:
    """Return the key whose profile correlates best with how long each pitch class sounds; C major of a score
    without pitches.
    """
    weights = np.zeros(12)
    for note in score.notes:
        if not note.drum:
            weights[note.pitch % 12] += max(1, note.duration)
    keys = [Key(tonic, minor) for minor in (False, True) for tonic in range(12)]
    profiles = np.array([np.roll(_MINOR if minor else _MAJOR, tonic) for tonic, minor in keys])  # (24, 12)
    return keys[int(np.argmax(_correlations(profiles, weights)))]


def _correlations(rows: npt.NDArray[np.float64], column: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    centred = rows - rows.mean(1, keepdims=True)
    found: npt.NDArray[np.float64] = centred @ (column - column.mean()) / np.linalg.norm(centred, axis=1)
    return found


def key_of(score: Score) -> Key:
    """Return the key of a score: of its only key signature, or estimated."""
    if len(score.key_signatures) == 1:
        return Key(score.key_signatures[0].tonic, score.key_signatures[0].minor)
    return estimate_key(score)


def share_in_key(score: Score, key: Key | None = None) -> float:
    """Return the share of the notes, percussion left out, that are in a key, None: that of `estimate_key`; 1
    without notes.
    """
    scale = (key or estimate_key(score)).scale
    found = [note.pitch % 12 in scale for note in score.notes if not note.drum]
    return sum(found) / len(found) if found else 1.0
