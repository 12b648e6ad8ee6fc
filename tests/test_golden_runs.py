"""Run folders that earlier versions wrote load, and answer as they did then.

`tests/golden/runs/answers.json` holds what version 0.1.0 answered; `answers-lists.json` what was answered at
revision 4016fd7, which kept words and labels as lists in JSON, n-grams and windows. Each was written there
by `python tests/test_golden_runs.py FILE RUN...`, and is never written again. In `tests/golden/comparisons`
are folders that `bptt compare` wrote at that revision, and beside each what it printed.
"""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import Command

from bptt.jobs.classify.task import TrainedClassifier
from bptt.jobs.language.model import Trained
from bptt.jobs.loading import load
from bptt.jobs.tag.task import TrainedTagger
from bptt.jobs.translate.translator import TrainedTranslator
from bptt.training.checkpoint import restore
from bptt.training.optimiser import build_optimiser
from bptt.training.options import TrainingOptions

RUNS = Path(__file__).parent / "golden" / "runs"
ANSWERS = {
    name: answers
    for file in sorted(RUNS.glob("answers*.json"))
    for name, answers in json.loads(file.read_text(encoding="utf-8")).items()
}
COMPARISONS = RUNS.parent / "comparisons"
NAMES = sorted(path.name for path in RUNS.iterdir() if path.is_dir())
LINES = (
    "the cat saw a dog",
    "Ada's dog, the 3 birds & we\nsleep  at 7!",
    "北京 很 大。猫看见狗",
    "déjà vu 🦜 zzz",
)


def read_answers(run: Path) -> list[Any]:
    """What the model of a run says to fixed questions, as plain data."""
    trained = load(run)
    if isinstance(trained, Trained):
        return [_language(trained, line) for line in LINES]
    if isinstance(trained, TrainedClassifier):
        found = trained.predict(_inputs(run.name))
        return [[each.label, list(each.probabilities)] for each in found]
    if isinstance(trained, TrainedTagger):
        taggings = trained.predict(
            [tuple(line.split()) for line in (*LINES, "Bob went to 北京 . she saw New York")]
        )
        return [[list(each.tags), list(each.probabilities)] for each in taggings]
    assert isinstance(trained, TrainedTranslator)
    texts = trained.predict(["a b 中 d", "d d a", "x"])
    return [[each.text, each.log_probability] for each in texts]


def _language(trained: Trained, line: str) -> list[Any]:
    """The tokens of a text, the text of its tokens, and ln P of each token after those before it."""
    tokens = trained.vocabulary.encode(line).long()
    with torch.no_grad():
        logits, _ = trained.model(tokens[:-1, None])
    known = logits[:, 0].log_softmax(-1).gather(1, tokens[1:, None])[:, 0]
    return [tokens.tolist(), trained.vocabulary.decode(tokens.tolist()), known.tolist()]


def _inputs(name: str) -> list[Any]:
    """Four texts, two sequences of DNA, two windows of it, two series (T, 2), two rows of a table (2,)."""
    if name == "classify-windows":
        return ["GATTTATAA", "ACGTNACGT"]
    if name == "classify-dna":
        return ["GATTTATAATGCA", "ACGTNACGTN"]
    if name == "classify-series":
        up = torch.linspace(0, 4, 10).view(5, 2)
        return [up.numpy(), (-up[:3]).numpy()]
    if name == "classify-table":
        return [torch.tensor([0.2, 0.9]).numpy(), torch.tensor([0.7, 0.1]).numpy()]
    return list(LINES)


@pytest.mark.parametrize("name", NAMES)
def test_a_run_of_an_earlier_version_answers_as_it_did(name: str) -> None:
    _compare(read_answers(RUNS / name), ANSWERS[name])


@pytest.mark.parametrize(("what", "cells"), [("adding", ["rnn"]), ("copy", ["gru", "--remedies", "clip"])])
def test_a_comparison_of_an_earlier_version_goes_on(
    what: str, cells: list[str], command: Command, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is left to train: it reads the data, the options and the records that are there."""
    shutil.copytree(COMPARISONS / what, tmp_path / what)
    monkeypatch.chdir(tmp_path)
    sizes = "--lag 4 --hidden 4 --examples 60 --epochs 1 --batch-size 20 --threads 1".split()
    ended = command("compare", what, "-o", what, *sizes, "--cells", *cells)
    assert ended.code == 0, ended.err
    assert "held-out" not in ended.err
    assert ended.out == (COMPARISONS / f"{what}.txt").read_text(encoding="utf-8")


def test_a_checkpoint_of_the_first_version_is_gone_on_from() -> None:
    run = RUNS / "classify-table"
    trained = load(run)
    assert isinstance(trained, TrainedClassifier)
    optimiser = build_optimiser(list(trained.model.parameters()), TrainingOptions())
    state, _ = restore(run, trained.model, optimiser)
    assert (state.epoch, state.step, state.records) == (6, 12, (run / "metrics.jsonl").stat().st_size)


def _compare(found: Any, wanted: Any) -> None:
    """Equal, and numbers but for the rounding of float32 in another order."""
    if isinstance(wanted, float):
        assert found == pytest.approx(wanted, rel=1e-4, abs=1e-5)
    elif isinstance(wanted, list):
        assert len(found) == len(wanted)
        for one, other in zip(found, wanted, strict=True):
            _compare(one, other)
    else:
        assert found == wanted


if __name__ == "__main__":
    whole = {name: read_answers(RUNS / name) for name in sys.argv[2:]}
    Path(sys.argv[1]).write_text(json.dumps(whole, ensure_ascii=False, indent=1) + "\n", encoding="utf-8")
