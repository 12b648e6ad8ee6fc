"""`bptt train classify`, `predict` and `evaluate`, as a user types them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import Command

SIZES = "--hidden", 6, "--embedding", 4, "--epochs", 6, "--lr", 0.03, "--batch-size", 4


@pytest.fixture(scope="module")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "films.tsv"
    lines = [f"{n} {'fine' if n % 2 else 'dull 片'}\t{'good' if n % 2 else 'bad'}\n" for n in range(40)]
    path.write_text("text\tlabel\n" + "".join(lines), encoding="utf-8")
    return path


@pytest.fixture
def run(table: Path, tmp_path: Path, command: Command) -> Path:
    ended = command("train", "classify", table, "-o", tmp_path / "run", *SIZES)
    assert ended.code == 0, ended.err
    assert "read as columns, for it has a column text" in ended.err
    return tmp_path / "run"


def test_from_a_file_to_answers(run: Path, table: Path, command: Command) -> None:
    answers = [line.split("\t") for line in command("predict", run, "7 fine\n8 dull 片\n").out.splitlines()]
    assert [(label, text) for label, _, text in answers] == [("good", "7 fine"), ("bad", "8 dull 片")]
    assert command("predict", run, "-", stdin="7 fine\n8 dull 片\n".encode()).out.splitlines() == [
        "\t".join(answer) for answer in answers
    ]
    header, *rows = command("predict", run, "7 fine", "--probabilities").out.splitlines()
    assert header == "bad\tgood"
    assert sum(map(float, rows[0].split("\t"))) == pytest.approx(1, abs=2e-6)
    found = dict(
        line.split("\t")[:2] for line in command("evaluate", run, table).out.split("\n\n")[0].splitlines()
    )
    assert (found["accuracy"], found["examples"]) == ("1", "40")


def test_options_of_other_jobs_are_refused(run: Path, command: Command) -> None:
    for option, word in (
        ("--n-best", "--n-best"),
        ("--beam", "is an option of runs of `bptt train translate`"),
    ):
        ended = command("predict", run, "7 fine", option, 3)
        assert (ended.code, word in ended.err) == (2, True)


def test_confusions_are_counted_and_drawn(run: Path, table: Path, tmp_path: Path, command: Command) -> None:
    ended = command("evaluate", run, table, "--figures", tmp_path / "figures")
    assert "bad\t20\t20\t-\ngood\t20\t20\t-\n" in ended.out
    assert (tmp_path / "figures" / "confusion.png").read_bytes().startswith(b"\x89PNG")
    as_json = command("evaluate", run, table, "--figures", tmp_path / "more", "--json")
    assert json.loads(as_json.out)["metrics"]
    assert str(tmp_path / "more" / "confusion.png") in as_json.err


def test_a_broken_line_has_its_number(tmp_path: Path, command: Command) -> None:
    broken = tmp_path / "broken.tsv"
    broken.write_text("text\tlabel\n" + "fine\tgood\ndull\tbad\n" * 8 + "no label\n", encoding="utf-8")
    ended = command("train", "classify", broken, "-o", tmp_path / "run")
    assert ended.code == 2
    assert f"{broken}:18" in ended.err
    assert "Traceback" not in ended.err
    assert not (tmp_path / "run").exists()


def test_options_are_named_as_typed(table: Path, tmp_path: Path, command: Command) -> None:
    ended = command("train", "classify", table, "-o", tmp_path / "run", "--hidden", 0)
    assert ended.code == 2
    assert ended.err.splitlines()[-1].startswith("bptt: --hidden: is a whole number of at least 1")
    ended = command("train", "classify", table, "-o", tmp_path / "run", "--both-strands")
    assert "--both-strands: is for DNA" in ended.err


def test_examples_are_needed_to_evaluate(run: Path, command: Command) -> None:
    ended = command("evaluate", run)
    assert ended.code == 2
    assert "needs examples with their answers" in ended.err


@pytest.mark.parametrize("job", ["classify", "translate"])
def test_a_file_without_an_ending_is_not_called_an_option(
    command: Command, tmp_path, monkeypatch, job
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "films").write_bytes(b"")
    ended = command("train", job, "films", "-o", "run")
    assert (ended.code, ended.err) == (2, "bptt: films: must hold text, got 0 bytes of white space\n")
