"""Word vectors in the text format of word2vec and GloVe."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np
import pytest

from bptt.data.readers.vectors import read_vectors
from bptt.errors import InputError, MachineError

ROWS = "the 0.5 -1 2\n好 1 2 3 \n. . . 4 5 6\nthe 9 9 9\ncat 1e-1 0 0\n"


@pytest.mark.parametrize("header", ["", "5 3\n", "\ufeff5 3\r\n"])
@pytest.mark.parametrize("pack", [lambda data: data, gzip.compress], ids=["plain", "gzip"])
def test_only_the_words_wanted_are_read(tmp_path: Path, header: str, pack) -> None:
    path = tmp_path / "v.txt"
    path.write_bytes(pack((header + ROWS).encode()))
    found = read_vectors(path, {"cat", "好", "the", "absent"})
    assert found.words == ("the", "好", "cat")
    assert found.values.dtype.name == "float32"
    assert found.values.tolist() == np.float32([[0.5, -1, 2], [1, 2, 3], [0.1, 0, 0]]).tolist()
    assert read_vectors(path, {". . ."}).values.tolist() == [[4, 5, 6]]


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ("cat 1 2", r"v:2: must be a word and 3 numbers, got 2 behind the word"),
        ("cat 1 2 3 4", r"v:2: must be a word and 3 numbers, got 4 behind the word"),
        ("dog 1 2 3 4", r"v:2: must be a word and 3 numbers"),
        ("", r"v:2: must be a word and 3 numbers"),
        ("cat 1 2 x", r"v:2: number 3 must be a number, got 'x'"),
        ("cat 1 nan 2", r"v:2: a vector must be numbers, got NaN"),
    ],
)
def test_a_broken_line_is_named(tmp_path: Path, line: str, fault: str) -> None:
    (tmp_path / "v").write_text(f"the 1 2 3\n{line}\nend 1 2 3\n", encoding="utf-8")
    with pytest.raises(InputError, match=fault):
        read_vectors(tmp_path / "v", {"the", "cat"})


def test_a_header_gives_the_width(tmp_path: Path) -> None:
    (tmp_path / "v").write_text("2 2\nthe 1 2 3\n", encoding="utf-8")
    with pytest.raises(InputError, match=r"v:2: must be a word and 2 numbers, got 3"):
        read_vectors(tmp_path / "v", {"the"})


def test_a_file_without_the_words_or_not_readable(tmp_path: Path, monkeypatch) -> None:
    path = tmp_path / "v"
    path.write_bytes("the 1 2\n".encode("utf-16"))
    with pytest.raises(InputError, match=r"v:1: must be UTF-8"):
        read_vectors(path, {"the"})
    path.write_text("the 1 2\n", encoding="utf-8")
    with pytest.raises(InputError, match="must have vectors of some of the 1 words, got none"):
        read_vectors(path, {"cat"})
    path.write_bytes(gzip.compress(ROWS.encode() * 99)[:-12])
    with pytest.raises(InputError, match="must be a whole gzip file"):
        read_vectors(path, {"the"})
    with pytest.raises(InputError, match="must be a file"):
        read_vectors(tmp_path / "absent", {"the"})

    def fail(path: Path, flags: int) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("os.open", fail)
    with pytest.raises(MachineError, match="Input/output error"):
        read_vectors(path, {"the"})


@pytest.mark.parametrize(
    ("text", "cure"),
    [
        ("EU\tB-ORG\nrejects\tO\n", "Put spaces in the place of the tabs"),
        ("good film\nbad film\n", "Name such a file"),
        ("word\n", "Name such a file"),
        ("the\t1\t2\n", "Put spaces in the place of the tabs"),
    ],
    ids=["CoNLL", "text", "words", "tabs"],
)
def test_a_file_that_holds_no_vectors_says_what_vectors_are(tmp_path: Path, text: str, cure: str) -> None:
    (tmp_path / "v").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=f"v:1: must be a word and .* numbers between spaces, as .*{cure}"):
        read_vectors(tmp_path / "v", {"the", "good", "film"}, others=5)
