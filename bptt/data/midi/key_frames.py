"""Scores as frames of keys, and back: which keys sound at each step of time.

A frame says that a key sounds, not whether it was struck: a note that is repeated at once and one that is
held look alike. `struck` marks the frames in which a note begins; without it a key that goes on sounding is
held.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from bptt.data.memory import check_memory
from bptt.data.midi.bars import steps_of
from bptt.data.midi.score import Note, Score, Tempo
from bptt.errors import InputError

KeyArray = npt.NDArray[np.bool_]

# The keys of a piano; frames a quarter.
LOWEST, KEYS, PER_QUARTER = 21, 88, 4


@dataclass(frozen=True, eq=False)
class KeyFrames:
    """`sounding` (T, K): whether the key of pitch `lowest` + k sounds in frame t. `struck` (T, K): whether it
    begins to, None if unknown. `per_quarter` frames are a quarter note.
    """

    sounding: KeyArray
    struck: KeyArray | None = None
    lowest: int = LOWEST
    per_quarter: int = PER_QUARTER

    def __len__(self) -> int:
        return len(self.sounding)


def frames_of(
    score: Score, per_quarter: int = PER_QUARTER, lowest: int = LOWEST, keys: int = KEYS
) -> tuple[KeyFrames, tuple[tuple[str, int], ...]]:
    """Return the frames of a score, both held and struck, and counts of what they do not hold.

    Onsets and durations are rounded to frames; a note lasts one frame at least. Percussion, and pitches
    without a key, are left out. Raises MachineError if memory does not hold the frames.
    """
    counts: Counter[str] = Counter()
    placed: list[tuple[int, int, int]] = []
    for note in score.notes:
        if note.drum:
            counts["notes of percussion, which has no keys"] += 1
        elif not lowest <= note.pitch < lowest + keys:
            counts["notes outside of the keys"] += 1
        else:
            start = steps_of(note.onset, score.ticks_per_quarter, per_quarter)
            length = max(1, steps_of(note.duration, score.ticks_per_quarter, per_quarter))
            counts["onsets moved to a frame"] += start * score.ticks_per_quarter != note.onset * per_quarter
            placed.append((start, start + length, note.pitch - lowest))
    frames = max((end for _, end, _ in placed), default=0)
    check_memory("frames", 2 * frames * keys)
    sounding, struck = (np.zeros((frames, keys), bool) for _ in range(2))
    for start, end, key in placed:
        counts["notes that begin with another of their key"] += int(struck[start, key])
        sounding[start:end, key] = True
        struck[start, key] = True
    return KeyFrames(sounding, struck, lowest, per_quarter), tuple((+counts).items())


def score_of_frames(frames: KeyFrames, tempo: Tempo | None = None, program: int = 0) -> Score:
    """Return the score of frames, one tick a frame. A key that sounds on is one note, up to where it is
    struck again, if that is known.
    """
    sounding = frames.sounding
    before = np.zeros_like(sounding)
    before[1:] = sounding[:-1]
    begins = sounding & ~before
    if frames.struck is not None:
        begins |= sounding & frames.struck
    notes = []
    for key in np.flatnonzero(begins.any(0)).tolist():
        starts = np.flatnonzero(begins[:, key])
        silent = np.append(np.flatnonzero(~sounding[:, key]), len(sounding))
        # The next onset, or the next silence, whichever comes first.
        stops = np.minimum(np.append(starts[1:], len(sounding)), silent[np.searchsorted(silent, starts)])
        for start, stop in zip(starts.tolist(), stops.tolist(), strict=True):
            notes.append(Note(start, frames.lowest + key, stop - start, program=program))
    return Score(tuple(notes), frames.per_quarter, () if tempo is None else (tempo,))


def frames_of_pitches(pitches: list[list[int]], where: str, per_quarter: int = PER_QUARTER) -> KeyFrames:
    """Make frames of the pitches that sound in each; a number below 0 is a rest.

    Raises InputError for a number above 127.
    """
    sounding = np.zeros((len(pitches), 128), bool)
    for number, frame in enumerate(pitches):
        for pitch in frame:
            if pitch > 127:
                raise InputError(f"{where}, frame {number}", "a pitch is a MIDI number, 0 to 127", pitch)
            if pitch >= 0:
                sounding[number, pitch] = True
    return KeyFrames(sounding, None, 0, per_quarter)
