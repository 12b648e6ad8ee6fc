"""Formats that are not read are refused by their name, in whatever place a text is wanted."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
import pickle
import sqlite3
import tarfile
import zipfile
from pathlib import Path

import numpy as np
import pytest

from bptt.data.readers.detect import detect
from bptt.data.readers.document import Document
from bptt.data.readers.grid import Columns
from bptt.data.signatures import markup_of, signature_of
from bptt.data.text import decode_text
from bptt.errors import InputError


def zipped(*names: str) -> bytes:
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name in names:
            archive.writestr(name, "x")
    return file.getvalue()


def tarred() -> bytes:
    file = io.BytesIO()
    with tarfile.open(fileobj=file, mode="w") as archive:
        archive.addfile(tarfile.TarInfo("a.txt"))
    return file.getvalue()


def array() -> bytes:
    file = io.BytesIO()
    np.save(file, np.zeros(3))
    return file.getvalue()


def database(tmp_path: Path) -> bytes:
    with sqlite3.connect(tmp_path / "a.db") as connection:
        connection.execute("create table t (text, label)")
    connection.close()
    return (tmp_path / "a.db").read_bytes()


FILES = {
    "a PDF document": b"%PDF-1.7\n%\xe2\xe3\xcf\xd3\n1 0 obj",
    "a Word document": zipped("[Content_Types].xml", "word/document.xml"),
    "an Excel workbook": zipped("xl/workbook.xml"),
    "an OpenDocument file": zipped("mimetype", "content.xml"),
    "a zip archive": zipped("films.csv"),
    "a PNG image": b"\x89PNG\r\n\x1a\n\0",
    "a JPEG image": b"\xff\xd8\xff\xe0\0\x10JFIF",
    "a pickle": pickle.dumps({"text": ["a"]}),
    "a bzip2 archive": bz2.compress(b"a text"),
    "an xz archive": lzma.compress(b"a text"),
    "a tar archive": tarred(),
    "a NumPy array": array(),
    "an HDF5 file": b"\x89HDF\r\n\x1a\n\0",
    # Packets of 188 bytes each, on Blu-ray with a time of 4 bytes before them, as av writes both.
    "an MPEG transport stream, a video": (b"G@\x11\x10\0" + bytes(183)) * 5,
    r"an MPEG (?#Blu-ray)transport stream, a video": (b"\r\x9e\xe2\x02G@\x11" + bytes(185)) * 5,
    r"an MPEG video. Let its name end in \.mpg": b"\0\0\x01\xba!\0",
    "a Matroska or WebM video": b"\x1aE\xdf\xa3\xa3B",
    "a Flash video": b"FLV\x01\x01\0",
    "a program": b"\x7fELF\x02\x01\x01\0",
}


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("packed", [False, True])
def test_a_format_is_named(name: str, packed: bool, tmp_path: Path) -> None:
    path = tmp_path / "films.csv"
    path.write_bytes(gzip.compress(FILES[name]) if packed else FILES[name])
    with pytest.raises(InputError, match=rf"films\.csv: must be text, got {name}"):
        detect(path, Columns())


def test_a_database_is_named_with_its_cure(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"got an SQLite database\. Export its table as CSV"):
        decode_text(database(tmp_path), "d")


@pytest.mark.parametrize(
    "text", ["GIF8 is a format", "ID3 of the tags", "RIFF", "ORC", "BZh 好", "Rar!", "G" * 999]
)
def test_a_text_may_begin_like_a_format(text: str) -> None:
    assert signature_of(text.encode()) is None
    assert decode_text(text.encode(), "d") == text
    assert signature_of(zipped("X.npy")) is None


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("<!DOCTYPE html>\n<p>a,b</p>\n", "an HTML page"),
        ('<?xml version="1.0"?>\n<tmx/>\n', "an XML document"),
        ("% about\n@RELATION a\n@attribute x numeric\n@data\n1\n", "an ARFF file"),
    ],
)
def test_markup_is_no_form_of_examples(text: str, name: str) -> None:
    with pytest.raises(InputError, match=f"got {name}.*Convert it to TSV"):
        detect(Document("d", text), Columns())
    assert detect(Document("text", text, typed=True), Columns()).form in ("lines", "ts")
    assert markup_of("a <b> c") is None


# A pattern that tries the lines in more than one way would take longer than anybody waits.
@pytest.mark.parametrize("line", ["\n", "  \t \n", "% a % b\n", "%\n\n", "\r\n", " "])
def test_a_text_of_blank_lines_is_looked_at_once(line: str) -> None:
    assert markup_of(line * 100_000) is None
    assert markup_of(line * 100_000 + "@relation") is None
    assert markup_of(line * 100_000 + "@Relation a\n") == "an ARFF file"
