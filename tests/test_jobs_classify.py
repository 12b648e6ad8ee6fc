"""Classifiers of every kind of input: what they learn, what they keep, and what they refuse."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from tiny_task import Quiet, goes_on_exactly

from bptt.cells.catalogue import get
from bptt.data.examples import Example, Examples, gather
from bptt.data.nucleotides import reverse_complement
from bptt.errors import InputError
from bptt.jobs.classify.config import ClassifierConfig
from bptt.jobs.classify.metrics import scores
from bptt.jobs.classify.network import OneLabel
from bptt.jobs.classify.options import HeadOptions, SourceOptions
from bptt.jobs.classify.task import ClassifyTask, TrainedClassifier, load_classifier
from bptt.jobs.options import ExampleOptions
from bptt.models.options import EncoderOptions, TokenOptions
from bptt.runs.run_folder import WEIGHTS
from bptt.runs.weights import write_weights
from bptt.training.loop import train
from bptt.training.options import TrainingOptions


def texts() -> Examples[str, str]:
    """The label is in one word, anywhere in the text."""
    draw = np.random.default_rng(0)
    words = "a the film 电影 was plot and".split()
    rows = []
    for n in range(60):
        label = ("good", "bad")[n % 2]
        drawn = [*draw.choice(words, 1 + n % 9), {"good": "fine", "bad": "dull"}[label]]
        rows.append(Example(" ".join(draw.permutation(drawn)), label, f"texts.tsv:{n + 1}"))
    return gather("texts.tsv", rows)


def sequences() -> Examples[str, str]:
    """Genes have many A in a row, on either strand."""
    draw = np.random.default_rng(0)
    rows = []
    for n in range(60):
        letters = "".join(draw.choice(list("ACGTN"), 12 + n % 5))
        planted = letters[:5] + "AAAAAAA" + letters[5:]
        gene = planted if n % 4 else reverse_complement(planted)
        label, sequence = ("gene", gene) if n % 2 else ("none", letters)
        rows.append(Example(sequence, label, f"dna.fa:{n + 1}"))
    return gather("dna.fa", rows)


def series() -> Examples[np.ndarray, str]:
    """Up or down, with a number missing now and then; the second dimension says nothing."""
    draw = np.random.default_rng(0)
    rows = []
    for n in range(60):
        label, steps = ("up", "down")[n % 2], 4 + n % 7
        values = np.stack([np.arange(steps) * (1 if n % 2 == 0 else -1), draw.normal(size=steps)], 1)
        values[0, 1] = np.nan if n % 5 == 0 else values[0, 1]
        rows.append(Example(values.astype(np.float32), label, f"s.ts:{n + 1}"))
    return gather("s.ts", rows, ("x", "y"))


def table() -> Examples[np.ndarray, str]:
    """Exclusive or of two signs: no linear layer tells these apart."""
    draw = np.random.default_rng(0)
    values = draw.normal(size=(120, 2)).astype(np.float32)
    values += np.sign(values)
    rows = [Example(v, "same" if v[0] * v[1] > 0 else "other", f"t.csv:{n}") for n, v in enumerate(values)]
    return gather("t.csv", rows, ("x", "y"))


FORMS = {"columns": texts, "fasta": sequences, "ts": series, "table": table}


def config(form: str) -> ClassifierConfig:
    return ClassifierConfig(
        get("gru"),
        SourceOptions(form, both_strands=form == "fasta"),
        EncoderOptions(hidden_size=12, feed_forward=(9,), dropout=0.1),
        HeadOptions("attention" if form == "ts" else "max"),
        TokenOptions(8),
        data=ExampleOptions(batch_size=8, held_out=0.2),
    )


def task(form: str) -> ClassifyTask:
    torch.manual_seed(0)
    return ClassifyTask(FORMS[form](), None, config(form))


OPTIONS = TrainingOptions(epochs=12, learning_rate=0.02, seed=3)


@pytest.mark.parametrize("form", FORMS)
def test_what_decides_is_learned_and_kept(form: str, tmp_path: Path) -> None:
    first = task(form)
    train(first, OPTIONS, tmp_path / "run", Quiet())
    trained = load_classifier(tmp_path / "run")
    examples = FORMS[form]()
    assert trained.evaluate(examples).metrics["accuracy"] > 0.9
    assert trained.labels == tuple(sorted(set(examples.targets)))
    assert [found.label for found in trained.predict(examples.inputs)].count(trained.labels[0]) > 20


def untrained(form: str, folder: Path) -> TrainedClassifier:
    one = task(form)
    one.save(folder)
    write_weights(one.model, folder / WEIGHTS)
    return load_classifier(folder)


@pytest.mark.parametrize("form", FORMS)
def test_an_answer_does_not_depend_on_the_others_in_the_batch(form: str, tmp_path: Path) -> None:
    trained = untrained(form, tmp_path)
    inputs = FORMS[form]().inputs
    if form == "columns":
        inputs = (*inputs, "", "fine")
    together = trained.log_probabilities(inputs)
    alone = torch.cat([trained.log_probabilities([each]) for each in inputs])
    # Some dozens of terms, each rounded once, of magnitude 1.
    torch.testing.assert_close(together, alone, rtol=0, atol=1e-5)


@pytest.mark.parametrize("form", FORMS)
def test_a_run_goes_on_exactly(form: str, tmp_path: Path) -> None:
    options = replace(OPTIONS, epochs=3, schedule="constant")
    assert goes_on_exactly(lambda: task(form), options, tmp_path)


def test_dna_is_read_on_both_strands(tmp_path: Path) -> None:
    trained = untrained("fasta", tmp_path)
    inputs = sequences().inputs
    other = [reverse_complement(each) for each in inputs]
    torch.testing.assert_close(
        trained.log_probabilities(inputs), trained.log_probabilities(other), rtol=0, atol=1e-6
    )


def test_a_missing_number_counts_as_the_mean(tmp_path: Path) -> None:
    trained = untrained("table", tmp_path)
    mean = torch.cat([torch.from_numpy(v)[None] for v in task("table")._learned.inputs]).mean(0)
    missing, filled = np.float32([0.5, np.nan]), np.float32([0.5, mean[1]])
    found = trained.log_probabilities([missing, filled])
    torch.testing.assert_close(found[0], found[1], rtol=0, atol=1e-6)


def test_squared_error_is_that_of_the_probabilities() -> None:
    model = task("table").model
    model.labelling = OneLabel(squared=True)
    logits = torch.tensor([[2.0, -1.0], [0.0, 0.5]])
    p = logits.softmax(1)
    wanted = ((p[0, 0] - 1) ** 2 + p[0, 1] ** 2 + p[1, 0] ** 2 + (p[1, 1] - 1) ** 2) / 4
    torch.testing.assert_close(model.loss(logits, torch.tensor([0, 1])), wanted)


def test_scores_by_hand() -> None:
    """Three labels, of which one never occurs and is never found."""
    p = torch.tensor([[0.7, 0.3, 0.0], [0.6, 0.4, 0.0], [0.2, 0.8, 0.0], [0.9, 0.1, 0.0]]).clamp(min=1e-30)
    found = scores(p.log(), torch.tensor([0, 1, 1, 0]), ("a", "b", "c"))
    assert found.confusion == ((2, 0, 0), (1, 1, 0), (0, 0, 0))
    assert found.metrics["accuracy"] == 0.75
    # F1 of a: 4 / 5; of b: 2 / 3.
    assert found.metrics["macro_f1"] == pytest.approx((4 / 5 + 2 / 3) / 2)
    assert found.metrics["loss"] == pytest.approx(-(p[0, 0] * p[1, 1] * p[2, 1] * p[3, 0]).log().item() / 4)
    # 0.7, 0.6 (wrong), 0.8 and 0.9 are in four bins.
    assert found.metrics["calibration_error"] == pytest.approx((0.3 + 0.6 + 0.2 + 0.1) / 4)


def test_what_cannot_be_learned_is_said() -> None:
    rows = [Example(f"text {n}", "only", f"x.tsv:{n}") for n in range(5)]
    with pytest.raises(InputError, match="need at least two distinct labels"):
        ClassifyTask(gather("x.tsv", rows), None, config("columns"))
    with pytest.raises(InputError, match="is for DNA"):
        SourceOptions("columns", both_strands=True)
    with pytest.raises(InputError, match="form"):
        SourceOptions("films")


def test_a_label_that_was_never_learned_has_its_place(tmp_path: Path) -> None:
    trained = untrained("columns", tmp_path)
    strange = gather("y.tsv", [Example("a film", "so-so", "y.tsv:17")])
    with pytest.raises(
        InputError, match=r"y.tsv:17: a label is one of those learned, bad, good, got 'so-so'"
    ):
        trained.evaluate(strange)


def test_steps_behind_the_longest_length_are_not_read(tmp_path: Path) -> None:
    one = config("columns")
    torch.manual_seed(0)
    short = ClassifyTask(texts(), None, replace(one, data=replace(one.data, max_length=3)))
    short.save(tmp_path)
    write_weights(short.model, tmp_path / WEIGHTS)
    trained = load_classifier(tmp_path)
    found = trained.log_probabilities(["a the film was dull", "a the film fine and so on"])
    assert torch.equal(found[0], found[1])


def test_of_more_than_five_labels_the_five_most_probable_are_measured() -> None:
    labels = tuple("abcdef")
    found = torch.arange(6.0).expand(4, 6).log_softmax(1)
    measured = scores(found, torch.tensor([0, 1, 4, 5]), labels).metrics
    assert (measured["top5_accuracy"], measured["accuracy"]) == (0.75, 0.25)
    assert "top5_accuracy" not in scores(found[:, :5], torch.tensor([0, 1, 4, 4]), labels[:5]).metrics
