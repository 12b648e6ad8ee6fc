"""Several labels of an example: logistic outputs, each label true or false by itself."""

from __future__ import annotations

import json
from math import isclose
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import Command
from sklearn.metrics import f1_score, hamming_loss, log_loss
from sklearn.preprocessing import MultiLabelBinarizer

import bptt
from bptt.jobs.classify.label_sets import SeveralLabels, scores_of_sets

WORDS = {"sun": "warm", "snow": "cold", "rain": "wet", "wind": "loud"}
QUICK = "--hidden", "8", "--layers", "1", "--batch-size", "10", "--epochs", "40", "--lr", "0.02"


def weather(count: int = 160) -> list[tuple[str, list[str]]]:
    """Sentences of some of four words, each of which has a label of its own; one has none."""
    draw = np.random.default_rng(0)
    chosen = [[w for w in WORDS if draw.random() < 0.5] for _ in range(count)]
    return [(" ".join([f"day{n}", *words]), [WORDS[w] for w in words]) for n, words in enumerate(chosen)]


@pytest.fixture
def table(tmp_path: Path) -> Path:
    path = tmp_path / "weather.tsv"
    rows = (f"{text}\t{';'.join(labels)}\n" for text, labels in weather())
    path.write_text("text\tlabel\n" + "".join(rows), encoding="utf-8")
    return path


def train(command: Command, data: Path, run: Path, *options: str) -> None:
    ended = command("train", "classify", data, "-o", run, "--multi-label", *QUICK, *options)
    assert ended.code == 0, ended.err


def test_what_is_in_a_sentence_is_answered(table: Path, tmp_path: Path, command: Command) -> None:
    run = tmp_path / "run"
    train(command, table, run)
    given = ["day sun rain", "day", "day snow"]
    answers = dict(zip(given, bptt.load(run).predict(given), strict=True))
    assert {text: answer.label for text, answer in answers.items()} == {
        "day sun rain": "warm;wet",
        "day": "",
        "day snow": "cold",
    }
    assert [answers[text].labels for text in given] == [("warm", "wet"), (), ("cold",)]
    ended = command("predict", run, "day sun rain", "--probabilities")
    head, row = ended.out.splitlines()[-2:]
    assert head.split("\t") == ["cold", "loud", "warm", "wet"]
    # Each by itself: together they are not one.
    found = dict(zip(head.split("\t"), map(float, row.split("\t")), strict=True))
    assert found["warm"] > 0.5 < found["wet"]
    product = found["warm"] * found["wet"] * (1 - found["cold"]) * (1 - found["loud"])
    assert isclose(answers["day sun rain"].probability, product, abs_tol=1e-5)


def test_lists_in_json_are_labels(table: Path, tmp_path: Path, command: Command) -> None:
    objects = (json.dumps({"text": text, "label": labels}) for text, labels in weather())
    (tmp_path / "weather.jsonl").write_text("\n".join(objects), encoding="utf-8")
    train(command, tmp_path / "weather.jsonl", tmp_path / "json")
    train(command, table, tmp_path / "tsv")
    given = "day wind", "day snow rain"
    assert [a.probabilities for a in bptt.load(tmp_path / "json").predict(given)] == [
        a.probabilities for a in bptt.load(tmp_path / "tsv").predict(given)
    ]


def test_metrics_of_sklearn(table: Path, tmp_path: Path, command: Command) -> None:
    run = tmp_path / "run"
    train(command, table, run, "--epochs", "3")
    ended = command("evaluate", run, table)
    lines = (line.split("\t") for line in ended.out.split("\n\n")[0].splitlines())
    metrics = {name: float(value) for name, value in lines}
    labels = sorted(WORDS.values())
    truth = np.array([[label in found for label in labels] for _, found in weather()])
    answers = bptt.load(run).predict([text for text, _ in weather()])
    p = np.array([answer.probabilities for answer in answers])
    found = p >= 0.5
    sets = MultiLabelBinarizer(classes=labels).fit_transform([answer.labels for answer in answers])
    np.testing.assert_array_equal(sets, found)
    for average in ("micro", "macro"):
        wanted = f1_score(truth, found, average=average, zero_division=0)
        assert isclose(metrics[f"{average}_f1"], wanted, rel_tol=1e-6)
    assert isclose(metrics["label_accuracy"], 1 - hamming_loss(truth, found), rel_tol=1e-6)
    assert isclose(metrics["accuracy"], (truth == found).all(1).mean(), rel_tol=1e-6)
    logistic = sum(log_loss(truth[:, k], p[:, k]) for k in range(len(labels)))
    assert isclose(metrics["loss"], logistic, rel_tol=1e-5)


def test_the_loss_is_summed_over_labels_and_confident_errors_are_finite() -> None:
    rule = SeveralLabels(";")
    logits, targets = torch.tensor([[2.0, -1.0]]), torch.tensor([[1.0, 1.0]])
    wanted = -torch.sigmoid(logits).log().sum()
    torch.testing.assert_close(rule.loss(logits, targets, 0.0)[0], wanted)
    sure = rule.log_probabilities(torch.tensor([[80.0, -80.0]]))
    found = scores_of_sets(sure, torch.tensor([[0.0, 1.0]]), ("a", "b"))
    assert isclose(found.metrics["loss"], 160, rel_tol=1e-6)


@pytest.mark.parametrize(
    ("target", "labels"), [("a;b", ["a", "b"]), (" a ; a;", ["a"]), ("", []), ("a\nb", ["a", "b"])]
)
def test_how_labels_are_separated(target: str, labels: list[str]) -> None:
    assert SeveralLabels(";").split(target) == labels


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (("--loss", "squared"), "--loss: is for one label of several"),
        (("--ngrams",), "--ngrams: is for one label of several"),
        (("--balance",), "--balance: is for one label of several"),
        (("--folds", "3"), "--folds: is for one label of several"),
        (("--label-separator", " "), "--label-separator: is one character or more"),
    ],
)
def test_what_does_not_go_together(
    given: tuple[str, ...], message: str, table: Path, tmp_path: Path, command: Command
) -> None:
    ended = command("train", "classify", table, "-o", tmp_path / "run", "--multi-label", *given)
    assert ended.code == 2
    assert message in ended.err


def test_another_separator_and_an_unknown_label(table: Path, tmp_path: Path, command: Command) -> None:
    text = table.read_text(encoding="utf-8").replace(";", " | ")
    table.write_text(text, encoding="utf-8")
    train(command, table, tmp_path / "run", "--label-separator", "|", "--epochs", "1")
    assert bptt.load(tmp_path / "run").labels == ("cold", "loud", "warm", "wet")
    (tmp_path / "other.tsv").write_text("text\tlabel\nday sun\twarm|windy\n", encoding="utf-8")
    ended = command("evaluate", tmp_path / "run", tmp_path / "other.tsv")
    assert ended.code == 2
    assert "other.tsv:2: a label is one of those learned" in ended.err
    assert "'windy'" in ended.err


def test_it_is_looked_into(table: Path, tmp_path: Path, command: Command) -> None:
    run = tmp_path / "run"
    train(command, table, run, "--epochs", "1")
    ended = command("inspect", run, "--data", table, "-o", tmp_path / "page.html")
    assert ended.code == 0, ended.err
    assert (tmp_path / "page.html").exists()


def test_labels_that_nothing_separates_are_said(tmp_path: Path, command: Command) -> None:
    """A comma is no separator unless it is named: `fun,long` is one label, and the user hears of it."""
    data = tmp_path / "films.tsv"
    rows = (f"a film{n}\t{('fun,long', 'long', 'fun')[n % 3]}\n" for n in range(24))
    data.write_text("text\tlabel\n" + "".join(rows), encoding="utf-8")
    options = "--multi-label", "--epochs", "1", "--hidden", "4"
    ended = command("train", "classify", data, "-o", tmp_path / "one", *options)
    said = "labels: no example has two, with ';' between them (--label-separator says otherwise)"
    assert ended.code == 0 and said in ended.err.splitlines()
    ended = command("train", "classify", data, "-o", tmp_path / "two", *options, "--label-separator", ",")
    assert ended.code == 0 and "labels: no example" not in ended.err
