"""Lists of words that are given, and their numbers."""

from __future__ import annotations

from pathlib import Path

import pytest

from bptt.data.words import WordList
from bptt.errors import InputError


def test_the_most_frequent_come_first_and_rare_ones_are_unknown() -> None:
    words = WordList.build("b a c b 我 我 我 a <unk> <unk> d".split(), 2, ("d", "a", "e"))
    assert words.words == ("<unk>", "我", "a", "b", "d", "e")
    assert [words.number(word) for word in ("我", "e", "c", "<unk>")] == [1, 5, 0, 0]
    assert len(words) == 6


def test_what_is_written_is_read_again(tmp_path: Path) -> None:
    """Also words of a white space that is no space, or that other programs end lines at."""
    words = WordList.build(["New York", "\u3000", "a\u2028b", "\x85", "\ufeff", "ß", "😀"])
    (tmp_path / "words.txt").write_bytes(words.to_bytes())
    assert WordList.load(tmp_path / "words.txt").words == words.words
    (tmp_path / "words.txt").write_bytes(WordList(()).to_bytes())
    assert WordList.load(tmp_path / "words.txt").words == ("<unk>",)


@pytest.mark.parametrize("text", ["a\nb\n", "<unk>\na\na\n", "<unk>\n\n\n", "<unk>\n<unk>\n"])
def test_a_damaged_list_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "words.txt").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=r"words.txt: must be <unk> and words, each once"):
        WordList.load(tmp_path / "words.txt")
    with pytest.raises(InputError, match="Restore the file, or train again"):
        WordList.load(tmp_path / "none.txt")
