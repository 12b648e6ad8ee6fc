"""Scores as frames of sounding keys, and back."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from bptt.data.midi.bars import steps_of
from bptt.data.midi.score import Note, Score

Frames = npt.NDArray[np.uint8]

_TICKS = 480  # a quarter, in the scores that are made of frames


def score_frames(score: Score, resolution: int, lowest: int, highest: int) -> Frames:
    """Return which keys sound in each frame, (T, K), from the first note on; `resolution` frames a quarter.

    A note sounds in at least one frame. Percussion, and notes beyond the keys, are left out.
    """
    notes = [note for note in score.notes if not note.drum and lowest <= note.pitch <= highest]
    quarter = score.ticks_per_quarter
    spans = [(steps_of(n.onset, quarter, resolution), steps_of(n.end, quarter, resolution)) for n in notes]
    first = min((begin for begin, _ in spans), default=0)
    length = max((max(end, begin + 1) for begin, end in spans), default=0) - first
    frames = np.zeros((length, highest - lowest + 1), np.uint8)
    for note, (begin, end) in zip(notes, spans, strict=True):
        frames[begin - first : max(end, begin + 1) - first, note.pitch - lowest] = 1
    return frames


def frames_score(frames: Frames, resolution: int, lowest: int) -> Score:
    """Return the score of frames (T, K), a note for each run of a key."""
    changes = np.diff(np.pad(frames, ((1, 1), (0, 0))).astype(np.int8), axis=0)
    scale = max(1, _TICKS // resolution)
    notes = []
    for key in range(frames.shape[1]):
        begins, ends = np.flatnonzero(changes[:, key] > 0), np.flatnonzero(changes[:, key] < 0)
        for begin, end in zip(begins.tolist(), ends.tolist(), strict=True):
            notes.append(Note(begin * scale, key + lowest, (end - begin) * scale))
    return Score(tuple(notes), scale * resolution)
