"""Decision thresholds against brute force, and in a run: chosen, kept, applied, said."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
import torch
from conftest import Command
from sklearn.metrics import f1_score
from test_jobs_classify_ngrams import config
from tiny_task import Quiet, goes_on_exactly
from torch import Tensor

from bptt.data.examples import Example, Examples, gather
from bptt.jobs.classify.exposure import expose
from bptt.jobs.classify.task import ClassifyTask, load_classifier
from bptt.jobs.classify.thresholds import choose_offsets, describe_offsets
from bptt.runs.run_folder import WEIGHTS, read_config
from bptt.runs.weights import write_weights
from bptt.training.loop import train
from bptt.training.options import TrainingOptions

OPTIONS = TrainingOptions(epochs=2, learning_rate=0.01, schedule="constant")


def macro_f1(scores: np.ndarray, targets: np.ndarray, offsets: np.ndarray) -> float:
    """By scikit-learn, over the labels that occur as target or as answer."""
    answers = (scores + offsets.astype(scores.dtype)).argmax(1)
    return float(f1_score(targets, answers, average="macro", zero_division=0))


def moves(scores: np.ndarray, offsets: np.ndarray, k: int) -> list[np.ndarray]:
    """The offsets with that of label k between all values where an answer changes, equal ones but for the
    rounding of float32 taken together.
    """
    summed = scores + offsets
    others = np.delete(summed, k, 1).max(1)
    edges = np.unique(np.round(others - summed[:, k], 4))
    places = [edges[0] - 1, *((edges[1:] + edges[:-1]) / 2), edges[-1] + 1]
    return [offsets + place * (np.arange(scores.shape[1]) == k) for place in places]


def draw(seed: int, classes: int, examples: int, absent: int | None, tied: bool) -> tuple[Tensor, Tensor]:
    """ln P and targets; with ties few different values, so that examples of several labels lie together."""
    numbers = np.random.default_rng(seed)
    raw = numbers.integers(0, 4, (examples, classes)) if tied else numbers.normal(size=(examples, classes))
    shares = np.arange(1, classes + 1) / sum(range(1, classes + 1))
    targets = numbers.choice(classes, examples, p=shares)
    if absent is not None:
        targets[targets == absent] = (absent + 1) % classes
    right = 0.7 * np.eye(classes)[targets] * (not tied)
    return torch.tensor(raw + right).float().log_softmax(1), torch.tensor(targets)


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("seed", range(15))
def test_of_two_labels_the_threshold_is_the_best_of_all(seed: int, tied: bool) -> None:
    log_p, targets = draw(seed, 2, 14, None, tied)
    found = choose_offsets(log_p, targets)
    scores, wanted = log_p.numpy(), targets.numpy()
    best = max(macro_f1(scores, wanted, each) for each in [np.zeros(2), *moves(scores, np.zeros(2), 1)])
    if len(set(wanted)) == 1:
        assert not found.any()
    else:
        assert macro_f1(log_p.numpy(), wanted, found.numpy()) == pytest.approx(best, abs=1e-6)
    assert found[0] == 0 and torch.equal(found, choose_offsets(log_p, targets))


@pytest.mark.parametrize("tied", [False, True])
@pytest.mark.parametrize("absent", [None, 0, 2])
@pytest.mark.parametrize(("seed", "classes"), [(0, 3), (1, 3), (2, 4), (3, 5), (4, 4)])
def test_of_more_labels_no_single_move_is_better(
    seed: int, classes: int, absent: int | None, tied: bool
) -> None:
    log_p, targets = draw(seed, classes, 25, absent, tied)
    offsets = choose_offsets(log_p, targets).double().numpy()
    scores, wanted = log_p.numpy(), targets.numpy()
    here = macro_f1(scores, wanted, offsets)
    assert here >= macro_f1(scores, wanted, np.zeros(classes)) - 1e-6
    for k in set(wanted):
        assert max(macro_f1(scores, wanted, each) for each in moves(scores, offsets, k)) <= here + 1e-6
    if absent is not None:
        assert offsets[absent] == 0


def test_a_threshold_by_hand() -> None:
    p = torch.tensor([0.9, 0.4, 0.3, 0.2, 0.1])
    found = choose_offsets(torch.stack([1 - p, p], 1).log(), torch.tensor([1, 1, 1, 0, 0]))
    # Between the log odds of 0.2 and 0.3: (1.3863 + 0.8473) / 2.
    assert found.tolist() == [0, pytest.approx(1.1168, abs=1e-4)]
    said = "thresholds: 'good' is the answer from a probability of 0.2466 on"
    assert describe_offsets(found, ("bad", "good")) == said


def test_what_is_best_already_stays() -> None:
    p = torch.tensor([[0.9, 0.1], [0.2, 0.8]]).log()
    assert choose_offsets(p, torch.tensor([0, 1])).tolist() == [0, 0]
    assert "none" in describe_offsets(torch.zeros(2), ("bad", "good"))
    # One label alone says nothing about the other.
    assert choose_offsets(p, torch.tensor([1, 1])).tolist() == [0, 0]
    # A probability that was rounded to 0.
    sure = torch.tensor([[1.0, 0.0], [0.6, 0.4], [0.7, 0.3]]).log()
    assert choose_offsets(sure, torch.tensor([0, 1, 1])).isfinite().all()


def rare() -> Examples[str, str]:
    """Of ten texts one is spam, and its words are seldom sure."""
    numbers = np.random.default_rng(0)
    rows = []
    for n in range(120):
        label = "spam" if n % 8 == 0 else "ham"
        words = numbers.choice(["buy", "win"] if label == "spam" and n % 3 else ["see", "you", "win"], 4)
        rows.append(Example(" ".join(words), label, f"m:{n + 1}"))
    return gather("m", rows)


def task(**head: object) -> ClassifyTask:
    torch.manual_seed(0)
    both = {"balance": True, "thresholds": True, "select": "f1"} | head
    return ClassifyTask(rare(), rare(), config(**both))


def test_they_are_kept_with_the_weights_and_answer(tmp_path: Path) -> None:
    made, examples = task(), rare()
    train(made, OPTIONS, tmp_path / "run", Quiet())
    trained = load_classifier(tmp_path / "run")
    log_p, targets = trained.log_probabilities(examples.inputs), trained.targets(examples)
    assert torch.equal(trained.offsets, choose_offsets(log_p, targets)) and trained.offsets.any()
    found = trained.predict(examples.inputs)
    answers = (log_p + trained.offsets).argmax(1)
    assert [each.label for each in found] == [trained.labels[k] for k in answers]
    for each, row in zip(found, log_p.exp().tolist(), strict=True):
        assert list(each.probabilities) == row
        assert each.probability == row[trained.labels.index(each.label)]
    scored = trained.evaluate(examples).metrics
    assert scored["macro_f1"] == pytest.approx(f1_score(targets, answers, average="macro"), abs=1e-6)
    confidence = log_p.exp()[range(len(answers)), answers].double()
    bins = (confidence.numpy() * 15).astype(int).clip(max=14)
    gaps = [abs(((answers == targets).double() - confidence)[bins == b].sum()) for b in set(bins)]
    assert scored["calibration_error"] == pytest.approx(float(sum(gaps)) / len(answers), abs=1e-5)
    lines = made.conclude(tmp_path / "run")
    assert lines[0].startswith("thresholds: 'spam'") and f"with them {scored['macro_f1']:.4f}" in lines[1]
    assert goes_on_exactly(task, OPTIONS, tmp_path / "again")


def test_they_change_no_training_and_no_choice_of_an_epoch(tmp_path: Path) -> None:
    with_them, without = (
        train(task(thresholds=t), OPTIONS, tmp_path / str(t), Quiet()) for t in (True, False)
    )
    assert with_them.best_value == without.best_value and with_them.best_step == without.best_step
    one, other = (load_classifier(tmp_path / str(t)) for t in (True, False))
    assert other.offsets is None and other.notes == ()
    assert "thresholds" not in read_config(tmp_path / "False")["head"]
    assert torch.equal(one.log_probabilities(["win see"]), other.log_probabilities(["win see"]))


def test_what_is_looked_into_has_the_answer_of_predict(tmp_path: Path) -> None:
    made = task()
    made.model.offsets.copy_(torch.tensor([0.0, 9.0]))
    made.save(tmp_path)
    write_weights(made.model, tmp_path / WEIGHTS)
    trained = load_classifier(tmp_path)
    assert expose(trained, Example("see you", None, "t"), 9).targets == ("spam",)
    assert trained.predict(["see you"])[0].label == "spam"


def test_as_a_user_meets_them(command: Command, tmp_path: Path) -> None:
    path, run = tmp_path / "m.tsv", tmp_path / "run"
    path.write_text("text\tlabel\n" + "".join(f"{row.input}\t{row.target}\n" for row in rare().rows))
    small = "--hidden 4 --epochs 1 --threads 1 --balance".split()
    ended = command("train", "classify", path, "-o", run, *small, "--dev", path)
    assert ended.code == 0 and "thresholds: 'spam' is the answer from a probability of" in ended.out
    scored = command("evaluate", run, path)
    assert "thresholds: 'spam'" in scored.err
    printed = dict(line.split("\t")[:2] for line in scored.out.splitlines() if "\t" in line)
    assert f"with them {float(printed['macro_f1']):.3f}" in ended.out
    asked = command("predict", run, "win win buy see", "--json")
    assert "thresholds: 'spam'" in asked.err
    answer = json.loads(asked.out)
    (label, probability, *_) = command("predict", run, "win win buy see").out.split("\t")
    assert label == answer["label"]
    assert float(probability) == pytest.approx(answer["probabilities"][label], abs=1e-6)
    nothing = command("train", "classify", path, "-o", tmp_path / "all", *small, "--held-out", 0)
    assert "thresholds: none, as nothing is held out" in nothing.err
    assert load_classifier(tmp_path / "all").offsets.tolist() == [0, 0]
    folds = command("train", "classify", path, "-o", tmp_path / "folds", *small, "--folds", 2)
    assert folds.code == 0 and "thresholds" not in read_config(tmp_path / "folds" / "fold-1")["head"]
