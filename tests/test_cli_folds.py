"""`bptt train classify --folds`, `--windows`, `--select` and `--balance`, as a user meets them."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import Command

from bptt.jobs.classify.metrics import scores_of_folds
from bptt.jobs.classify.task import load_classifier
from bptt.runs.run_folder import read_config

SMALL = "--hidden 4 --epochs 1 --threads 1".split()


@pytest.fixture
def genes(tmp_path: Path) -> Path:
    draw = np.random.default_rng(0)
    letters = ["".join(draw.choice(list("acgt"), 12)) for _ in range(24)]
    lines = [f"{'+' if each[3] == 'c' else '-'},S{n},{each}" for n, each in enumerate(letters)]
    path = tmp_path / "genes.data"
    path.write_text("\n".join(lines) + "\n")
    return path


@pytest.mark.parametrize("more", [(), ("--windows",)])
def test_every_example_is_answered_by_a_model_that_has_not_seen_it(
    command: Command, genes: Path, tmp_path: Path, more: tuple[str, ...]
) -> None:
    run = tmp_path / "run"
    ended = command("train", "classify", genes, "-o", run, "--folds", 3, *SMALL, *more)
    assert ended.code == 0
    printed = dict(line.split("\t")[:2] for line in ended.out.splitlines() if "\t" in line)
    assert printed["examples"] == "24"
    assert sorted(path.name for path in run.iterdir()) == ["fold-1", "fold-2", "fold-3"]
    assert load_classifier(run / "fold-2").predict(["ACGTACGTACGT"])
    # The fold has chosen nothing: it was looked at once, after the last update.
    assert (run / "fold-1" / "metrics.jsonl").read_text().count("held-out") == 1
    again = command("train", "classify", genes, "-o", run, "--folds", 3, *SMALL, *more, "--resume")
    assert again.code == 0 and again.out == ended.out


def test_folds_hold_out_by_themselves(command: Command, genes: Path, tmp_path: Path) -> None:
    arguments = ("train", "classify", genes, "-o", tmp_path / "run", *SMALL)
    both = command(*arguments, "--folds", 3, "--dev", genes)
    assert both.code == 2 and "--folds" in both.err and "--dev" in both.err
    many = command(*arguments, "--folds", 99)
    assert many.code == 2 and "the different inputs" in many.err and "Traceback" not in many.err


def test_what_chooses_the_epoch_is_said_and_kept(command: Command, genes: Path, tmp_path: Path) -> None:
    arguments = ("train", "classify", genes, *SMALL)
    usual = command(*arguments, "-o", tmp_path / "usual")
    assert "best held-out accuracy" in usual.out and "logistic regression on" in usual.err
    balanced = command(*arguments, "-o", tmp_path / "balanced", "--balance", "--no-ngrams")
    assert "best held-out macro_f1" in balanced.out and "logistic regression" not in balanced.err
    chosen = command(*arguments, "-o", tmp_path / "loss", "--select", "loss")
    assert "best held-out loss" in chosen.out
    head = read_config(tmp_path / "balanced")["head"]
    assert head["balance"] and head["select"] == "f1" and "ngrams" not in head


def test_ngrams_of_numbers_are_refused(command: Command, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text("x,y,label\n" + "".join(f"{n},{-n},{'ab'[n % 2]}\n" for n in range(20)))
    ended = command("train", "classify", path, "-o", tmp_path / "run", "--ngrams", *SMALL)
    assert ended.code == 2 and "--ngrams" in ended.err and "Traceback" not in ended.err


def test_scores_of_folds_that_learned_different_labels() -> None:
    one = (("a", "b"), torch.tensor([[0.9, 0.1], [0.2, 0.8]]).log(), ("a", "c"))
    other = (("b", "c"), torch.tensor([[0.3, 0.7]]).log(), ("c",))
    found = scores_of_folds([one, other])
    assert found.labels == ("a", "b", "c")
    assert found.confusion == ((1, 0, 0), (0, 0, 0), (0, 1, 1))
    assert found.metrics["accuracy"] == pytest.approx(2 / 3)


def test_a_window_of_another_length_is_named_by_its_line(
    command: Command, genes: Path, tmp_path: Path
) -> None:
    lines = genes.read_text().splitlines()
    wrong = tmp_path / "wrong.data"
    wrong.write_text("\n".join([*lines[:5], lines[5] + "ACG", *lines[6:]]) + "\n")
    named, arguments = f"{wrong}:6: a window has ", ("-o", tmp_path / "run", *SMALL, "--windows")
    for files in ((wrong,), (genes, "--dev", wrong)):
        learned = command("train", "classify", *files, *arguments)
        assert learned.code == 2 and named in learned.err, learned
        assert "step" not in learned.out + learned.err, "refused before anything is learned"
    assert command("train", "classify", genes, *arguments).code == 0
    for verb in ("predict", "evaluate"):
        asked = command(verb, tmp_path / "run", wrong)
        assert asked.code == 2 and named in asked.err, asked
