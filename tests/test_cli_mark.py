"""`bptt train mark`: stretches of DNA are learned, found, counted and scored."""

from __future__ import annotations

import json
import random
import re
from pathlib import Path

import pytest
from conftest import Command

import bptt
from bptt.cli.streams import coloured
from bptt.data.examples import Example
from bptt.jobs.mark.metrics import base_scores
from bptt.jobs.mark.trained import other_strand
from bptt.nn.crf import CRF

SIZES = "--hidden", 8, "--lr", 0.05, "--batch-size", 4, "--epochs", 6


def runs_of_g(text: str) -> list[tuple[int, int]]:
    """The rule to be learned: each run of G is a stretch."""
    return [found.span() for found in re.finditer("G+", text)]


@pytest.fixture
def run(tmp_path: Path, command: Command) -> Path:
    draw = random.Random(0)
    names = {f"s{n}": "".join(draw.choices("ACGT", k=draw.randint(5, 20))) for n in range(60)}
    (tmp_path / "genes.fasta").write_text("".join(f">{n}\n{s}\n" for n, s in names.items()), "utf-8")
    bed = (f"{n}\t{a}\t{b}\tisland\n" for n, s in names.items() for a, b in runs_of_g(s))
    (tmp_path / "genes.bed").write_text("".join(bed), "utf-8")
    ended = command("train", "mark", tmp_path / "genes.fasta", "-o", tmp_path / "run", *SIZES)
    assert ended.code == 0, ended.err
    assert "best held-out f1 1.0000" in ended.out
    assert "nats per base" in ended.out + ended.err
    assert "vocabulary: 5 bases: <unk>, " in ended.out + ended.err
    return tmp_path / "run"


def test_from_a_file_to_stretches(run: Path, command: Command) -> None:
    """As one test, for a run is trained once."""
    text = "TTGGgACAUGCA"
    ended = command("predict", run, text)
    head, *rows = [line.split("\t") for line in ended.out.splitlines()]
    assert head == ["#name", "start", "end", "label", "probability", "letters"]
    assert [(int(row[1]), int(row[2])) for row in rows] == runs_of_g(text.upper()) == [(2, 5), (9, 10)]
    assert [(row[0], row[3], row[5]) for row in rows] == [("1", "island", "GGG"), ("1", "island", "G")]
    assert all(0.5 < float(row[4]) <= 1 for row in rows)
    assert "2 stretches in 1 sequences, 0 without one; start and end as in BED: from 0" in ended.err

    assert "does not know" not in ended.err
    assert (
        "letters: 3 of 12 are <unk>, the model does not know N, R"
        in command("predict", run, "NNACGTACGTRA").err
    )

    record = json.loads(command("predict", run, text, "--json").out)
    assert [(each["start"], each["end"]) for each in record["stretches"]] == [(2, 5), (9, 10)]

    trained = bptt.load(run)
    (found,) = trained.mark(["TTGGGACA"])
    (marginals,) = trained.probabilities([tuple("TTGGGACA")])
    inside = [n for n, tag in enumerate(trained.tags.tags) if tag != "O"]
    expected = sum(float(marginals[t, n]) for t in (2, 3, 4) for n in inside) / 3
    assert found[0].probability == pytest.approx(expected, abs=1e-6)
    assert isinstance(trained.model.crf, CRF)

    file = run.parent / "genes.fasta"
    metrics, stretches, bases = command("evaluate", run, file).out.split("\n\n")
    values = dict(line.split("\t") for line in metrics.splitlines())
    assert (values["f1"], values["base_f1"], values["sequences"]) == ("1", "1", "60")
    letters = "".join(line for line in file.read_text("utf-8").splitlines() if line[0] != ">")
    count = len((run.parent / "genes.bed").read_text("utf-8").splitlines())
    assert stretches.splitlines()[2] == f"island\t1.0000\t1.0000\t1.0000\t{count}"
    assert bases.splitlines()[2] == f"island\t1.0000\t1.0000\t1.0000\t{letters.count('G')}"
    given = json.loads(command("predict", run, file, "--json").out.splitlines()[0])
    assert [each["start"] for each in given["given"]] == [each["start"] for each in given["stretches"]]

    piped = command("predict", run, "-", stdin=b"ACGT\n>")
    assert piped.out.splitlines()[1].split("\t")[1:3] == ["2", "3"]
    assert (piped.code, "'>' at letter 1" in piped.err) == (2, True)
    for wrong, said in (
        (("--stream", "-"), "--stream: needs a tagger"),
        (("AC", "--input", "tsv"), "--input:"),
    ):
        ended = command("predict", run, *wrong)
        assert (ended.code, said in ended.err) == (2, True), ended.err


def test_the_other_strand_has_its_stretches_where_they_are_there() -> None:
    row = Example(tuple("AACGN"), ("B-x", "I-x", "O", "B-y", "O"), "d:1")
    found = other_strand(row)
    assert "".join(found.input) == "NCGTT"
    assert found.target == ("O", "B-y", "O", "B-x", "I-x")
    again = other_strand(found)
    assert (again.input, again.target) == (row.input, row.target)


def test_both_strands_are_learned_from_and_none_held_out_is(tmp_path: Path, command: Command) -> None:
    (tmp_path / "d.tsv").write_text("".join(f"AC{'G' * n}TT\t..{'E' * n}..\n" for n in range(1, 21)), "utf-8")
    ended = command("train", "mark", tmp_path / "d.tsv", "-o", tmp_path / "run", "--both-strands",
                    "--hidden", 2, "--epochs", 1)  # fmt: skip
    assert "learned: 36 sequences" in ended.err and "held out: 2 sequences" in ended.err, ended.err


def test_bases_are_scored_one_by_one() -> None:
    """Of 3 bases marked, 2 are rightly so, of 4 that should be: 2/3 and 2/4; no stretch is whole."""
    gold = [("B-x", "I-x", "I-x", "O", "B-y")]
    found = [("O", "B-x", "I-x", "B-x", "O")]
    scores = base_scores(gold, found)
    assert scores.whole[:3] == pytest.approx((2 / 3, 2 / 4, 4 / 7))
    assert scores.types["y"].f1 == 0


def test_stretches_are_coloured_in_a_terminal() -> None:
    assert coloured([("AC", None), ("GG", 0), ("T", 1)]) == "AC\x1b[1;32mGG\x1b[0m\x1b[1;35mT\x1b[0m"
