"""Language models of prepared tokens: trained, resumed, evaluated and looked into as those of the text."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import Command, Ended

from bptt.jobs.language.prepare_options import PREPARE
from bptt.jobs.language.preparing import preparation_of
from bptt.options.choices import Choices

TEXT = "".join(f"the cat {n % 7} sat on\nthe mat, né 床前\n\n" for n in range(120))
SMALL = "--hidden-size 4 --layers 1 --embedding 3 --batch-size 4 --length 9 --epochs".split()


@pytest.fixture
def shards(command: Command, tmp_path: Path) -> Path:
    (tmp_path / "a.txt").write_text(TEXT, "utf-8")
    ended = command("prepare", tmp_path / "a.txt", "-o", tmp_path / "shards", "--level", "word")
    assert ended.code == 0 and "vocabulary\t18 words\tuint16" in ended.out
    return tmp_path / "shards"


def weights(run: Path) -> bytes:
    return (run / "model.safetensors").read_bytes()


def ok(ended: Ended) -> str:
    assert ended.code == 0, ended.err
    return ended.out


def test_a_run_is_that_of_the_text(command: Command, tmp_path: Path, shards: Path) -> None:
    text, run, other = tmp_path / "a.txt", tmp_path / "run", tmp_path / "other"
    ok(command("train", "lm", text, "--level", "word", "-o", other, *SMALL, 1))
    ok(command("train", "lm", shards, "-o", run, *SMALL, 1))
    assert weights(run) == weights(other)
    ok(command("train", "lm", text, "-o", other, "--resume", "--epochs", 3))
    # Without the folder, which the run names.
    ok(command("train", "lm", "-o", run, "--resume", "--epochs", 3))
    assert weights(run) == weights(other)
    for arguments in (["evaluate"], ["evaluate", "--cache", "20"], ["inspect"], ["sample", "--seed", 1]):
        name, *more = arguments
        files = ["-o", tmp_path / "page.html"] if name == "inspect" else []
        found = ok(command(name, run, *more, *files))
        if name != "inspect":
            assert found == ok(command(name, other, *more))
    metrics = [json.loads(line) for line in (run / "metrics.jsonl").read_text().splitlines()]
    assert [each["kind"] for each in metrics].count("held-out") == 3
    held = tmp_path / "held.txt"
    held.write_text("the cat sat\n" * 50)
    ok(command("train", "lm", shards, "--dev", held, "-o", tmp_path / "third", *SMALL, 1))
    assert ok(command("evaluate", tmp_path / "third")) == ok(command("evaluate", tmp_path / "third", held))
    ok(command("inspect", run, "--data", shards, "-o", tmp_path / "second.html"))


def test_another_text_with_the_vocabulary_of_a_run(command: Command, tmp_path: Path, shards: Path) -> None:
    run, more = tmp_path / "run", tmp_path / "more.txt"
    ok(command("train", "lm", shards, "-o", run, *SMALL, 1))
    more.write_text("the dog sat on the mat\n" * 30)
    ok(command("prepare", more, "-o", tmp_path / "more", "--vocabulary", run, "--held-out", 0))
    assert ok(command("evaluate", run, tmp_path / "more")) == ok(command("evaluate", run, more))
    ok(
        command(
            "train", "lm", tmp_path / "more", "--init-from", run, "-o", tmp_path / "tuned", *SMALL[-1:], 1
        )
    )
    ok(command("prepare", more, "-o", tmp_path / "own", "--level", "word"))
    for arguments in (
        ["evaluate", run, tmp_path / "own"],
        ["train", "lm", tmp_path / "own", "--init-from", run],
    ):
        if arguments[0] == "train":
            arguments += ["-o", tmp_path / "no"]
        ended = command(*arguments)
        assert ended.code == 2 and "must have the vocabulary of" in ended.err and "--vocabulary" in ended.err


def test_what_was_decided_when_the_text_was_prepared(command: Command, tmp_path: Path, shards: Path) -> None:
    for arguments, said in (
        (["--level", "character"], "was decided in"),
        (["--held-out", "0.3"], "was decided in"),
        (["--mode", "sentences"], "of prepared tokens is continuous, got sentences"),
        ([tmp_path / "a.txt"], "is trained on alone, got 2 files and folders"),
    ):
        ended = command("train", "lm", shards, *arguments, "-o", tmp_path / "run", *SMALL, 1)
        assert ended.code == 2 and said in ended.err, ended.err
    ended = command("prepare", tmp_path / "a.txt", "-o", shards)
    assert ended.code == 2 and "holds prepared tokens already. Give them up (--overwrite)" in ended.err
    ok(command("prepare", tmp_path / "a.txt", "-o", shards, "--overwrite"))


def test_tokens_that_changed_or_are_gone(command: Command, tmp_path: Path, shards: Path) -> None:
    run = tmp_path / "run"
    ok(command("train", "lm", shards, "-o", run, *SMALL, 1))
    file = shards / "learned-00000.bin"
    file.write_bytes(file.read_bytes()[::-1])
    ended = command("train", "lm", shards, "-o", run, "--resume", *SMALL, 2)
    assert ended.code == 2 and f"{file}: must be as `bptt prepare` wrote it, got other bytes" in ended.err
    shards.rename(tmp_path / "moved")
    ended = command("evaluate", run)
    assert ended.code == 2 and f"was trained on {shards}, which must be there" in ended.err
    ok(command("evaluate", run, tmp_path / "moved"))


def test_files_of_folders_and_patterns_in_order(tmp_path: Path) -> None:
    for name in ("b/2.txt", "b/1.txt", "b/.hidden", "a-10.txt", "a-02.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text("text\n")
    given = {"files": [tmp_path / "a-*.txt", tmp_path / "b"], "output": tmp_path / "o", "encoding": "gb18030"}
    found = preparation_of(Choices.read(PREPARE, given), 3)
    names = [path.relative_to(tmp_path).as_posix() for path in found.files]
    assert names == ["a-02.txt", "a-10.txt", "b/1.txt", "b/2.txt"] and found.workers == 3
    assert {path.encoding for path in found.files} == {"gb18030"}  # type: ignore[attr-defined]
