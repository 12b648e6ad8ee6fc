"""Tunes made for tests: scores, and MIDI files put together byte by byte."""

from __future__ import annotations

import random

from bptt.data.midi.score import Note, Score, Tempo, TimeSignature


def melody(
    seed: int = 0, bars: int = 4, ticks_per_quarter: int = 480, drums: bool = False, grid: int = 4
) -> Score:
    """A tune of two parts in C major, percussion if wanted, `grid` onsets a quarter, with a tempo."""
    drawn = random.Random(seed)
    step = ticks_per_quarter // grid
    notes = []
    for place in range(0, bars * 4 * grid, grid):
        pitch = drawn.choice([60, 62, 64, 65, 67, 69, 71, 72])
        notes.append(Note(place * step, pitch, grid * step, drawn.choice([64, 80, 100])))
        if place % (4 * grid) == 0:
            notes += [Note(place * step, each, 4 * grid * step, 64, 32, False, 1) for each in (36, 43)]
        if drums:
            notes += [Note(place * step, each, step, 92, 0, True, 2) for each in (36, 42)]
    return Score(
        tuple(notes),
        ticks_per_quarter,
        (Tempo(0, 600_000),),
        (TimeSignature(0, 4, 4),),
        (),
        ("a", "b", "c")[: 2 + drums],
    )


def rough(seed: int) -> Score:
    """A score with everything, off the grid."""
    drawn = random.Random(seed)
    notes = tuple(
        Note(
            drawn.randrange(8000),
            drawn.randrange(30, 90),
            drawn.randrange(900),
            drawn.randrange(1, 128),
            drawn.choice([0, 0, 5]),
            drawn.random() < 0.3,
            drawn.randrange(3),
        )
        for _ in range(80)
    )
    tempos = (Tempo(0, 500_000), Tempo(1111, 444_444), Tempo(5000, 700_000))
    return Score(
        notes, 480, tempos, (TimeSignature(0, 3, 4), TimeSignature(1440 * 2, 7, 8), TimeSignature(5500, 4, 4))
    )


def midi(*tracks: bytes, type: int = 1, division: int = 96) -> bytes:
    """A MIDI file of tracks given as their events."""
    header = b"MThd" + (6).to_bytes(4, "big")
    header += b"".join(number.to_bytes(2, "big") for number in (type, len(tracks), division))
    return header + b"".join(b"MTrk" + len(track).to_bytes(4, "big") + track for track in tracks)


# A note of 96 ticks, the end of a track, a tempo of 60 quarters a minute.
NOTE = bytes.fromhex("00 90 3c 50  60 80 3c 40")
END = bytes.fromhex("00 ff 2f 00")
SLOW = bytes.fromhex("00 ff 51 03 0f 42 40")
