"""Music: MIDI, ABC, and piano rolls as JSON, arrays of NumPy and cells of MATLAB; read, and made frames."""

from __future__ import annotations

import io
import json
import pickle
from collections.abc import Callable
from pathlib import Path
from random import Random

import numpy as np
import scipy.io

from bptt.data.midi.bars import bars_of
from bptt.data.midi.key_frames import frames_of
from bptt.data.midi.music_files import read_music
from bptt.data.midi.score import KeySignature, Note, Score, Tempo, TimeSignature
from bptt.data.midi.write_midi import midi_bytes
from soak.damage import PIECES, damage, damaged
from soak.target import Target
from soak.targets.arrays import saved, zipped
from soak.targets.runs import changed

NOTES = tuple(Note(120 * n, 60 + n % 12, 100, 64 + n, program=n % 2, track=n % 2) for n in range(12))
SCORE = Score(
    NOTES,
    480,
    (Tempo(0, 500_000), Tempo(960, 400_000)),
    (TimeSignature(0, 4, 4), TimeSignature(1920, 6, 8)),
    (KeySignature(0, -3, True),),
    ("right", "左"),
    "a title",
)
MIDI = midi_bytes(SCORE)
# Type 2, a division in frames of SMPTE, a running status, the pedal, a system message, and an end that lacks.
BARE = (
    b"MThd\0\0\0\6\0\2\0\1\xe7\x28MTrk\0\0\0\x20\0\xb0\x40\x7f\0\x90\x3c\x40\x60\x3c\0\0\x3e\x40"
    b"\x83\x60\xf0\x02\x01\xf7\0\xb0\x40\0\0\xff\x51\x03\x07\xa1\x20\0\xff"
)
ABC = (
    "%%abc-version 2.1\nX:1\nT:The cat\nM:6/8\nL:1/8\nQ:3/8=100\nP:A2(BA)2\nK:Em clef=bass\nP:A\n"
    '|:"Em7"E2>B {c}(3ABc ^d-d|[1 "D/f+"[EGB]3/2z/ _A//:|[2 Z2 =c,,2:|\nP:B\n[V:2 bass]C2 D<E|'
    "[M:2+3/8]G5||\n",
    "X: 2\nT: 猫\nM: C|\nQ: 120\nK: HP\nV:1\nab c'2|Z4|\nV:2\nA,B, !trill! +plus+ &z4 |\n\nwords\n"
    'X:3\nM:none\nK:none\nabc [K:C#dor] d4 [L:1/16] e8 [Q:"slow" 1/4 1/8=60] f|]\n',
)
SESSION = json.dumps([{"name": "Reel", "meter": "4/4", "mode": "Gmajor", "abc": "|:GABc d2e2:|"}])
ROLLS = ({"train": [[[60, 64], [60], []], [[-1], [72.0]]], "test": [[[21]]]}, [[[60], [61, 62]]])
KEYS = np.zeros((6, 88), np.uint8)
KEYS[1:4, 39] = KEYS[3:, 50] = 1
MEMBERS = {"train_1": saved(KEYS), "valid": saved(np.stack([KEYS, KEYS]).astype(np.float32))}
# What is dear in music: lengths, repeats, brackets.
SIGNS = tuple(
    piece.encode()
    for piece in (
        *(
            "/" * 40,
            "9" * 40,
            "1/3" * 30,
            "A99999",
            "(A9)9",
            "|1-99999",
            ":|" * 30,
            "|:" * 30,
            ">" * 40,
            "(3",
        ),
        *(
            "[V:" * 20,
            "[V:7]",
            "Q:1/0=0",
            "Q:1/1111111=7",
            "Q:1/9 " * 9,
            "L:1/997",
            "K:" + " " * 40,
            '"',
            "[",
        ),
        *("Z99999999", "z/7", "P:A9B9", "M:99/64", "M:1000000000/2", "^^^^^^", "{", "!", "&", "\nV:9\n"),
    )
)


def meet(name: str) -> Callable[[bytes, Path], None]:
    """Read a file of this name; its notes are sound, and its bars and frames can be made."""

    def read(data: bytes, folder: Path) -> None:
        path = folder / name
        path.write_bytes(data)
        for piece in read_music([path]).pieces:
            piece.name.encode()
            score = piece.score
            assert score.notes and score.seconds >= 0
            for note in score.notes:
                assert note.onset >= 0 and note.duration >= 0
                assert 0 <= note.pitch < 128 and 0 < note.velocity < 128 and 0 <= note.program < 128
            assert sum(1 for _ in bars_of(score, 4)) > 0
            frames_of(score)

    return read


def abc(random: Random) -> bytes:
    """Tunes, damaged, and with the signs of music in wrong places."""
    data = random.choice(ABC).encode()
    for _ in range(random.choice((0, 1, 1, 2, 4))):
        at = random.randrange(len(data) + 1)
        data = data[:at] + random.choice((*PIECES, *SIGNS, *(sign * 30 for sign in SIGNS))) + data[at:]
    return damage(data, random)


def session(random: Random) -> bytes:
    """Tunes of thesession.org with damaged bytes, another value, or the signs of music."""
    value = json.loads(SESSION)
    chance = random.random()
    if chance < 0.4:
        return json.dumps(changed(value, random)).encode()
    if chance < 0.7:
        value[0][random.choice(("meter", "mode", "abc", "name"))] = random.choice(
            SIGNS
        ).decode() * random.choice((1, 30))
    return damage(json.dumps(value).encode(), random)


def arrays(random: Random) -> bytes:
    """An archive whose members, or which itself, are damaged."""
    if random.random() < 0.3:
        return damage(zipped(MEMBERS, random.random() < 0.5), random)
    name = random.choice(list(MEMBERS))
    return zipped({**MEMBERS, name: damage(MEMBERS[name], random)}, random.random() < 0.5)


def cells(packed: bool) -> bytes:
    """A file of MATLAB with cells of rolls."""
    cell = np.empty((1, 2), object)
    cell[0, 0], cell[0, 1] = KEYS.astype(np.float64), KEYS[:3].astype(np.float64)
    file = io.BytesIO()
    scipy.io.savemat(file, {"traindata": cell, "about": "made"}, do_compression=packed)
    return file.getvalue()


TARGETS = (
    Target("midi", damaged([MIDI, MIDI, BARE, b"RIFF\x50\0\0\0RMIDdata\x44\0\0\0" + MIDI]), meet("a.mid")),
    Target("abc", abc, meet("a.abc")),
    Target("abc-session", session, meet("a.json")),
    Target("rolls-json", damaged([json.dumps(each).encode() for each in ROLLS]), meet("a.json")),
    Target("rolls-npz", arrays, meet("a.npz"), cost=2),
    Target("rolls-mat", damaged([cells(True), cells(False)]), meet("a.mat"), cost=2),
    Target("rolls-pickle", damaged([pickle.dumps(ROLLS[0])]), meet("a.pickle")),
)
