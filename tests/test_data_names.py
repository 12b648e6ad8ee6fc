"""Labels, words and characters come back from a run folder, whatever text they are."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import Command

from bptt import SequenceTagger
from bptt.data.names import kept_in, names_to_bytes, read_names
from bptt.data.words import WordList
from bptt.errors import InputError
from bptt.runs.labels import read_labels, write_labels

# What ends a line for some program, what is no text for another, and what UTF-8 has no bytes for.
ODD = (
    *("\n", "a\nb", "\r", "a\r\nb", "\x0b", "\x0c", "\x1c", "\x1e", "\x85", "\u2028", "\u2029", "\0", "x\0"),
    *("\ufeff", "\ufeffa", "\ud800", "a\udc80", "", " ", "[", '"', "\\ud800", "北京", "🦜", "\u202e"),
)
LABELS = ("x\0", "\0", "\ufefffine", "a\u2028b", "a\x0bb", "a\x1cb", "a\x85b", "\u2029")


def test_any_text_comes_back(tmp_path: Path) -> None:
    path = tmp_path / "labels.json"
    path.write_bytes(names_to_bytes(ODD))
    assert read_names(path) == ODD
    assert tuple(json.loads(path.read_bytes())) == ODD
    assert "北京" in path.read_text(encoding="utf-8")


def test_a_character_in_two_halves_is_refused_before_it_is_joined() -> None:
    with pytest.raises(InputError, match="two halves"):
        names_to_bytes(("\ud83e\udd9c",))


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"", "must be JSON"),
        (b'["a"', "must be JSON"),
        (b'["\xff"]', "must be JSON in UTF-8"),
        (b"[" * 100_000, "must be JSON"),
        (b'{"a": 1}', "must be a list of texts, got dict"),
        (b'["a", 1]', "must be a list of texts"),
        (b'["a", "a"]', "must hold each text once"),
        (b'["a", ""]', "must hold two labels or more"),
    ],
)
def test_a_damaged_list_is_named(content: bytes, rule: str, tmp_path: Path) -> None:
    (tmp_path / "labels.json").write_bytes(content)
    with pytest.raises(InputError, match=rf"labels\.json: {rule}"):
        read_labels(tmp_path)


def test_lists_of_the_first_version_are_read(tmp_path: Path) -> None:
    (tmp_path / "labels.txt").write_text("[\nno\n北京\n", encoding="utf-8")
    assert read_labels(tmp_path) == ("[", "no", "北京")
    (tmp_path / "words.txt").write_text("<unk>\na\u2028b\n[\n", encoding="utf-8")
    assert WordList.load(kept_in(tmp_path, "words")).words == ("<unk>", "a\u2028b", "[")
    write_labels(tmp_path, ("new", "newer"))
    assert read_labels(tmp_path) == ("new", "newer")


def test_labels_are_also_written_a_line_each_for_people_and_scripts(tmp_path: Path) -> None:
    labels = ("a\u2028b", "x\0", "北京", "\ud83e")
    write_labels(tmp_path, labels)
    assert (tmp_path / "labels.txt").read_text("utf-8") == "a\\u2028b\nx\\x00\n北京\n\\ud83e\n"
    assert read_labels(tmp_path) == labels


@pytest.mark.parametrize(
    "odd", ["x\0", "\0", "\ufefffine", "a\u2028b", "a\x0bb", "a\x1cb", "a\x85b", "\u2029"]
)
def test_a_label_that_is_learned_is_known_again(odd: str, command: Command, tmp_path: Path) -> None:
    rows = [{"text": f"a {label} film {n}", "label": label} for n in range(10) for label in (odd, "dull")]
    data = tmp_path / "films.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    run = tmp_path / "run"
    trained = command("train", "classify", data, "-o", run, "--epochs", 1, "--hidden", 4, "--threads", 1)
    if trained.code == 0:
        assert command("evaluate", run, data).code == 0
        assert odd in read_labels(run)
    else:
        # Refused by the reader, before the work, with the place.
        assert trained.code == 2 and "films.jsonl" in trained.err and not run.exists()


@pytest.mark.parametrize("word", ["\n", "a\nb", "a\rb", "\0", "x\0", "\u2028", "\x1c", "\ufeff", "\ud800"])
def test_a_word_that_is_learned_is_known_again(word: str) -> None:
    sentences = [["Ada", "saw", word], ["Bo", "slept"]] * 4
    tags = [["B-PER", "O", "O"], ["B-PER", "O"]] * 4
    tagger = SequenceTagger(hidden_size=4, epochs=1, random_state=0).fit(sentences, tags)
    assert tagger.trained_.codec.encode((word,))[0].item() != 0
    assert len(tagger.predict([["Ada", word]])[0]) == 2


@pytest.mark.parametrize("tag", ["a\nb", "a\rb", ""])
def test_a_tag_that_is_no_line_is_refused_before_the_work(tag: str) -> None:
    with pytest.raises(InputError, match=r"X\[0\]: a label is one line"):
        SequenceTagger(hidden_size=4, epochs=1).fit([["Ada", "saw"]] * 8, [[tag, "O"]] * 8)
