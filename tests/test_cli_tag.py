"""`bptt train tag`, `predict` and `evaluate`, as a user types them."""

from __future__ import annotations

from pathlib import Path

import pytest
from conftest import Command

from bptt.jobs.tag.seqeval import INSTALLED

SIZES = (
    *("--hidden", 8, "--embedding", 6, "--character-size", 4, "--character-hidden", 4),
    *("--epochs", 8, "--lr", 0.03, "--batch-size", 4),
)


def sentence(n: int) -> str:
    """A line for each word: whoever stands after "Mr" is a person."""
    words = [*["the"] * (n % 3), "Mr", f"X{n}", "ran"]
    return "".join(f"{word}\t{'B-PER' if word[0] == 'X' else 'O'}\n" for word in words)


@pytest.fixture(scope="module")
def columns(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("data") / "people.conll"
    path.write_text("\n".join(map(sentence, range(40))), encoding="utf-8")
    return path


@pytest.fixture
def run(columns: Path, tmp_path: Path, command: Command) -> Path:
    ended = command("train", "tag", columns, "-o", tmp_path / "run", *SIZES)
    assert ended.code == 0, ended.err
    assert "BIO: every entity begins with B" in ended.err
    assert "best held-out f1 1.0000" in ended.out
    return tmp_path / "run"


def test_from_a_file_to_answers(run: Path, columns: Path, tmp_path: Path, command: Command) -> None:
    answer = "Mr\tO\nX7\tB-PER\nran\tO\n\n\nthe\tO\n\n"
    assert command("predict", run, "Mr X7 ran\n\nthe").out == answer
    assert command("predict", run, "-", stdin=b"Mr X7 ran\n\nthe\n").out == answer
    (tmp_path / "words.conll").write_text("Mr\nX7\nran\n\nthe\n", encoding="utf-8")
    assert command("predict", run, tmp_path / "words.conll").out == answer.replace("\n\n\n", "\n\n")
    with_both = [line.split("\t") for line in command("predict", run, columns).out.splitlines() if line]
    assert all(gold == found for _, gold, found in with_both)
    assert len(with_both) == sum(3 + n % 3 for n in range(40))


def test_probabilities_stand_behind_the_tags(run: Path, command: Command) -> None:
    rows = [line.split("\t") for line in command("predict", run, "Mr X7", "--probabilities").out.splitlines()]
    assert [row[:2] for row in rows[:2]] == [["Mr", "O"], ["X7", "B-PER"]]
    assert all(0.5 < float(row[2]) <= 1 for row in rows[:2])


def test_alternatives_follow_each_other(run: Path, command: Command) -> None:
    first, second, rest = command("predict", run, "Mr X7", "--n-best", 2).out.split("\n\n")
    comment, *lines = first.splitlines()
    assert comment.startswith("# 1 of 2, probability 0.")
    assert lines == ["Mr\tO", "X7\tB-PER"]
    assert second.startswith("# 2 of 2, probability 0.")
    assert float(second.split()[5]) < float(comment.split()[5])
    assert rest == ""
    ended = command("predict", run, "Mr X7", "--n-best", 0)
    assert ended.code == 2
    assert "--n-best: is a whole number of at least 1, got 0" in ended.err


def test_alternatives_need_a_crf(columns: Path, tmp_path: Path, command: Command) -> None:
    assert command("train", "tag", columns, "-o", tmp_path / "run", *SIZES, "--no-crf").code == 0
    ended = command("predict", tmp_path / "run", "Mr X7", "--n-best", 2)
    assert ended.code == 2
    assert "bptt: --n-best: needs a tagger with a CRF" in ended.err


def test_scores_name_the_scheme_and_who_counted(run: Path, columns: Path, command: Command) -> None:
    ended = command("evaluate", run, columns)
    metrics, *tables = ended.out.split("\n\n")
    found = dict(line.split("\t") for line in metrics.splitlines())
    assert (found["f1"], found["accuracy"], found["sentences"]) == ("1", "1", "40")
    row = "entities\tprecision\trecall\tf1\tnumber\nall\t1.0000\t1.0000\t1.0000\t40\nPER\t1.0000"
    assert tables[0].startswith("BIO, conlleval\n" + row)
    if INSTALLED:
        assert [table.split("\n")[0].split(", ", 2)[2] for table in tables[1:]] == [
            "default mode",
            "strict mode (IOB2)",
        ]
        assert all(row in table for table in tables)
    else:
        assert "pip install 'bptt[metrics]'" in ended.err


def test_a_run_goes_on(columns: Path, run: Path, tmp_path: Path, command: Command) -> None:
    again = command("train", "tag", columns, "-o", run, *SIZES, "--resume")
    assert "finished before" in again.out
    other = command("train", "tag", columns, "-o", run, *SIZES, "--resume", "--no-characters")
    assert other.code == 2
    assert "words.spelled" in other.err


def test_a_broken_line_has_its_number(tmp_path: Path, command: Command) -> None:
    broken = tmp_path / "broken.conll"
    broken.write_text("a\tO\nX\tB-PER\n\n" * 5 + "a\tO\nalone\n", encoding="utf-8")
    ended = command("train", "tag", broken, "-o", tmp_path / "run")
    assert ended.code == 2
    assert f"{broken}:17: must have 2 columns" in ended.err
    assert "Traceback" not in ended.err
    assert not (tmp_path / "run").exists()


def test_chinese_is_cut_into_the_characters_that_were_learned(tmp_path: Path, command: Command) -> None:
    file = tmp_path / "zh.conll"
    file.write_text("我 O\n爱 O\n北 B-LOC\n京 I-LOC\n\n他 O\n走 O\n\n" * 20, encoding="utf-8")
    extra = "--held-out", 0.5
    ended = command("train", "tag", file, "-o", tmp_path / "run", *SIZES, *extra)
    assert ended.code == 0, ended.err
    assert "characters" not in ended.err
    assert command("predict", tmp_path / "run", "我 走\n").out == "我\tO\n走\tO\n\n"


def test_options_are_named_as_typed(columns: Path, tmp_path: Path, command: Command) -> None:
    for option in ("--character-hidden", "--min-count", "--embedding"):
        ended = command("train", "tag", columns, "-o", tmp_path / "run", option, -1)
        assert ended.code == 2
        assert ended.err.startswith(f"bptt: {option}: is a whole number of at least")


def test_one_stray_tag_is_named_and_may_be_meant(columns: Path, tmp_path: Path, command: Command) -> None:
    path = tmp_path / "stray.conll"
    path.write_text(columns.read_text(encoding="utf-8") + "\nMr\tO\nX7\to\nran\tO\n", encoding="utf-8")
    ended = command("train", "tag", path, "-o", tmp_path / "run", *SIZES)
    assert ended.code == 2
    line = path.read_text(encoding="utf-8").count("\n") - 2
    assert f"{path}:{line}: must have tags of one scheme" in ended.err
    assert "got 'o' at 'X7', 1 such tags in all. Correct it" in ended.err
    sizes = "--hidden", 4, "--epochs", 1, "--scheme", "none"
    ended = command("train", "tag", path, "-o", tmp_path / "run", *sizes)
    assert ended.code == 0, ended.err
    assert "no scheme: as asked for" in ended.err
    assert command("predict", tmp_path / "run", "Mr X7").code == 0
