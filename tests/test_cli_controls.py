"""Texts of strangers on a terminal: labels, tags, names and tokens with control characters."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
from conftest import Command

from bptt.cli.answers import one_line
from bptt.cli.streams import shown

SIZES = "--hidden", 4, "--embedding", 4, "--epochs", 1, "--batch-size", 8
RED, BROKEN = "\x1b[31mred\x1b]0;pwn\x07", "neg\r\nx"
# What a terminal obeys; tab and newline are the columns and lines of the output.
OBEYED = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e\u2066-\u2069]")


def is_safe(text: str) -> bool:
    return OBEYED.search(text) is None


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("controls")
    films = "".join(f"film {n} really\t{'pos' if n % 2 else 'neg'}\n" for n in range(12))
    (folder / "films.tsv").write_text(films, encoding="utf-8")
    tags = "".join(f"Cy\tB-P{n % 2}\nsaw{n}\tO\n\n" for n in range(12))
    (folder / "tags.conll").write_text(tags, encoding="utf-8")
    return folder


@pytest.fixture
def films(data: Path, command: Command) -> Path:
    """A classifier with the labels of a stranger."""
    run = data / "films"
    if not run.exists():
        assert command("train", "classify", data / "films.tsv", "-o", run, *SIZES).code == 0
        (run / "labels.json").write_text(json.dumps([RED, BROKEN]), encoding="utf-8")
    return run


@pytest.mark.parametrize("options", [(), ("--probabilities",), ("--json",)])
def test_labels_are_escaped(films: Path, options: tuple[str, ...], command: Command) -> None:
    ended = command("predict", films, "-", *options, stdin=b"a fine film\na dull \x1b[31m film\n")
    assert ended.code == 0 and is_safe(ended.out)
    assert len(ended.out.splitlines()) == len(ended.out.split("\n")) - 1
    if options == ("--json",):
        read = [json.loads(line) for line in ended.out.splitlines()]
        assert set(read[0]["probabilities"]) == {RED, BROKEN}
        assert read[1]["input"] == "a dull \x1b[31m film"
    else:
        assert "\\x1b[31mred" in ended.out or "neg\\r\\nx" in ended.out


def test_labels_are_escaped_in_the_table_of_an_evaluation(films: Path, command: Command) -> None:
    rows = [{"text": "a fine film", "label": RED}, {"text": "a dull film", "label": BROKEN}]
    data = films.parent / "asked.jsonl"
    data.write_text("".join(json.dumps(row) + "\n" for row in rows), encoding="utf-8")
    ended = command("evaluate", films, data)
    assert ended.code == 0 and is_safe(ended.out)
    assert "\\x1b[31mred\\x1b]0;pwn\\x07\t" in ended.out and "neg\\r\\nx\t" in ended.out


def test_tags_and_words_are_escaped(data: Path, command: Command) -> None:
    run = data / "tagger"
    assert command("train", "tag", data / "tags.conll", "-o", run, *SIZES).code == 0
    tags = json.loads((run / "labels.json").read_text(encoding="utf-8"))
    (run / "labels.json").write_text(json.dumps([f"{tag}\x1b[2J" for tag in tags]), encoding="utf-8")
    for options in ((), ("--probabilities",), ("--n-best", 2), ("--json",)):
        ended = command("predict", run, "-", *options, stdin="Cy saw \x9b31m\x07\n".encode())
        assert is_safe(ended.out), ended.err
        assert ended.code == 2 or "[2J" in ended.out


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("是 é العربية", "是 é العربية"),
        ("a\tb\nc", "a\\tb\\nc"),
        ("\x1b]0;x\x07", "\\x1b]0;x\\x07"),
        ("\x9b31m\u202e", "\\x9b31m\\u202e"),
    ],
)
def test_a_cell_of_the_output_is_one_line(text: str, expected: str) -> None:
    assert one_line(text) == expected


@pytest.mark.parametrize("terminal", [False, True])
def test_generated_text_is_exact_unless_on_a_terminal(
    terminal: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("sys.stdout.isatty", lambda: terminal)
    text = "a\tb\n是\x1b[31m\x07\n"
    assert shown(text) == ("a\tb\n是\\x1b[31m\\x07\n" if terminal else text)
    assert shown("") == ""
