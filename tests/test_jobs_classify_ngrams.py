"""A classifier with n-grams beside its network: its answers, its run folder, and what it is worth."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from tiny_task import Quiet, goes_on_exactly

from bptt.cells.catalogue import get
from bptt.data.examples import Example, Examples, gather
from bptt.data.nucleotides import reverse_complement
from bptt.data.vocabulary_options import VocabularyOptions
from bptt.errors import InputError
from bptt.estimators.sequence_classifier import SequenceClassifier
from bptt.jobs.classify.config import ClassifierConfig, in_windows
from bptt.jobs.classify.exposure import expose
from bptt.jobs.classify.options import HeadOptions, SourceOptions
from bptt.jobs.classify.task import ClassifyTask, load_classifier
from bptt.jobs.options import ExampleOptions
from bptt.models.ngrams import BagEncoder
from bptt.models.options import EncoderOptions, TokenOptions
from bptt.runs.run_folder import WEIGHTS
from bptt.runs.weights import read_weights
from bptt.training.loop import train
from bptt.training.options import TrainingOptions, usual_epochs

OPTIONS = TrainingOptions(epochs=2, learning_rate=0.01)


def reviews(count: int = 60) -> Examples[str, str]:
    """Words have an opinion each, weak for most; a label is what a text says in all."""
    draw = np.random.default_rng(0)
    words = [f"{a}{b}{c}" for a in "bdklm" for b in "aeio" for c in "nrst"]
    opinions = dict(zip(words, draw.normal(size=len(words)), strict=True))
    rows = []
    for n in range(count):
        drawn = draw.choice(words, 5 + n % 4)
        label = "good" if sum(opinions[word] for word in drawn) > 0 else "bad"
        rows.append(Example(" ".join(drawn), label, f"r.tsv:{n + 1}"))
    return gather("r.tsv", rows)


def genes() -> Examples[str, str]:
    """Windows of one length; C at the fourth place makes a gene."""
    draw = np.random.default_rng(1)
    letters = ["".join(draw.choice(list("ACGT"), 9)) for _ in range(80)]
    rows = [Example(each, "gene" if each[3] == "C" else "none", "g.fa:1") for each in letters]
    return gather("g.fa", rows)


def config(form: str = "columns", **head: object) -> ClassifierConfig:
    return ClassifierConfig(
        get("gru"),
        SourceOptions(form),
        EncoderOptions(8, dropout=0.5, input_dropout=0.3),
        HeadOptions(**{"ngrams": True, "smoothing": 0.1, "select": "accuracy", **head}),
        TokenOptions(6),
        VocabularyOptions("word"),
        ExampleOptions(16),
    )


def test_the_answer_is_that_of_both_parts() -> None:
    task = ClassifyTask(reviews(), None, config())
    trained = task.trained
    (found,) = trained.predict(["ban dan ker"])
    model = task.model.eval()
    numbers = task._codec.encode("ban dan ker")[0]
    read = model.body.encoder.read((numbers[:, None],), torch.tensor([3])).output.amax(0)
    (ours,) = model.output(read).detach()
    bag = BagEncoder(task._ngrams)("ban dan ker")
    linear = model.ngrams.bias + (bag[1][:, None] * model.ngrams.weight[bag[0]]).sum(0)
    assert len(task._inputs.lengths) == 54
    wanted = (linear + ours * 0.5 * 54 / 554).softmax(0)
    np.testing.assert_allclose(found.probabilities, wanted.numpy(), rtol=1e-5)


@pytest.mark.parametrize("form", ["columns", "fasta"])
def test_a_run_folder_answers_the_same_and_goes_on_exactly(form: str, tmp_path: Path) -> None:
    examples = {"columns": reviews, "fasta": genes}[form]()
    task = ClassifyTask(examples, None, config(form))
    train(task, OPTIONS, tmp_path / "first", Quiet())
    read_weights(task.model, tmp_path / "first" / WEIGHTS)
    again, inputs = load_classifier(tmp_path / "first"), examples.inputs[:9]
    assert torch.equal(again.log_probabilities(inputs), task.trained.log_probabilities(inputs))

    def make() -> ClassifyTask:
        torch.manual_seed(3)
        return ClassifyTask(examples, None, config(form))

    assert goes_on_exactly(make, replace(OPTIONS, schedule="constant"), tmp_path)
    (tmp_path / "first" / "ngrams.json").unlink()
    with pytest.raises(InputError, match=r"ngrams\.json"):
        load_classifier(tmp_path / "first")


def test_training_leaves_the_linear_part_as_it_was_fitted(tmp_path: Path) -> None:
    task = ClassifyTask(reviews(), None, config())
    before = task.model.ngrams.weight.clone()
    assert before.abs().max() > 0.1
    train(task, OPTIONS, tmp_path / "run", Quiet())
    assert torch.equal(task.model.ngrams.weight, before)
    assert "ngrams.weight" not in dict(task.model.named_parameters())


def test_a_probe_sees_the_loss_of_the_whole_answer() -> None:
    trained = ClassifyTask(reviews(), None, config()).trained
    (found,) = trained.predict(["ban dan ker"])
    trained.model.eval()
    exposure = expose(trained, Example("ban dan ker", "good", "t:1"), 100)
    exact = -math.log(found.probabilities[trained.labels.index("good")])
    assert exposure.losses([0, 0]).tolist() == pytest.approx([exact, exact], rel=1e-5)


def test_of_a_text_that_is_cut_the_rest_says_nothing() -> None:
    short = replace(config(), data=ExampleOptions(16, max_length=2))
    trained = ClassifyTask(reviews(), None, short).trained
    one, other = trained.predict(["ban dan", "ban dan ker mot"])
    assert one == other


def test_both_strands_have_ngrams() -> None:
    both = config("fasta")
    both = replace(both, source=replace(both.source, both_strands=True))
    trained = ClassifyTask(genes(), None, both).trained
    one, other = trained.predict(["ACGCTTAGC", reverse_complement("ACGCTTAGC")])
    assert one.probabilities == pytest.approx(other.probabilities, rel=1e-5)


def test_numbers_have_none() -> None:
    with pytest.raises(InputError, match="ngrams: are of texts and DNA"):
        config("ts")


def test_balance_weighs_each_label_alike() -> None:
    examples = genes()
    task = ClassifyTask(examples, None, config("fasta", balance=True))
    weights = task._importance
    totals = [float(weights[task._targets == k].sum()) for k in range(2)]
    assert totals[0] == pytest.approx(totals[1]) and float(weights.mean()) == pytest.approx(1)
    rows = list(range(12))
    task.model.eval()
    with torch.no_grad():
        loss, _ = task.loss(rows)
        each = [task.loss([row])[0] for row in rows]
    # Of one row the weight is a factor.
    assert float(loss) == pytest.approx(float(torch.stack(each).mean()), rel=1e-5)
    unweighted = ClassifyTask(examples, None, config("fasta"))
    unweighted.model.load_state_dict(task.model.state_dict())
    unweighted.model.eval()
    with torch.no_grad():
        plain = [unweighted.loss([row])[0] for row in rows]
    np.testing.assert_allclose(torch.stack(each), torch.stack(plain) * weights[:12], rtol=1e-5)


@pytest.mark.parametrize(("select", "criterion"), [("loss", "loss"), ("f1", "macro_f1")])
def test_a_metric_chooses_the_epoch(select: str, criterion: str, tmp_path: Path) -> None:
    task = ClassifyTask(reviews(), None, config(select=select))
    assert task.criterion == criterion
    assert train(task, OPTIONS, tmp_path / "run", Quiet()).criterion == criterion


def test_labels_are_smoothed_in_training_alone() -> None:
    model = ClassifyTask(reviews(), None, config()).model
    logits, targets = torch.tensor([[2.0, -1.0]]), torch.tensor([0])
    p = logits.softmax(1)[0]
    sharp = -math.log(p[0])
    assert float(model.train().loss(logits, targets)) == pytest.approx(
        0.9 * sharp + 0.1 * (sharp - math.log(p[1])) / 2, rel=1e-5
    )
    assert float(model.eval().loss(logits, targets)) == pytest.approx(sharp, rel=1e-5)


def test_windows_are_read_at_once(tmp_path: Path) -> None:
    examples = genes()
    windows = in_windows(config("fasta"), 9)
    task = ClassifyTask(examples, None, windows)
    train(task, replace(OPTIONS, epochs=20), tmp_path / "run", Quiet())
    trained = load_classifier(tmp_path / "run")
    assert trained.model.body.part.output_size == 36
    assert trained.evaluate(examples).metrics["accuracy"] > 0.95
    with pytest.raises(InputError, match="a window has 9 letters"):
        trained.predict(["ACGT"])
    with pytest.raises(InputError, match="windows: is for DNA"):
        in_windows(config(), 9)


@pytest.mark.parametrize(("updates", "epochs"), [(1, 300), (9, 34), (30, 10), (2000, 10)])
def test_few_examples_are_read_more_often(updates: int, epochs: int) -> None:
    assert usual_epochs(updates) == epochs


def test_usual_options_are_no_worse_than_a_linear_model() -> None:
    examples = reviews(900)
    texts, labels = np.array(examples.inputs, dtype=object), np.array(examples.targets)
    linear = make_pipeline(TfidfVectorizer(ngram_range=(1, 2)), LogisticRegression())
    theirs = linear.fit(texts[:400], labels[:400]).score(texts[400:], labels[400:])
    ours = SequenceClassifier(hidden_size=8, embedding_size=8, random_state=0)
    found = ours.fit(list(texts[:400]), labels[:400]).score(list(texts[400:]), labels[400:])
    assert theirs > 0.75
    assert found >= theirs
