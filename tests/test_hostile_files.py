"""The smallest files that once crashed, hung or took the memory of a reader; each is read, or refused."""

from __future__ import annotations

import io
import json
import pickle
import struct
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from soak.targets.arrays import saved, zipped
from sounds import riff, tone

from bptt.data.audio.decoding import open_mono
from bptt.data.audio.options import SoundOptions
from bptt.data.audio.sound import Sound
from bptt.data.clips.clip import Clip
from bptt.data.clips.frame_options import FrameShape
from bptt.data.midi.abc_tunes import is_abc, read_abc
from bptt.data.midi.music_files import read_music
from bptt.data.past.pasts import PastColumns, read_pasts
from bptt.data.readers.clip_lists import read_clip_list
from bptt.data.readers.document import Document
from bptt.data.readers.grid import Columns
from bptt.data.readers.objects import read_json
from bptt.data.readers.skeletons import read_skeletons
from bptt.data.readers.speech.options import SpeechOptions
from bptt.data.readers.speech.transcripts import read_sphinx
from bptt.data.reading import read_bytes
from bptt.errors import BpttError, InputError

MANY = 20_000
ROWS = "".join(f"{n} 2 3 4 5 6 7 8 9 10 11 2\n" for n in range(25))
BODY = "72 0 1 1 1 1 0 0 0 2\n25\n" + ROWS


def tune(body: str, head: str = "") -> str:
    return f"X:1\nM:4/4\nL:1/8\n{head}K:C\n{body}\n"


# What is not music is left out and counted, at once, however long it is.
@pytest.mark.parametrize(
    "text",
    [
        tune("A", "Q:" + "1/1111" * 20 + "\n"),
        tune("A", f"Q:{'1/4 ' * MANY}\n"),
        tune("A", f"Q:{'1' * MANY} \n"),
        tune("A", "Q:1/0=60\n"),
        tune("A", f"Q:1/4={'9' * 5000}\n"),
        tune("A", f"Q:999/1=9999\nQ:1/999=1\nM:{'9' * 5000}/4\nM:4/{'9' * 5000}\n"),
        tune("A", f"L:1/{'9' * 5000}\n"),
        tune("A" + "9" * 5000),
        tune("A/" + "9" * 5000),
        tune("A" + "/" * MANY),
        tune("A" + "> " * MANY + "A"),
        tune("A" + ">" * MANY + "A"),
        tune("A" + "|>" * MANY),
        tune("Z" + "9" * 5000 + "A"),
        tune("A[1-99999999 A :|"),
        tune(f"A[{'9' * 5000} A :|"),
        tune("A" + "[V:a a" * MANY),
        tune("A" + "[A:a" * MANY),
        tune("^" * MANY + "A"),
        tune(":|1 A" * 8_000),
        tune("".join(f'"C"A{n % 7 + 1}|' for n in range(2_000))),
        tune("".join(f"A/{n % 299 + 1}" for n in range(1_500))),
    ],
    ids=lambda text: text[16:40].encode().hex(),
)
def test_signs_of_music_without_end(text: str) -> None:
    assert is_abc(text.encode())
    ((_, score),) = read_abc(text, "a.abc")
    assert score.notes and score.seconds >= 0
    assert all(len(str(note.onset)) < 15 for note in score.notes)


@pytest.mark.parametrize(
    ("text", "match"),
    [
        (tune("P:A\nA", "P:A99999999\n"), "at most 99 times"),
        (tune("P:A\nA", "P:(AB)99999999\n"), "at most 99 times"),
        (tune("P:A\nA", f"P:A{'9' * 5000}\n"), "at most 99 times"),
        (tune("P:A\nA", f"P:{'(' * MANY}A{')' * MANY}\n"), "must order parts in"),
        (tune("P:A\nA", "P:((((A99)99)99)99)99\n"), "as it is played"),
        (tune("P:A\n" + "A" * 2000, "P:A99\n"), "as it is played"),
        (tune("|:" + "A" * 2000 + "[1-99 A :|"), "as it is played"),
        (tune("\n".join(f"V:{n}\nA" for n in range(1000))), "at most 200 voices"),
    ],
)
def test_tunes_played_without_end(text: str, match: str) -> None:
    with pytest.raises(InputError, match=rf"^a\.abc:1: .*{match}"):
        list(read_abc(text, "a.abc"))


def track(*events: bytes) -> bytes:
    data = b"".join(events) + b"\0\xff\x2f\0"
    return b"MThd\0\0\0\6\0\0\0\1\0\1MTrk" + struct.pack(">I", len(data)) + data


ON, OFF = b"\0\x90\x3c\x40", b"\1\x80\x3c\x40"


@pytest.mark.parametrize(
    "events",
    [
        [b"\1\xff\x51\x03\x07\xa1\x20\0\xff\x51\x03\x06\xa1\x20"] * 20_000,
        [b"\1\xff\x58\x04\x04\x02\x18\x08\0\xff\x58\x04\x03\x02\x18\x08"] * 20_000,
        [b"\1\xff\x59\x02\x01\x00\1\xff\x59\x02\x02\x00"] * 20_000,
        # Notes that the pedal holds, others struck meanwhile; and all notes ended again and again.
        [b"\0\xb0\x40\x7f", *[ON] * 20_000, *[OFF] * 20_000, *[b"\0\x90\x3e\x40\1\x80\x3e\x40"] * 20_000],
        [
            *(b"\0" + bytes((0x90 + n, p, 64)) for n in range(16) for p in range(128)),
            *[b"\0\xb0\x7b\0"] * MANY,
        ],
    ],
    ids=["tempos", "metres", "keys", "pedal", "ends"],
)
def test_many_events(events: list[bytes], tmp_path: Path) -> None:
    (tmp_path / "a.mid").write_bytes(track(ON, OFF, *events))
    assert read_music([tmp_path / "a.mid"]).pieces


def test_a_piece_of_a_few_bytes_and_years(tmp_path: Path) -> None:
    (tmp_path / "a.mid").write_bytes(track(ON, b"\xff\xff\xff\x7f\x80\x3c\x40"))
    with pytest.raises(InputError, match=r"pieces of more than 100,000 quarters: a\.mid"):
        read_music([tmp_path / "a.mid"])


@pytest.mark.parametrize("number", [1e300, np.inf, np.nan])
def test_sounds_of_numbers_beyond_float32(number: float, tmp_path: Path) -> None:
    path = tmp_path / "a.wav"
    path.write_bytes(riff(np.array([0, number]).astype("<f8").tobytes(), 8000, 1, 64, 3))
    with open_mono(Sound(path), SoundOptions()) as file, pytest.raises(InputError, match="must be finite"):
        list(file.pieces())


def test_a_header_that_names_a_place_before_its_file(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    soundfile = pytest.importorskip("soundfile")
    soundfile.write(tmp_path / "a.w64", tone(0.1), 8000, format="W64")
    data = (tmp_path / "a.w64").read_bytes()
    for place in range(16, 120):
        # Sizes of chunks, each in eight bytes, that lead back.
        (tmp_path / "a.w64").write_bytes(
            data[:place] + b"\x81\xff\xff\xff\xff\xff\xff\xff" + data[place + 8 :]
        )
        try:
            with open_mono(Sound(tmp_path / "a.w64", 0.01), SoundOptions()) as file:
                list(file.pieces())
        except InputError:
            pass
    assert capfd.readouterr().err == ""


def skeletons(folder: Path, name: str, content: Any) -> Any:
    data = (
        content
        if isinstance(content, bytes)
        else (content if isinstance(content, str) else json.dumps(content)).encode()
    )
    (folder / name).write_bytes(data)
    return read_skeletons(folder / name, Columns(labelled=False))


POINTS = [[1.0, 2.0]] * 5


def annotations(**others: Any) -> dict[str, Any]:
    return {"annotations": [{"frame_index": 0, "keypoints": POINTS, **others}]}


def test_people_are_told_apart_by_anything(tmp_path: Path) -> None:
    assert skeletons(tmp_path, "a.json", annotations(person_id=[1, {}]))


@pytest.mark.parametrize(
    ("name", "content", "match"),
    [
        ("a.json", [[{"x": 1, "y": 2}], 5], "must hold frames"),
        ("a.json", [5, [{"x": 1, "y": 2}]], "must hold frames"),
        ("a.json", annotations(keypoints=[[1e300, 1]] * 5), "infinity"),
        ("a.json", annotations(keypoints=[[1e30, 1], [2, 3]] * 3), "must be a place within"),
        (
            "a.json",
            {"annotations": [{"frame_index": 0, "keypoints": POINTS}] * 1 + [5]},
            "must have a frame_index",
        ),
        ("a.json", f'{{"annotations": {"[" * 900}{"]" * 900}}}', "frame_index"),
        ("a.txt", ("1e300 " * 3 + "1\n") * 20, "finite numbers"),
        ("a.txt", "".join(f"{n}e30 1 2 1\n" for n in range(20)), "must be a place within"),
        ("S1.skeleton", f"\u00b2\n1\n{BODY}", "the number of frames"),
        ("S1.skeleton", f"{'9' * 5000}\n1\n{BODY}", "the number of frames"),
        ("S1.skeleton", "1\n1\n" + BODY.replace("24 2", "1e300 2"), "finite numbers"),
        ("a.csv", "x" + "_" * MANY + "," + "_" * MANY + "x\n1,2\n", "must name the columns"),
        ("a.npy", b"\x93NUMPY\1\0\1\0(", "must be numbers"),
        (
            "a.npy",
            b"\x93NUMPY\1\0\x46\0{'descr': '<f4', 'fortran_order': False, 'shape': (9000000, 90, 3), }\n",
            "whole",
        ),
        ("a.npz", zipped({"X": saved(np.ones((2, 3, 5, 3))), "y": b"x"}, False), "whole file of arrays"),
        ("a.npz", zipped({"skeleton": b"no array"}, False), "whole file of arrays"),
        ("a.npz", zipped({"skeleton": saved(np.full((3, 5, 3), 1e300))}, False), "finite numbers"),
    ],
)
def test_skeletons_of_strangers(name: str, content: Any, match: str, tmp_path: Path) -> None:
    with pytest.raises(BpttError, match=match):
        skeletons(tmp_path, name, content)


def test_a_member_that_is_no_deflated_array(tmp_path: Path) -> None:
    data = bytearray(zipped({"X": saved(np.ones((2, 3, 5, 3)))}, True))
    at = data.index(b"X.npy") + 5
    data[at : at + 8] = b"\xff" * 8
    with pytest.raises(InputError, match="whole file of arrays"):
        skeletons(tmp_path, "a.npz", bytes(data))


def test_few_people_are_kept_of_many_and_long_gaps_take_no_memory(tmp_path: Path) -> None:
    people = [{"frame_index": 0, "person_id": n, "keypoints": [[n + 1, n]] * 5} for n in range(400)]
    last = {"frame_index": 20_000, "person_id": 0, "keypoints": POINTS}
    (row,) = skeletons(tmp_path, "a.json", {"annotations": [*people, last]}).rows
    assert row.input.bodies.shape == (4, 20_001, 5, 2)
    crowd = [{"frame_index": 0, "person_id": n, "keypoints": POINTS} for n in range(501)]
    with pytest.raises(InputError, match="at most 500 people"):
        skeletons(tmp_path, "a.json", {"annotations": crowd})


def test_bodies_of_many_tracks_take_the_memory_of_four(tmp_path: Path) -> None:
    frames = "".join(f"1\n{n} {BODY.split(' ', 1)[1]}" for n in range(300))
    (row,) = skeletons(tmp_path, "S1.skeleton", f"300\n{frames}").rows
    assert row.input.bodies.shape == (4, 300, 25, 3)


def itself() -> list[Any]:
    found: list[Any] = []
    found += [found, found]
    return found


@pytest.mark.parametrize(
    ("content", "match"),
    [
        (b"\x80\x02Nr\xff\xff\xff\x7f.", "place 2,147,483,647 of its memo"),
        (b"\x80\x02]Np2147483647\na.", "place 2,147,483,647 of its memo"),
        (pickle.dumps([{"keypoint": itself(), "label": 1}]), "keypoint: must be an array"),
        (pickle.dumps([{"keypoint": np.ones((1, 3, 5, 2)), "label": itself()}]), "label: must be a text"),
        (pickle.dumps([{"keypoint": np.full((1, 3, 5, 2), 1e300), "label": 1}]), "finite numbers"),
        (pickle.dumps([itself()]), "must have keypoint and label, got list"),
        (pickle.dumps({"annotations": [1], "split": {"train": itself(), "val": 3}}), "must be a text"),
    ],
)
def test_pickles_larger_than_their_bytes(content: bytes, match: str, tmp_path: Path) -> None:
    with pytest.raises(InputError, match=match):
        skeletons(tmp_path, "a.pkl", content)


def picture(form: str) -> bytes:
    file = io.BytesIO()
    Image.fromarray(np.zeros((8, 8, 3), np.uint8)).save(file, form)
    return file.getvalue()


def test_damaged_tags_of_pictures_say_nothing_and_damaged_pictures_their_name(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    for data in (picture("TIFF"), picture("JPEG"), picture("PNG")):
        for place in range(0, len(data), 9):
            for change in (b"\xff\xff", b""):
                (tmp_path / "f").mkdir(exist_ok=True)
                (tmp_path / "f" / "1.png").write_bytes(data[:place] + change + data[place + 2 :])
                try:
                    list(Clip(tmp_path / "f").decoded(FrameShape(8)))
                except InputError as error:
                    assert "1.png" in str(error)
    assert capfd.readouterr().err == ""


@pytest.mark.parametrize(
    "header", [b"\1\0\1\0(", b"\1\0\x46\0{'descr': '<f4', 'fortran_order': False, 'shape': (-9, 8, 8), }"]
)
def test_an_array_of_pictures_with_a_damaged_header(header: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.npy").write_bytes(b"\x93NUMPY" + header.ljust(74) + b"\n" + bytes(99))
    with pytest.raises(InputError, match="must be"):
        list(Clip(tmp_path / "a.npy").decoded(FrameShape(8)))


KINETICS = "label,youtube_id,time_start,time_end,split\n"


@pytest.mark.parametrize("row", ["wave,v", "wave,v,inf,inf,train", "wave,v,nan,1,train", "wave,v,-1,1,train"])
def test_lists_of_clips_with_rows_that_are_none(row: str) -> None:
    with pytest.raises(InputError):
        read_clip_list(Document("c.csv", KINETICS + "wave,v,0,1,train\n" + row + "\n"), Columns())


@pytest.mark.parametrize(
    ("text", "match"),
    [
        ("t,x\n0,1\n1e999,2\n2,3\n", "times are all"),
        ("t,x\n-1e308,1\n1e308,2\n", "evenly spaced"),
        ("t,x\n0,1\n1e-9,2\n2e-9,2\n", "evenly spaced"),
    ],
)
def test_times_of_no_step(text: str, match: str) -> None:
    with pytest.raises(InputError, match=match):
        read_pasts(Document("a.csv", text), PastColumns())


def test_clock_times_have_labels_and_the_last_year_an_end() -> None:
    (past,) = read_pasts(Document("a.csv", "t,x\n9:30,1\n10:00,2\n10:30,4\n"), PastColumns()).series
    assert [past.axis.label(step) for step in (0, 3, 29)] == ["09:30", "11:00", "24:00"]
    (past,) = read_pasts(
        Document("a.csv", "t,x\n9999-12-28,1\n9999-12-29,2\n9999-12-30,4\n"), PastColumns()
    ).series
    assert past.axis.label(3) == "9999-12-31"
    with pytest.raises(InputError, match="before the year 10000"):
        past.axis.label(4)


def test_archives_whose_members_have_other_methods(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "a.npz", "w", zipfile.ZIP_LZMA) as archive:
        archive.writestr("skeleton.npy", saved(np.ones((3, 5, 3))))
    assert len(skeletons(tmp_path, "a.npz", (tmp_path / "a.npz").read_bytes()))


def test_transcripts_of_spaces_and_homes_of_nobody(tmp_path: Path) -> None:
    (tmp_path / "a.wav").write_bytes(riff(bytes(8), 8000, 1, 16))
    (tmp_path / "x.fileids").write_text("a\n")
    (tmp_path / "x.transcription").write_text(f"the cat{' ' * MANY}(a) \n")
    (row,) = read_sphinx(tmp_path / "x.fileids", SpeechOptions(), True).rows
    assert row.target == "the cat"
    (tmp_path / "x.transcription").write_text(f"a{' ' * 4 * MANY}b\n")
    with pytest.raises(InputError, match="must end in the name of its sound"):
        read_sphinx(tmp_path / "x.fileids", SpeechOptions(), True)
    (tmp_path / "x.fileids").write_text("~nobody-of-this-name/a\n")
    with pytest.raises(InputError, match="must name a file that is there"):
        read_sphinx(tmp_path / "x.fileids", SpeechOptions(), True)


def test_objects_of_other_keys_each_are_no_table() -> None:
    lines = "".join(f'{{"k{n}": 1}}\n' for n in range(8_000))
    with pytest.raises(InputError, match="must have the same keys"):
        read_json(Document("a.jsonl", lines))


@pytest.mark.parametrize("shape", [(0, 6), (0, 0), (3, 0), (0, 5, 3)])
def test_arrays_of_no_places(shape: tuple[int, ...], tmp_path: Path) -> None:
    with pytest.raises(InputError, match="must "):
        skeletons(tmp_path, "a.npy", saved(np.ones(shape)))


@pytest.mark.parametrize("name", ["a\ud800", "a\0b"])
def test_names_that_no_file_can_have(name: str) -> None:
    with pytest.raises(InputError, match="must be a name that the system can have"):
        read_bytes(Path(name))
