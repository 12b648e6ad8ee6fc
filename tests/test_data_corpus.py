"""A text to be modelled: never the braces, labels and separators of a file with columns."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import Command

from bptt.data.readers.corpus import read_corpus, read_plain
from bptt.data.readers.detect import detect
from bptt.data.readers.document import Document
from bptt.data.readers.forms import read_examples
from bptt.data.readers.grid import Columns
from bptt.errors import InputError

TEXTS = ["好，的", "two\nlines", "third, 3"]
CSV = 'id,text\n1,"好，的"\n2,"two\nlines"\n3,"third, 3"\n'


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.jsonl", "".join(json.dumps({"text": text, "label": "x"}) + "\n" for text in TEXTS)),
        ("a.json", json.dumps([{"n": 1, "sentence": text} for text in TEXTS], indent=1)),
        ("a.csv", CSV),
        ("no-ending", CSV),
        (
            "b.tsv",
            "label\treview\n" + "".join(f"x\t{text}\n" for text in ("好，的", "two", "lines", "third, 3")),
        ),
    ],
)
def test_the_column_of_the_text_is_the_text(name: str, content: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_text(content, encoding="utf-8")
    found = read_plain(path)
    assert found.text == "好，的\ntwo\nlines\nthird, 3\n"
    assert found.notes[0].startswith(f"{path}: {4 if name == 'b.tsv' else 3} texts of its column ")
    assert read_corpus([path, path]).text == 2 * found.text
    assert len(read_corpus([path, path]).notes) == 2


def test_the_column_of_a_parquet_file(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    pytest.importorskip("pyarrow.parquet")
    pyarrow.parquet.write_table(pyarrow.table({"text": [*TEXTS, None], "n": [1, 2, 3, 4]}), tmp_path / "a")
    assert read_plain(tmp_path / "a").text == "好，的\ntwo\nlines\nthird, 3\n"


@pytest.mark.parametrize(
    ("name", "content", "came"),
    [
        ("a.json", '[{"stanzas": ["a", "b"], "title": "c"}]', "the columns title, stanzas"),
        ("a.jsonl", '{"text": ["a"], "label": "x"}\n', '"text" must be a text or a number, got list'),
        ("a.csv", "en,zh\nHi,嗨\n", "the columns en, zh"),
        ("a.tsv", "Hi\t嗨\nRun\t跑\n", "2 columns, the first row being Hi, 嗨"),
        ("a.json", '["a", 2]', "must be a list of JSON objects"),
        ("a.json", '{\n"text": "a"\n}\n{\n"text": "b"\n}\n', "must be one JSON object a line"),
        ("a.jsonl", '{"text": " "}\n', 'a column "text" of nothing'),
    ],
)
def test_what_has_no_column_of_text_is_refused(name: str, content: str, came: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match=came):
        read_corpus([tmp_path / name])


@pytest.mark.parametrize(
    "text",
    [
        "{ is a brace, and } too\n",
        "[1] A note.\n[2] Another.\n",
        "Hi\t嗨\nRun\t跑\n",
        "text, he said\nand more of it\n",
        "<p>one, two</p>\n<p>three, four</p>\n",
        "a,b\nc,d\n",
        "time, index\nwords, more\n",
    ],
)
def test_plain_text_stays_as_it_is(text: str, tmp_path: Path) -> None:
    (tmp_path / "book.txt").write_text(text, encoding="utf-8")
    assert read_plain(tmp_path / "book.txt") == (text, ())


def test_training_says_what_it_reads(tmp_path: Path, command: Command) -> None:
    path = tmp_path / "a.jsonl"
    lines = (json.dumps({"text": f"text {n} of it", "label": "x"}) for n in range(40))
    path.write_text("\n".join(lines), encoding="utf-8")
    sizes = "--hidden", 4, "--layers", 1, "--epochs", 1, "--batch-size", 2
    ended = command("train", "lm", path, "-o", tmp_path / "run", *sizes)
    assert ended.code == 0, ended.err
    assert f'{path}: 40 texts of its column "text"' in ended.err
    assert "{" not in (tmp_path / "run" / "held_out.txt").read_text(encoding="utf-8")
    for verb in ("evaluate", "score"):
        ended = command(verb, tmp_path / "run", path)
        assert f'{path}: 40 texts of its column "text"' in ended.err
    assert len(ended.out.splitlines()) == 40


@pytest.mark.parametrize(
    ("content", "text"),
    [
        (
            [{"author": "a", "paragraphs": ["床前，", "疑是。"]}, {"author": "b", "paragraphs": ["白日"]}],
            "床前，\n疑是。\n\n白日\n",
        ),
        ([{"content": ["关关", "窈窕"], "title": "c"}, {"content": []}], "关关\n窈窕\n"),
        (["床前，", "疑是。"], "床前，\n疑是。\n"),
        ([["床前，", "疑是。"], ["白日"]], "床前，\n疑是。\n\n白日\n"),
        ({"title": "三字经", "paragraphs": ["人之初", "性本善"]}, "人之初\n性本善\n"),
    ],
    ids=["poems", "content", "lines", "groups of lines", "one object"],
)
def test_poems_in_json_are_their_lines(content: object, text: str, tmp_path: Path) -> None:
    path = tmp_path / "poems.json"
    path.write_text(json.dumps(content, ensure_ascii=False, indent=2), encoding="utf-8")
    found = read_plain(path)
    assert found.text == text
    assert "one after the other" in found.notes[0]


def test_authors_of_poems_are_labels_when_they_are_named(tmp_path: Path) -> None:
    poems = [{"author": "李白", "paragraphs": ["床前，", "疑是。"], "title": "a", "tags": ["x"]}] * 2
    document = Document("poems.json", json.dumps(poems, ensure_ascii=False))
    columns = Columns(target="author")
    assert detect(document, columns).form == "columns"
    found = read_examples(document, "columns", columns)
    assert (found.inputs, found.targets) == (("床前，\n疑是。",) * 2, ("李白",) * 2)
