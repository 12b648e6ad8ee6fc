"""Text files: what is read, and what is refused with the place of the fault."""

from __future__ import annotations

import gzip
from pathlib import Path
from pydoc_data.topics import topics

import pytest

from bptt.data.readers.corpus import read_corpus
from bptt.data.text import Corpus, default_corpus, read_text, split_text
from bptt.errors import InputError, MachineError

POEM = "床前明月光，\n疑是地上霜。\nné, nai\u0308f 😀\n"


def write(path: Path, data: bytes) -> Path:
    path.write_bytes(data)
    return path


@pytest.mark.parametrize("pack", [lambda data: data, gzip.compress], ids=["plain", "gzip"])
def test_text_comes_back_as_it_was_written(tmp_path: Path, pack) -> None:
    assert read_text(write(tmp_path / "poem", pack(POEM.encode()))) == POEM


def test_byte_order_mark_and_foreign_line_ends_are_left_out(tmp_path: Path) -> None:
    path = write(tmp_path / "a.txt", "\ufeff一\r\n二\n三\r\r\n".encode())
    assert read_text(path) == "一\n二\n三\n"


@pytest.mark.parametrize(
    ("data", "text"),
    [
        ("一\r二\r".encode(), "一\n二\n"),
        (b"10 %\r20 %\nready\n", "10 %\r20 %\nready\n"),
        (b"id\ttext\r\n1\ta\rb\r\n", "id\ttext\n1\ta\rb\n"),
        (b"\n\r\n\ra\n", "\n\n\ra\n"),
        (b"a\nb\r", "a\nb\n"),
    ],
    ids=["old Mac", "progress bar", "cell of a table", "first in its line", "last of all"],
)
def test_a_lone_carriage_return_ends_lines_only_where_nothing_else_does(
    tmp_path: Path, data: bytes, text: str
) -> None:
    assert read_text(write(tmp_path / "a.txt", data)) == text


def test_files_are_joined_in_order_and_each_ends_its_line(tmp_path: Path) -> None:
    paths = [write(tmp_path / "b.txt", b"first"), write(tmp_path / "a.txt", b"second\n")]
    corpus = read_corpus(paths)
    assert corpus == Corpus("first\nsecond\n", ("b.txt", "a.txt"))
    assert corpus.sha256 != read_corpus(paths[::-1]).sha256


def test_the_default_text_is_the_language_reference_in_sorted_order() -> None:
    corpus = default_corpus()
    place = 0
    for name in sorted(topics):
        topic = topics[name].strip("\n")
        assert corpus.text[place:].startswith(topic + "\n")
        place += len(topic) + 2
    assert place == len(corpus.text) + 1
    assert len(corpus.text) > 400_000
    assert corpus.text.endswith("\n")
    assert "pydoc_data.topics of Python 3." in corpus.names[0]


@pytest.mark.parametrize(
    ("data", "fault"),
    [
        (b"", r"bad\.txt: must hold text, got 0 bytes"),
        (b" \n\n", r"bad\.txt: must hold text, got 3 bytes"),
        (b"one\ntw\0o\n", r"bad\.txt:2: must be text.* a zero byte at byte 6"),
        (b"one two three\0\n", r"remove them, e\.g\. with tr -d '\\000'"),
        ("hello".encode("utf-16-le"), r"must be text.* a zero byte at byte 1\. .*iconv -f UTF-16 -t"),
        ("eins\nzwei\nfünf\n".encode("latin-1"), r"bad\.txt:3: must be UTF-8, got fc at byte 11.*iconv"),
        ("一二".encode()[:-1], r"bad\.txt:1: must be UTF-8, got e4 ba at byte 3"),
        (b"\xef\xbb\xbfa\n\xff", r"bad\.txt:2: must be UTF-8, got ff at byte 5"),
        ("hello".encode("utf-16"), r"bad\.txt:1: must be text"),
        (
            "a一".encode("utf-16"),
            r"in UTF-8, got the byte order mark of UTF-16 .*iconv -f UTF-16 -t",
        ),
        (
            "\ufeff一".encode("utf-16-be"),
            r"in UTF-8, got the byte order mark of UTF-16 .*-f UTF-16 -t",
        ),
        ("a".encode("utf-32"), r"in UTF-8, got the byte order mark of UTF-32 .*-f UTF-32 -t"),
        ("a\n好".encode("gb18030"), r"bad\.txt:2: must be UTF-8, got ba .*GB18030"),
        (b"\x1f\x8bnonsense", r"bad\.txt: must be a whole gzip file"),
        (gzip.compress(POEM.encode(), mtime=0)[:-9], r"bad\.txt: must be a whole gzip file"),
    ],
)
def test_a_bad_file_is_named_with_line_and_byte(tmp_path: Path, data: bytes, fault: str) -> None:
    with pytest.raises(InputError, match=fault):
        read_text(write(tmp_path / "bad.txt", data))


def test_no_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"absent\.txt: must be a file, got No such file"):
        read_text(tmp_path / "absent.txt")
    with pytest.raises(InputError, match="must be a file, got Is a directory"):
        read_text(tmp_path)


def test_a_file_that_cannot_be_read_is_the_machines_fault(tmp_path: Path, monkeypatch) -> None:
    def fail(path: Path, flags: int) -> int:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("os.open", fail)
    with pytest.raises(MachineError, match=r"must be readable, got Input/output error"):
        read_text(tmp_path / "a.txt")


def test_the_last_part_is_held_out() -> None:
    text = "".join(f"line {n}\n" for n in range(100))
    learned, held_out = split_text(text, 0.1, whole_lines=False)
    assert learned + held_out == text
    assert len(held_out) == len(text) - int(0.9 * len(text))
    learned, held_out = split_text(text, 0.1, whole_lines=True)
    assert learned + held_out == text
    assert learned.endswith("line 89\n")
    assert held_out.startswith("line 90\n")


@pytest.mark.parametrize(
    ("text", "whole_lines"), [("a", False), ("one line only\n", True), ("ab\n\n\n", False)]
)
def test_a_text_too_short_to_be_cut_is_an_error(text: str, whole_lines: bool) -> None:
    with pytest.raises(InputError, match="must leave text in both parts"):
        split_text(text, 0.1, whole_lines)
