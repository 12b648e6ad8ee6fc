"""The page of `bptt inspect`: its title names the job, and what is right is shown beside what is found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from conftest import Command
from test_cli_inspect import LOOK, TINY, pairs, reviews, tagged
from test_report_inspection import unpacked

import bptt


@pytest.fixture
def page(command: Command, tmp_path: Path) -> Any:
    """Trains a run, looks into it, and hands over what the page holds, and the run."""

    def look(verb: str, data: Path, *options: object) -> tuple[Any, Any]:
        run = tmp_path / "my run"
        assert command("train", verb, data, "-o", run, *TINY).code == 0
        ended = command("inspect", run, *LOOK, *options, "-o", tmp_path / "page.html")
        assert ended.code == 0, ended.err
        return unpacked((tmp_path / "page.html").read_text(encoding="utf-8")), bptt.load(str(run))

    return look


def test_of_a_classifier(page: Any, tmp_path: Path) -> None:
    data = reviews(tmp_path / "data")
    shown, trained = page("classify", data, "--data", data)
    assert shown["title"] == "my run: classifier, lstm 1×6"
    answers = [
        each.label
        for each in trained.predict(
            [f"film number {k} 电影 is {w} ." for k, w in ((0, "dull"), (1, "great"), (2, "dull"))]
        )
    ]
    wanted = [f"right: {label}, found: {found}" for label, found in zip("010", answers, strict=True)]
    facts = dict(map(tuple, shown["facts"]))
    assert [facts[f"example {n}"] for n in range(3)] == wanted
    # The loss, and with it what is right, belongs to the last step of each example.
    (sequence,) = shown["sequences"]
    ends = [step for step, note in enumerate(sequence["notes"]) if note]
    assert [sequence["notes"][step] for step in ends] == wanted
    assert ends[-1] == len(sequence["tokens"]) - 1


def test_without_labels_only_what_is_found_is_said(page: Any, tmp_path: Path) -> None:
    shown, trained = page("classify", reviews(tmp_path / "data"), "--text", "great 电影 !")
    (answer,) = trained.predict(["great 电影 !"])
    assert ["example 0", f"found: {answer.label}"] in shown["facts"]
    assert shown["sequences"][0]["notes"][-1] == f"found: {answer.label}"


def test_of_a_tagger(page: Any, tmp_path: Path) -> None:
    data = tagged(tmp_path / "data")
    shown, trained = page("tag", data, "--data", data)
    assert shown["title"] == "my run: tagger, lstm 1×6"
    gold = "B-PER O B-LOC I-LOC O".split()
    found = [
        tag for k in range(3) for tag in trained.predict([(f"Anna{k}", "saw", "New", "York", ".")])[0].tags
    ]
    assert shown["sequences"][0]["notes"] == [
        f"right: {tag}, found: {answer}" for tag, answer in zip(gold * 3, found, strict=True)
    ]
    right = sum(tag == answer for tag, answer in zip(gold * 3, found, strict=True))
    assert ["right answers", f"{right} of 15"] in shown["facts"]


def test_of_a_translator(page: Any, tmp_path: Path) -> None:
    data = pairs(tmp_path / "data")
    shown, _ = page("translate", data, "--data", data)
    assert shown["title"] == "my run: translator, lstm 1×6"
    assert all(sequence["notes"] is None for sequence in shown["sequences"])


def test_steps_of_numbers_count_from_0_as_everywhere(page: Any, tmp_path: Path) -> None:
    series = tmp_path / "walk.csv"
    rows = [f"{n},{t},{t * (n % 2) + n},{'ab'[n % 2]}\n" for n in range(20) for t in range(4)]
    series.write_text("id,time,x,label\n" + "".join(rows), encoding="utf-8")
    shown, _ = page("classify", series, "--data", series)
    tokens = [token.strip() for token in shown["sequences"][0]["tokens"]]
    assert tokens == ["0", "1", "2", "3"] * 3
    assert shown["maps"][0]["columns"].tolist() == [0, 1, 2, 3]
