"""Files and folders of music: every format, parts, and what is left out, with its name."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import scipy.io
from tunes import END, NOTE, melody, midi

from bptt.data.midi.key_frames import KeyFrames, frames_of, score_of_frames
from bptt.data.midi.music_files import MusicCorpus, read_music, read_pieces
from bptt.data.midi.score import Note, Score
from bptt.data.midi.write_midi import midi_bytes, write_midi
from bptt.errors import InputError

ROLL = [[60, 64], [60, 64], [], [67]]
ROLL_NOTES = ((0, 60, 2), (0, 64, 2), (3, 67, 1))


def notes(corpus: MusicCorpus) -> list[tuple[tuple[int, ...], ...]]:
    return [tuple(note[:3] for note in score.notes) for score in corpus.scores]


def roll(keys: int, lowest: int) -> np.ndarray:
    found = np.zeros((4, keys))
    for frame, pitches in enumerate(ROLL):
        found[frame, [pitch - lowest for pitch in pitches]] = 1
    return found


def test_a_folder_of_midi_with_a_table_of_parts(tmp_path: Path) -> None:
    (tmp_path / "deep" / "er").mkdir(parents=True)
    for number, name in enumerate(("a.mid", "deep/b.MIDI", "deep/er/c.mid")):
        write_midi(melody(number), tmp_path / name)
    (tmp_path / "README").write_text("about")
    (tmp_path / "deep" / "broken.mid").write_bytes(b"no music")
    (tmp_path / "deep" / "silent.mid").write_bytes(midi(END))
    (tmp_path / "info.csv").write_text(
        "id,split,midi_filename,audio_filename\n1,train,a.mid,a.wav\n2,validation,deep/b.MIDI,\n3,test,gone.mid,\n"
    )
    corpus = read_music([tmp_path])
    assert [(piece.name, piece.part) for piece in corpus.pieces] == [
        ("a.mid", "train"),
        ("deep/b.MIDI", "dev"),
        ("deep/er/c.mid", ""),
    ]
    assert corpus.part("dev").scores == (melody(1),)
    said = "\n".join(corpus.notes)
    assert "pieces read: 3, with 72 notes" in said
    assert "left out, files of another kind: 1, such as README" in said
    assert "left out, files that cannot be read: 1, such as deep/broken.mid" in said
    assert "left out, pieces without notes: 1, such as deep/silent.mid" in said
    assert "that are not there: 1, such as" in said
    assert "files in no line of the table of parts: 3" in said
    assert any(line.startswith("deep/broken.mid") for line in corpus.details)


def test_a_named_file_must_be_readable(tmp_path: Path) -> None:
    (tmp_path / "a.mid").write_bytes(b"no music")
    with pytest.raises(InputError, match=r"a\.mid: must begin with the header"):
        read_music([tmp_path / "a.mid"])
    with pytest.raises(InputError, match="must hold music"):
        read_music([tmp_path])


def test_remarks_are_summed_and_listed(tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / f"{name}.mid").write_bytes(midi(NOTE[4:] + NOTE + END))
    corpus = read_music([tmp_path])
    assert "ends of notes that do not sound: 2 in 2 pieces" in corpus.notes
    assert corpus.details == tuple(f"{name}.mid: ends of notes that do not sound: 1" for name in "ab")


def test_rolls_of_json(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps({"train": [ROLL, ROLL], "valid": [[[60, -1], [61.0]]], "test": [ROLL]}))
    corpus = read_music([path])
    assert [piece.part for piece in corpus.pieces] == ["train", "train", "dev", "test"]
    assert notes(corpus)[0] == ROLL_NOTES
    assert notes(corpus)[2] == ((0, 60, 1), (1, 61, 1))
    path.write_text(json.dumps([ROLL]))
    assert notes(read_music([path])) == [ROLL_NOTES]


@pytest.mark.parametrize(("keys", "lowest"), [(88, 21), (128, 0)])
def test_rolls_of_numpy(tmp_path: Path, keys: int, lowest: int) -> None:
    path = tmp_path / "a.npz"
    padded = np.concatenate([roll(keys, lowest), np.zeros((3, keys))])
    np.savez(path, train_0=roll(keys, lowest), test=np.stack([padded, padded]).astype(np.uint8))
    corpus = read_music([path])
    assert [piece.part for piece in corpus.pieces] == ["train", "test", "test"]
    assert notes(corpus) == [ROLL_NOTES] * 3


def test_rolls_of_matlab(tmp_path: Path) -> None:
    path = tmp_path / "JSB.mat"
    cells = {name: np.empty((1, 2), object) for name in ("traindata", "validdata", "testdata")}
    for cell in cells.values():
        cell[0, 0], cell[0, 1] = roll(88, 21), roll(88, 21)[:2]
    scipy.io.savemat(path, cells)
    corpus = read_music([path])
    assert [piece.part for piece in corpus.pieces] == ["train", "train", "dev", "dev", "test", "test"]
    assert notes(corpus)[:2] == [ROLL_NOTES, ROLL_NOTES[:2]]


def test_abc_files_and_those_of_the_session(tmp_path: Path) -> None:
    (tmp_path / "a.abc").write_text("X:1\nT:One\nK:C\nC8|\n\nX:2\nT:Two\nK:C\nD8|\n")
    tune = {"tune_id": "9", "name": "Three", "meter": "6/8", "mode": "Gmajor", "abc": "|:FGF GBd:|"}
    (tmp_path / "s.json").write_text(json.dumps([tune]))
    corpus = read_music([tmp_path])
    assert [piece.name for piece in corpus.pieces] == ["a.abc: 1 One", "a.abc: 2 Two", "s.json: [0] 1 Three"]
    assert [note.pitch for note in corpus.scores[2].notes] == [66, 67, 66, 67, 71, 74] * 2


def test_pieces_of_type_2_are_numbered(tmp_path: Path) -> None:
    (tmp_path / "a.mid").write_bytes(midi(NOTE + END, NOTE + END, type=2))
    assert [piece.name for piece in read_pieces(tmp_path / "a.mid")] == ["a.mid: track 1", "a.mid: track 2"]


HOLE, INFINITE = np.zeros((3, 88)), np.zeros((2, 3, 128))
HOLE[1, 40], INFINITE[1, 0, 7] = np.nan, -np.inf
BROKEN: dict[str, tuple[str, object, str]] = {
    "pickle": ("a.pickle", b"\x80\x04\x95\x00", "a pickle, which is never loaded"),
    "old pickle": ("a.pkl", b"(dp0\nS'train'\n", "a pickle, which is never loaded"),
    "wav": ("a.wav", b"RIFF\0\0\0\0WAVEfmt ", "a RIFF file"),
    "empty": ("a.mid", b"", "must begin with the header"),
    "json text": ("a.json", b'{"train": "no"}', "must be a list of pieces"),
    "json frame": ("a.json", b'{"train": [[[60], 61]]}', "frame 1: a frame must be a list of whole numbers"),
    "json half": ("a.json", b'{"train": [[[60.5]]]}', "whole numbers"),
    "json infinity": ("a.json", b'{"train": [[[Infinity]]]}', "whole numbers"),
    "json pitch": ("a.json", b'{"train": [[[60], [128]]]}', "frame 1: a pitch is a MIDI number"),
    "json cut": ("a.json", b'{"train": [[[60', "must be JSON"),
    "json latin": ("a.json", b'{"\xe9": []}', "must be text"),
    "npz cut": ("a.npz", b"PK\x03\x04 cut", "must be an .npz file"),
    "npz width": ("a.npz", {"a": np.zeros((4, 50))}, "must be frames of keys"),
    "npz shape": ("a.npz", {"a": np.zeros(4)}, "must be frames of keys"),
    "npz objects": ("a.npz", {"a": np.array([None, []], object)}, "plain numbers"),
    "npz nan": ("a.npz", {"a": HOLE}, "a, frame 1, key 40: must be a number, got nan"),
    "npz infinity": ("a.npz", {"a": INFINITE}, r"a\[1\], frame 0, key 7: must be a number"),
    "mat cut": ("a.mat", b"MATLAB 5.0 MAT-file", "must be a MATLAB file"),
    "abc without key": ("a.abc", b"X:1\nT:A\nK\n", "must be music"),
}


@pytest.mark.parametrize("name", BROKEN)
def test_broken_files_are_refused_with_their_name(tmp_path: Path, name: str) -> None:
    file, content, rule = BROKEN[name]
    path = tmp_path / file
    if isinstance(content, dict):
        np.savez(path, **content)
    else:
        assert isinstance(content, bytes)
        path.write_bytes(content)
    with pytest.raises(InputError, match=rule) as caught:
        read_music([path])
    assert str(path) in str(caught.value)


def test_a_mat_file_with_a_missing_number_is_refused(tmp_path: Path) -> None:
    cell = np.empty((1, 2), object)
    cell[0, 0], cell[0, 1] = roll(88, 21), HOLE
    scipy.io.savemat(tmp_path / "a.mat", {"traindata": cell})
    with pytest.raises(InputError, match=r"a\.mat: traindata\[1\], frame 1, key 40: must be a number"):
        read_music([tmp_path / "a.mat"])


def test_a_mat_file_without_cells_is_refused(tmp_path: Path) -> None:
    scipy.io.savemat(tmp_path / "a.mat", {"x": np.zeros((3, 88))})
    with pytest.raises(InputError, match=r"must hold cells of piano rolls, got x\."):
        read_music([tmp_path / "a.mat"])


def test_frames_hold_what_sounds() -> None:
    score = Score(
        (
            Note(0, 60, 240),
            Note(240, 60, 240),
            Note(250, 20, 10),
            Note(0, 36, 1, 80, 0, True),
            Note(245, 62, 1),
        ),
        480,
    )
    frames, counts = frames_of(score)
    assert frames.sounding[:, 60 - 21].tolist() == [True] * 4
    assert frames.struck is not None
    assert np.flatnonzero(frames.struck[:, 60 - 21]).tolist() == [0, 2]
    assert dict(counts) == {
        "notes of percussion, which has no keys": 1,
        "notes outside of the keys": 1,
        "onsets moved to a frame": 1,
    }
    back = score_of_frames(frames)
    assert [note[:3] for note in back.notes] == [(0, 60, 2), (2, 60, 2), (2, 62, 1)]
    # Without strikes the key is held.
    held = score_of_frames(KeyFrames(frames.sounding))
    assert [note[:3] for note in held.notes] == [(0, 60, 4), (2, 62, 1)]


@pytest.mark.parametrize("seed", range(5))
def test_frames_and_scores_are_inverse(seed: int) -> None:
    drawn = np.random.default_rng(seed)
    sounding = drawn.random((40, 88)) < 0.3
    sounding[-1, 0] = True
    struck = sounding & (drawn.random((40, 88)) < 0.4)
    struck[1:] |= sounding[1:] & ~sounding[:-1]
    struck[0] = sounding[0]
    frames, counts = frames_of(score_of_frames(KeyFrames(sounding, struck)))
    assert not counts
    assert np.array_equal(frames.sounding, sounding)
    assert np.array_equal(frames.struck, struck)
    assert midi_bytes(score_of_frames(frames))
