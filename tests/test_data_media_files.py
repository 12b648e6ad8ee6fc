"""Files of a kind in class folders, lists and tables: sounds stand for all."""

from __future__ import annotations

from pathlib import Path

import pytest

from bptt.data.naming import Naming
from bptt.data.readers.detect import detect
from bptt.data.readers.forms import read_examples
from bptt.data.readers.grid import Columns
from bptt.errors import InputError

ANY = Columns()


def folders(path: Path) -> Path:
    for name in ("high/1.wav", "high/2.wav", "low/deep/3.WAV", "low/4.flac", "low/notes.txt"):
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(b"RIFF")
    return path


def read(source: Path, columns: Columns = ANY) -> list[tuple[str, str | None, str]]:
    form = detect(source, columns, columns.labelled).form
    found = read_examples(source, form, columns)
    return [(form, row.target, row.input.path.name) for row in found.rows]


def test_folders_are_classes(tmp_path: Path) -> None:
    source = folders(tmp_path / "data")
    found = read_examples(source, "sound-folders", Columns())
    assert [row.target for row in found.rows] == ["high", "high", "low", "low"]
    assert [row.name for row in found.rows] == ["high/1.wav", "high/2.wav", "low/4.flac", "low/deep/3.WAV"]
    assert any("1 .txt" in note for note in found.notes)
    assert detect(source, Columns()).reason == "it holds 4 sound files"
    assert read(source / "high", Columns(labelled=False)) == [
        ("sound-folders", None, "1.wav"),
        ("sound-folders", None, "2.wav"),
    ]
    assert read(source / "low/4.flac", Columns(labelled=False)) == [("sound", None, "4.flac")]


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("high/1.wav 0\nlow/4.flac 1\n", ("0", "1")),
        ("high/1.wav,a\nlow/4.flac,b\n", ("a", "b")),
        ("high/1.wav\ta b\nlow/4.flac\tb\n", ("a b", "b")),
        ("file,label,fold\nhigh/1.wav,a,1\nlow/4.flac,b,2\n", ("a", "b")),
        ("id,what,clip\n1,a,high/1.wav\n2,b,low/4.flac\n", ("a", "b")),
        ('{"path": "high/1.wav", "label": "a"}\n{"path": "low/4.flac", "label": "b"}\n', ("a", "b")),
        # Nothing but paths: the folders are the labels.
        ("high/1.wav\nlow/4.flac\n", ("high", "low")),
        ("data/high/1.wav a\ndata/low/4.flac b\n", ("a", "b")),
        ("high\\1.wav a\nlow\\4.flac b\n", ("a", "b")),
    ],
)
def test_lists_name_files_and_labels(text: str, names: tuple[str, str], tmp_path: Path) -> None:
    source = folders(tmp_path / "data") / "list.txt"
    source.write_text(text, "utf-8")
    assert read(source) == [("sound-list", names[0], "1.wav"), ("sound-list", names[1], "4.flac")]


def test_columns_of_groups_and_parts(tmp_path: Path) -> None:
    source = folders(tmp_path / "data") / "list.csv"
    source.write_text("path,what,who,split\nhigh/1.wav,a,p,train\nlow/4.flac,b,q,test\n", "utf-8")
    found = read_examples(source, "sound-list", Columns(naming=Naming("who", "split")))
    assert [(row.target, row.group, row.part) for row in found.rows] == [
        ("a", "p", "train"),
        ("b", "q", "test"),
    ]
    source.write_text("path,size,colour\nhigh/1.wav,1,2\nlow/4.flac,3,4\n", "utf-8")
    found = read_examples(source, "sound-list", Columns(naming=Naming(label_pattern=r"(\d)\.\w+$")))
    assert [row.target for row in found.rows] == ["1", "4"]


def test_a_list_above_its_files(tmp_path: Path) -> None:
    folders(tmp_path / "data")
    (tmp_path / "lists").mkdir()
    (tmp_path / "lists/train.csv").write_text("path,label\nhigh/1.wav,a\nlow/4.flac,b\n", "utf-8")
    assert [row[2] for row in read(tmp_path / "lists/train.csv")] == ["1.wav", "4.flac"]


@pytest.mark.parametrize(
    ("text", "columns", "match"),
    [
        (
            "high/1.wav a\nhigh/9.wav b\n",
            Columns(),
            r"l\.txt:2: must name a file that is there, got high/9\.wav",
        ),
        ("path,a,b\nhigh/1.wav,x,y\n", Columns(), "must say which column is the label.*`target_column`"),
        ("path,label\nhigh/1.wav,\n", Columns(), r"l\.txt:2: must have a label"),
    ],
)
def test_what_is_wrong_in_a_list_is_named(text: str, columns: Columns, match: str, tmp_path: Path) -> None:
    source = folders(tmp_path / "data") / "l.txt"
    source.write_text(text, "utf-8")
    with pytest.raises(InputError, match=match):
        read_examples(source, "sound-list", columns)
