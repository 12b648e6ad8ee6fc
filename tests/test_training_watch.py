"""A training that is watched: what the records hold, also of a resumed run, and what is said of overflow."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from conftest import Command
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tiny_data import write_pairs
from tiny_task import (
    BATCHES,
    INPUTS,
    B,
    H,
    Quiet,
    T,
    TinyTask,
    everything,
    records,
    run_until,
    same,
    train_tiny,
)
from torch.nn.functional import cross_entropy

from bptt.errors import TrainingError
from bptt.training.loop import train
from bptt.training.options import TrainingOptions
from bptt.training.tensorboard import TensorBoardReporter
from bptt.training.watching import Watching

# Four digits are kept.
DIGITS = 5e-4


def looks(run: Path) -> list[dict[str, Any]]:
    return [record for record in records(run) if record["kind"] == "gradient"]


def test_every_nth_update_is_recorded_and_nothing_else_changes(tmp_path: Path) -> None:
    options = TrainingOptions(epochs=3, log_every=2)
    train_tiny(options, tmp_path / "alone")
    train_tiny(options, tmp_path / "run", watch=2)
    found = looks(tmp_path / "run")
    assert [(look["step"], look["epoch"], look["losses"]) for look in found] == [
        (2, 1, B),
        (4, 2, B),
        (6, 2, B),
        (8, 3, B),
    ]
    curves = [(curve["layer"], curve["quantity"], len(curve["median"])) for curve in found[0]["curves"]]
    assert curves == [("layer 1", "δ", T), ("layer 1", "h", T - 1)]
    watched = everything(tmp_path / "run")
    watched["records"] = [record for record in watched["records"] if record["kind"] != "gradient"]
    assert same(watched, everything(tmp_path / "alone"))


def last_loss_by_lag(task: TinyTask) -> list[float]:
    """‖∂E_T/∂net_n‖ of the last loss of the first batch, from the last step back: the rows' median."""
    W, R, b, c = (p.detach() for p in task.model.recurrent.parameters())
    nets = (task.x[0] @ W.T + b + c).requires_grad_()
    h = torch.zeros(B, H)
    for net in nets:
        h = torch.tanh(net + h @ R.T)
    loss = cross_entropy(task.model.out(h), task.y[0, -1], reduction="sum") / (T * B)
    (gradient,) = torch.autograd.grad(loss, nets)
    return gradient.norm(dim=-1).median(dim=1).values.flip(0).tolist()


def test_the_record_is_the_gradient_of_the_last_loss(tmp_path: Path) -> None:
    task = TinyTask()
    task.model.dropout.p = 0.0
    expected = last_loss_by_lag(task)
    train_tiny(TrainingOptions(epochs=1), tmp_path / "run", task, watch=1)
    delta = looks(tmp_path / "run")[0]["curves"][0]
    assert delta["median"] == pytest.approx(expected, rel=DIGITS)
    assert delta["median"] == [float(f"{value:.4g}") for value in delta["median"]]
    assert delta["factor"] == pytest.approx((expected[-1] / expected[0]) ** (1 / (T - 1)), rel=DIGITS)
    tenth = next((lag for lag, value in enumerate(expected) if value <= 0.1 * expected[0]), None)
    assert delta["tenth"] == tenth


@pytest.mark.parametrize("every", [0.0, 1e9], ids=["always", "seldom"])
def test_a_resumed_run_sees_the_same(tmp_path: Path, every: float) -> None:
    options = TrainingOptions(epochs=4, log_every=2, checkpoint_every=every, seed=7)
    train_tiny(options, tmp_path / "whole", watch=2)
    run_until((1, 1), options, tmp_path / "run", watch=2)
    run_until((3, 2), options, tmp_path / "run", watch=2, resume=True)
    train_tiny(options, tmp_path / "run", watch=2, resume=True)
    assert same(everything(tmp_path / "run"), everything(tmp_path / "whole"))
    assert len(looks(tmp_path / "run")) == 6


def test_tensorboard_shows_how_far_back_it_reaches(tmp_path: Path) -> None:
    task, quiet = TinyTask(), Quiet()
    reporter = TensorBoardReporter(quiet, tmp_path / "tensorboard")
    train(task, TrainingOptions(epochs=2), tmp_path / "run", reporter, observer=Watching(task.model, 3))
    points = EventAccumulator(str(tmp_path / "tensorboard"))
    points.Reload()
    found = [(event.step, event.value) for event in points.Scalars("factor/layer 1 δ")]
    expected = [(look["step"], look["curves"][0]["factor"]) for look in looks(tmp_path / "run")]
    assert [step for step, _ in found] == [step for step, _ in expected] == [3, 6]
    assert [value for _, value in found] == pytest.approx([value for _, value in expected], rel=1e-6)
    assert [step for step, _ in quiet.seen] == [3, 6]


def overflowing(scale: float) -> TinyTask:
    """A ReLU network whose states grow by `scale` in each step."""
    task = TinyTask()
    task.model.recurrent = torch.nn.RNN(INPUTS, H, nonlinearity="relu")
    with torch.no_grad():
        task.model.recurrent.weight_hh_l0.copy_(scale * torch.eye(H))
    return task


def first_overflow(task: TinyTask) -> str:
    """Where the sums first are not finite, in batches of which each goes on from the one before."""
    W, R, b, c = (p.detach() for p in task.model.recurrent.parameters())
    h = torch.zeros(B, H)
    for t, x in enumerate(task.x[:BATCHES].flatten(0, 1)):
        net = x @ W.T + b + h @ R.T + c
        if not net.isfinite().all():
            row, unit = (~net.isfinite()).nonzero()[0].tolist()
            place = f"layer 1, step {t % T}, row {row}, unit {unit}: "
            return f"{place}.* is inf.*; h_prev was {h[row].max():.4g}".replace("+", r"\+")
        h = net.relu()
    raise AssertionError("no overflow")


def test_an_overflow_is_traced_to_its_step_and_unit(tmp_path: Path) -> None:
    task = overflowing(1e30)
    with pytest.raises(TrainingError) as caught:
        train_tiny(TrainingOptions(), tmp_path / "run", task)
    text = str(caught.value)
    assert "step 1, epoch 1" in text and "first of all recurrent, " in text
    assert re.search(first_overflow(task), text)
    assert all(parameter.grad is not None for parameter in task.model.parameters())


def test_of_the_whole_set_the_batch_is_found(tmp_path: Path) -> None:
    """Twelve steps from 1 by a factor of 1e5 lead through all three batches, if the states are carried on."""
    task = overflowing(1e5)
    with pytest.raises(TrainingError) as caught:
        train_tiny(TrainingOptions(optimiser="lbfgs"), tmp_path / "run", task)
    assert re.search(first_overflow(task), str(caught.value))


def labelled(path: Path) -> Path:
    lines = (f"{n} so fine\tgood\n{n} dull 片\tbad\n" for n in range(16))
    path.write_text("text\tlabel\n" + "".join(lines), encoding="utf-8")
    return path


def tagged(path: Path) -> Path:
    sentences = (f"the\tO\nMr\tO\nX{n}\tB-PER\n\n" for n in range(32))
    path.write_text("".join(sentences), encoding="utf-8")
    return path


def pairs(path: Path) -> Path:
    return write_pairs(path, 20)


SIZES = "--hidden", 4, "--embedding", 3, "--epochs", 1, "--batch-size", 4


@pytest.mark.parametrize(
    ("job", "write", "layers"),
    [
        ("classify", labelled, ["layer 1 →", "layer 1 ←"]),
        (
            "tag",
            tagged,
            [f"{part} layer 1 {way}" for part in ("encoder.part.speller", "encoder") for way in "→←"],
        ),
        ("translate", pairs, ["encoder layer 1 →", "encoder layer 1 ←", "decoder layer 1"]),
    ],
)
def test_every_job_can_be_watched(
    command: Command, tmp_path: Path, job: str, write: Callable[[Path], Path], layers: list[str]
) -> None:
    data = write(tmp_path / "data.tsv")
    ended = command("train", job, data, "-o", tmp_path / "run", *SIZES, "--watch", 2)
    assert ended.code == 0, ended.err
    found = looks(tmp_path / "run")
    assert [look["step"] for look in found] == list(range(2, 2 * len(found) + 1, 2)) and found
    assert list(dict.fromkeys(curve["layer"] for curve in found[-1]["curves"])) == layers
    lines = [line for line in ended.out.splitlines() if line.startswith("gradient at step")]
    assert [line.split(", ")[1].split(" δ: ")[0] for line in lines] == layers
