"""Tunes made by rule: a melody over a chord in every bar, in many keys; and beats of percussion."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from bptt.data.midi.score import Note, Score, Tempo, TimeSignature
from bptt.data.midi.write_midi import write_midi

QUARTER = 24
MAJOR = (0, 2, 4, 5, 7, 9, 11)


def tune(number: int, key: int = 0, bars: int = 4) -> Score:
    """Return tune `number` in a key: quarters and eighths of the scale over a triad a bar, 3/4 or 4/4."""
    draw = np.random.default_rng(number)
    beats = 3 + number % 2
    notes, degree = [], 0
    for bar in range(bars):
        start = bar * beats * QUARTER
        root = int(draw.choice((0, 3, 4)))
        notes += [
            Note(start, 48 + key + _pitch(root + third), beats * QUARTER, 80, 0, False, 1)
            for third in (0, 2, 4)
        ]
        time = 0
        while time < beats * QUARTER:
            length = int(draw.choice((QUARTER, QUARTER // 2)))
            length = min(length, beats * QUARTER - time)
            degree = int(np.clip(degree + draw.integers(-2, 3), -3, 9))
            notes.append(Note(start + time, 72 + key + _pitch(degree), length, 80))
            time += length
    return Score(tuple(notes), QUARTER, (Tempo(0, 500_000),), (TimeSignature(0, beats, 4),))


def _pitch(degree: int) -> int:
    return 12 * (degree // 7) + MAJOR[degree % 7]


def beat(number: int) -> Score:
    """Return two bars of percussion with velocities, off the grid by some hundredths of a quarter."""
    draw = np.random.default_rng(number)
    notes = []
    for step in range(16):
        for pitch, every in ((36, 4), (38, 8), (42, 2)):
            if step % every == 0:
                onset = step * 120 + int(draw.integers(0, 17))
                notes.append(Note(onset, pitch, 60, int(draw.integers(30, 120)), 0, True))
    return Score(tuple(notes), 480, (Tempo(0, 500_000),), (TimeSignature(0, 4, 4),))


def write_tunes(folder: Path, count: int = 12, keys: tuple[int, ...] = (0,)) -> Path:
    """Write tunes as MIDI files, each in all `keys`, and return the folder."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(count):
        for key in keys:
            write_midi(tune(number, key), folder / f"tune{number:02}_{key}.mid")
    return folder
