"""Regression as a job: what it learns, its metrics beside scikit-learn, its run folder, what it refuses."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from sklearn import metrics as sk

from bptt.cells import get
from bptt.data.examples import Example, Examples
from bptt.data.readers.document import Document
from bptt.data.readers.forms import Kind
from bptt.errors import InputError
from bptt.jobs.options import ExampleOptions
from bptt.jobs.regress.config import RegressorConfig, usual_pooling
from bptt.jobs.regress.metrics import scores
from bptt.jobs.regress.options import MeasuredOptions, RegressionOptions
from bptt.jobs.regress.task import RegressTask, TrainedRegressor, load_regressor
from bptt.models.heads.number_options import NumberOptions
from bptt.models.heads.number_output import NumberOutput
from bptt.models.options import EncoderOptions, TokenOptions
from bptt.runs.origin import Origin
from bptt.training.loop import train
from bptt.training.options import TrainingOptions
from bptt.training.report import Silent

FORMS: dict[Kind, str] = {"text": "columns", "dna": "fasta", "series": "ts", "table": "table"}


def config(kind: Kind = "series", **head: Any) -> RegressorConfig:
    return RegressorConfig(
        get("gru"),
        MeasuredOptions(FORMS[kind]),
        EncoderOptions(12, feed_forward=(16,) if kind == "table" else ()),
        RegressionOptions(**{"pooling": usual_pooling(kind), **head}),
        TokenOptions(8),
        data=ExampleOptions(16, 0.25),
    )


def examples(inputs: list[Any], targets: list[Any], columns: tuple[str, ...] = ()) -> Examples[Any, Any]:
    rows = [
        Example(x, np.atleast_1d(np.array(y, np.float64)), f"x:{n}")
        for n, (x, y) in enumerate(zip(inputs, targets, strict=True), 1)
    ]
    width = rows[0].target.shape[-1] if rows[0].target is not None else 1
    return Examples(tuple(rows), columns, found=("", *(f"y{k}" for k in range(width))))


def lengths(count: int = 120) -> Examples[Any, Any]:
    """Series of noise, as utterances are: the target is how long each is."""
    draw = np.random.default_rng(0)
    inputs = [draw.normal(size=(3 + n % 9, 2)).astype(np.float32) for n in range(count)]
    return examples(inputs, [len(each) for each in inputs], ("a", "b"))


def learn(
    found: Examples[Any, Any], chosen: RegressorConfig, run: Path, epochs: int = 30
) -> tuple[RegressTask, TrainedRegressor]:
    torch.manual_seed(0)
    task = RegressTask(found, None, chosen)
    train(task, TrainingOptions(epochs=epochs, learning_rate=0.02), run, Silent())
    return task, load_regressor(run)


@pytest.mark.parametrize("loss", ["squared", "absolute", "huber", "quantile"])
def test_the_length_of_a_series_is_learned(tmp_path: Path, loss: str) -> None:
    task, trained = learn(lengths(), config(loss=loss), tmp_path / "run")
    found = trained.evaluate(task._held_out)
    assert found.metrics["r2"] > 0.95
    assert found.beaten
    assert "R² 0.9" in task.conclude(tmp_path / "run")[0]
    (answer,) = trained.predict([np.zeros((7, 2), np.float32)])
    assert answer.low is not None
    assert answer.high is not None
    assert answer.low[0] <= answer.values[0] <= answer.high[0]


def test_a_number_for_each_step(tmp_path: Path) -> None:
    """The sum so far: what a recurrent network carries."""
    draw = np.random.default_rng(1)
    inputs = [draw.normal(size=(4 + n % 3, 1)).astype(np.float32) for n in range(160)]
    rows = tuple(Example(x, np.cumsum(x, 0, dtype=np.float64), f"x:{n}") for n, x in enumerate(inputs))
    task, trained = learn(Examples(rows, ("x",), found=("", "sum")), config(), tmp_path / "run", 40)
    assert trained.config.source.every_step
    assert trained.evaluate(task._held_out).metrics["r2"] > 0.9
    (answer,) = trained.predict([inputs[0]])
    assert answer.values.shape == (len(inputs[0]), 1)


@pytest.mark.parametrize("kind", ["text", "dna", "table"])
def test_other_inputs(tmp_path: Path, kind: Kind) -> None:
    draw = np.random.default_rng(2)
    if kind == "table":
        table = draw.normal(size=(200, 3)).astype(np.float32)
        found = examples(
            list(table), list(np.stack([table[:, 0] * table[:, 1], table[:, 2]], 1)), ("a", "b", "c")
        )
    else:
        letters = ["fein", "片", "grob"] if kind == "text" else ["AAC", "GTT", "CCA"]
        worth = dict(zip(letters, (1.0, 5.0, -3.0), strict=True))
        drawn = [draw.choice(letters, 4).tolist() for _ in range(160)]
        joint = " " if kind == "text" else ""
        found = examples([joint.join(each) for each in drawn], [sum(map(worth.get, each)) for each in drawn])
    task, trained = learn(found, config(kind), tmp_path / "run", 60)
    assert trained.evaluate(task._held_out).metrics["r2"] > 0.6
    assert len(trained.predict(found.inputs[:2])) == 2


def test_metrics_beside_those_of_scikit_learn() -> None:
    draw = torch.Generator().manual_seed(3)
    targets = torch.randn(50, 2, generator=draw, dtype=torch.float64) * 3 + 1
    values = targets[..., None] + torch.tensor([-1.0, 0.2, 1.5]) * torch.rand(50, 2, 3, generator=draw)
    output = NumberOutput(1, 2, NumberOptions("quantile"))
    output.fit(targets[:30])
    found = scores(values.sort(-1).values, targets, output, ("a", "b"), 0.5)
    point, wanted = values.sort(-1).values[..., 1].numpy(), targets.numpy()
    eps = 1e-12
    assert found.metrics["r2"] == pytest.approx(sk.r2_score(wanted, point), abs=eps)
    assert found.metrics["mae"] == pytest.approx(sk.mean_absolute_error(wanted, point), abs=eps)
    roots = sk.root_mean_squared_error(wanted, point)
    assert found.metrics["rmse"] == pytest.approx(roots, abs=eps)
    middle = sk.median_absolute_error(wanted, point)
    assert found.metrics["median_absolute_error"] == pytest.approx(middle, abs=eps)
    losses = [
        sk.mean_pinball_loss(wanted, values.sort(-1).values[..., k].numpy(), alpha=level)
        for k, level in enumerate((0.05, 0.5, 0.95))
    ]
    # Levels of float32 in the loss of training, of float64 here.
    assert found.metrics["pinball"] == pytest.approx(sum(losses) / 3, rel=1e-12)
    assert found.by_target["b"]["r2"] == pytest.approx(sk.r2_score(wanted[:, 1], point[:, 1]), abs=eps)
    constant = np.tile(np.median(wanted[:30], 0), (50, 1))
    assert found.metrics["baseline_mae"] == pytest.approx(sk.mean_absolute_error(wanted, constant), abs=eps)


def test_a_model_that_knows_nothing_says_so(tmp_path: Path) -> None:
    draw = np.random.default_rng(4)
    inputs = [draw.normal(size=(4, 1)).astype(np.float32) for _ in range(60)]
    _, trained = learn(examples(inputs, list(draw.normal(size=60)), ("x",)), config(), tmp_path / "run", 40)
    other = examples(inputs, list(draw.normal(size=60) * 0.01), ("x",))
    assert any("baseline is not beaten" in note for note in trained.evaluate(other).notes)


def test_a_run_goes_on_from_another(tmp_path: Path) -> None:
    _, trained = learn(lengths(), config(), tmp_path / "run", 5)
    task = RegressTask(lengths(60), None, config(), Origin("run", trained))
    assert any("tensors taken whole" in line for line in task.describe())
    before, after = trained.model.state_dict(), task.model.state_dict()
    assert torch.equal(before["output.linear.weight"], after["output.linear.weight"])


def test_resuming_comes_to_the_same_numbers(tmp_path: Path) -> None:
    for run, epochs in (("whole", (4,)), ("parts", (2, 4))):
        for number, last in enumerate(epochs):
            torch.manual_seed(0)
            task = RegressTask(lengths(40), None, config())
            chosen = TrainingOptions(epochs=last, schedule="constant")
            train(task, chosen, tmp_path / run, Silent(), resume=number > 0)
    one, other = (load_regressor(tmp_path / run).model.state_dict() for run in ("whole", "parts"))
    assert all(torch.equal(one[name], other[name]) for name in one)


def test_what_cannot_be_learned_is_refused() -> None:
    constant = examples([np.zeros((2, 1), np.float32)] * 8, [3.0] * 8, ("x",))
    with pytest.raises(InputError, match="examples: a held-out part"):
        RegressTask(constant, None, config())
    different = [np.full((2, 1), n, np.float32) for n in range(8)]
    with pytest.raises(
        InputError, match="targets: must differ, for there to be something to learn, got 3 in all"
    ):
        RegressTask(examples(different, [3.0] * 8, ("x",)), None, config())
    with pytest.raises(InputError, match="must leave examples in both parts, got 1 different ones"):
        RegressTask(examples(different[:1], [3.0], ("x",)), None, config())
    with pytest.raises(InputError, match="every_step: is for series"):
        MeasuredOptions("table", every_step=True)


def test_other_targets_than_those_learned_are_refused(tmp_path: Path) -> None:
    _, trained = learn(lengths(40), config(), tmp_path / "run", 1)
    with pytest.raises(
        InputError, match=r"x:1: must have the targets that were learned, y0, got shape \(2,\)"
    ):
        trained.evaluate(examples([np.zeros((2, 2), np.float32)] * 2, [[1.0, 2], [3, 4]], ("a", "b")))
    found = trained.read(Document("d.ts", "@data\n1,2:3,4\n"), labelled=False)
    assert len(trained.predict(found.inputs)) == 1


def test_the_same_data_have_the_same_fingerprint() -> None:
    one, same, other = (RegressTask(lengths(n), None, config()).fingerprint for n in (40, 40, 41))
    assert one == same != other
