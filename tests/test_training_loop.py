"""A run from its start to each of its ends: done, stopped early, interrupted, gone wrong."""

from __future__ import annotations

import errno
import os
import signal
from collections.abc import Callable
from math import cos, pi
from pathlib import Path

import pytest
import torch
from tiny_task import BATCHES, B, Quiet, T, TinyTask, everything, records, same

from bptt.errors import InputError, MachineError, TrainingError
from bptt.runs.run_folder import read_config
from bptt.runs.weights import read_weights
from bptt.training import nested_tensors
from bptt.training.checkpoint import FILE
from bptt.training.loop import train
from bptt.training.options import TrainingOptions

# A checkpoint after every step.
ALWAYS = 0.0


def test_a_run_leaves_its_folder_and_says_how_it_ended(tmp_path: Path) -> None:
    run, quiet, task = tmp_path / "runs" / "a", Quiet(), TinyTask()
    options = TrainingOptions(epochs=4, learning_rate=0.05, log_every=2)
    outcome = train(task, options, run, quiet)
    held_out = [record for record in records(run) if record["kind"] == "held-out"]
    best = min(held_out, key=lambda record: record["loss"])
    assert (outcome.status, outcome.epoch, outcome.step) == ("finished", 4, 4 * BATCHES)
    assert (outcome.best_value, outcome.best_step) == (best["loss"], best["step"])
    assert read_config(run)["training"] == options.to_dict()
    read_weights(task.model, run / "model.safetensors")
    assert task.evaluate()["loss"] == outcome.best_value
    assert quiet.start == (0, 4 * BATCHES, "characters")
    assert quiet.ended == 1
    assert sorted(path.name for path in run.iterdir()) == [
        ".lock",
        "config.json",
        "last",
        "metrics.jsonl",
        "model.safetensors",
        "vocab.txt",
    ]


def test_records_hold_the_means_of_what_the_steps_saw(tmp_path: Path) -> None:
    run, quiet = tmp_path / "run", Quiet()
    train(TinyTask(), TrainingOptions(epochs=2, log_every=2, evaluate_every=4, warmup=4), run, quiet)
    losses = [progress.loss for progress in quiet.progress]
    found = records(run)
    places = [(record["kind"], record["step"], record["epoch"]) for record in found]
    assert places == [
        ("train", 2, 1),
        ("train", 3, 1),
        ("train", 4, 2),
        ("held-out", 4, 2),
        ("train", 6, 2),
        ("held-out", 6, 2),
    ]
    assert found[0]["loss"] == pytest.approx(sum(losses[:2]) / 2, rel=1e-15)
    assert found[1]["loss"] == pytest.approx(losses[2], rel=1e-15)
    assert (found[0]["units"], found[1]["units"]) == (2 * T * B, T * B)
    assert found[0]["learning_rate"] == pytest.approx(0.5 * 4e-3 * (1 + cos(pi / 6)) / 2, rel=1e-15)


def test_early_stopping_keeps_the_best_and_counts_misses_in_a_row(tmp_path: Path) -> None:
    class Scripted(TinyTask):
        losses = iter([3.0, 2.0, 2.5, 1.5, 1.5, 1.6, 1.0])

        def evaluate(self) -> dict[str, float]:
            return {"loss": next(self.losses)}

    quiet = Quiet()
    outcome = train(Scripted(), TrainingOptions(epochs=7, patience=2), tmp_path / "run", quiet)
    assert (outcome.status, outcome.epoch) == ("stopped early", 6)
    assert (outcome.best_value, outcome.best_step) == (1.5, 4 * BATCHES)
    assert [evaluation.best for evaluation in quiet.evaluations] == [True, True, False, True, False, False]


def test_any_criterion_but_the_loss_is_best_where_it_is_largest(tmp_path: Path) -> None:
    """And where two are as large, with the smaller loss."""

    class Scripted(TinyTask):
        criterion = "f1"
        found = iter([(1.0, 0.0), (2.0, 0.5), (0.5, 0.5), (0.6, 0.5), (0.4, 0.25), (3.0, 0.75)])

        def evaluate(self) -> dict[str, float]:
            return dict(zip(("loss", "f1"), next(self.found), strict=True))

    quiet = Quiet()
    outcome = train(Scripted(), TrainingOptions(epochs=6), tmp_path / "run", quiet)
    assert [evaluation.best for evaluation in quiet.evaluations] == [True, True, True, False, False, True]
    assert (outcome.criterion, outcome.best_value, outcome.best_step) == ("f1", 0.75, 6 * BATCHES)


def test_plateau_lowers_the_rate_after_each_miss(tmp_path: Path) -> None:
    class Scripted(TinyTask):
        losses = iter([3.0, 3.0, 2.0, 2.0, 1.0])

        def evaluate(self) -> dict[str, float]:
            return {"loss": next(self.losses)}

    options = TrainingOptions(epochs=5, schedule="plateau", learning_rate=0.8, decay=0.5, log_every=50)
    train(Scripted(), options, tmp_path / "run", Quiet())
    rates = [r["learning_rate"] for r in records(tmp_path / "run") if r["kind"] == "train"]
    assert rates == [0.8, 0.8, 0.4, 0.4, 0.2]


def test_lbfgs_stops_at_nan_too(tmp_path: Path) -> None:
    task = TinyTask()
    poison(task, "out.weight", (1, 1))
    with pytest.raises(TrainingError, match=r"step 2, epoch 2.*parameter out\.weight.*last, step 1\."):
        train(task, TrainingOptions(optimiser="lbfgs"), tmp_path / "run", Quiet())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_step_saves_and_is_told(tmp_path: Path, number: signal.Signals) -> None:
    def interrupt(epoch: int, index: int) -> None:
        if (epoch, index) == (0, 1):
            os.kill(os.getpid(), number)

    run, before = tmp_path / "run", signal.getsignal(number)
    outcome = train(TinyTask(before_step=interrupt), TrainingOptions(epochs=2), run, Quiet())
    assert (outcome.status, outcome.signal, outcome.step) == ("interrupted", number, 2)
    assert nested_tensors.load(run / FILE)["state"]["step"] == 2
    assert signal.getsignal(number) is before
    # Not evaluated yet, but usable.
    task = TinyTask()
    read_weights(task.model, run / "model.safetensors")
    assert same(nested_tensors.load(run / FILE)["weights"], dict(task.model.state_dict()))


def test_a_second_ctrl_c_ends_at_once(tmp_path: Path) -> None:
    def insist(epoch: int, index: int) -> None:
        if (epoch, index) == (0, 1):
            os.kill(os.getpid(), signal.SIGINT)
            os.kill(os.getpid(), signal.SIGINT)

    quiet = Quiet()
    with pytest.raises(KeyboardInterrupt):
        train(TinyTask(before_step=insist), TrainingOptions(), tmp_path / "run", quiet)
    assert nested_tensors.load(tmp_path / "run" / FILE)["state"]["step"] == 0
    assert quiet.ended == 1


def poison(task: TinyTask, name: str, at: tuple[int, int]) -> None:
    """Put a NaN into parameter `name` just before the step `at`."""

    def before_step(epoch: int, index: int) -> None:
        if (epoch, index) == at:
            with torch.no_grad():
                task.model.get_parameter(name).view(-1)[1] = float("nan")

    task.before_step = before_step


def test_nan_in_a_parameter_is_named_with_the_step_and_the_last_checkpoint(tmp_path: Path) -> None:
    task, run = TinyTask(), tmp_path / "run"
    poison(task, "recurrent.weight_hh_l0", (1, 2))
    with pytest.raises(TrainingError) as caught:
        train(task, TrainingOptions(epochs=3), run, Quiet())
    text = str(caught.value)
    assert "step 6, epoch 2" in text and "recurrent.weight_hh_l0" in text and "loss nan" in text
    assert f"{run}/last, step 3" in text
    assert nested_tensors.load(run / FILE)["state"]["step"] == 3


def test_infinity_in_a_gradient_is_named(tmp_path: Path) -> None:
    task = TinyTask()
    task.model.out.bias.register_hook(lambda gradient: gradient * float("inf"))
    with pytest.raises(TrainingError, match=r"step 1.*every parameter finite.*gradient of out\.bias"):
        train(task, TrainingOptions(), tmp_path / "run", Quiet())
    assert all(parameter.isfinite().all() for parameter in task.model.parameters())


def test_divergence_stops_the_run(tmp_path: Path) -> None:
    options = TrainingOptions(
        optimiser="sgd", learning_rate=1e4, clip_norm=0.0, log_every=1, evaluate_every=1000
    )
    with pytest.raises(TrainingError, match=r"step [2-9], .*must stay below.*smaller learning rate"):
        train(TinyTask(), options, tmp_path / "run", Quiet())


def test_divergence_before_the_first_record_stops_the_run(tmp_path: Path) -> None:
    """The loss is held against that of the first update, not against a record that is bad already."""
    options = TrainingOptions(optimiser="sgd", learning_rate=1e4, clip_norm=0.0, log_every=1000, epochs=3)
    with pytest.raises(TrainingError, match=r"must stay below.*smaller learning rate"):
        train(TinyTask(), options, tmp_path / "run", Quiet())


@pytest.mark.parametrize("loss", [float("nan"), float("inf"), 1e9])
def test_a_held_out_loss_gone_wrong_stops_the_run(tmp_path: Path, loss: float) -> None:
    task = TinyTask()
    task.evaluate = lambda: {"loss": loss}  # type: ignore[method-assign]
    with pytest.raises(TrainingError, match="step 3"):
        train(task, TrainingOptions(), tmp_path / "run", Quiet())
    assert not (tmp_path / "run" / "model.safetensors").exists()


def full_after(calls: int) -> Callable[[int], None]:
    left = iter(range(calls))

    def fsync(handle: int) -> None:
        if next(left, None) is None:
            raise OSError(errno.ENOSPC, "No space left on device")

    return fsync


def test_a_full_disk_leaves_the_checkpoint_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    options = TrainingOptions(epochs=3, checkpoint_every=ALWAYS)
    whole, run = tmp_path / "whole", tmp_path / "run"
    train(TinyTask(), options, whole, Quiet())
    for calls in range(1, 40):
        with monkeypatch.context() as context:
            context.setattr(os, "fsync", full_after(calls))
            with pytest.raises(MachineError, match="No space left"):
                train(TinyTask(), options, run, Quiet(), overwrite=True)
        if (run / FILE).exists():
            nested_tensors.load(run / FILE)
    train(TinyTask(), options, run, Quiet(), resume=True)
    assert same(everything(run), everything(whole))


def test_nothing_is_overwritten_unasked(tmp_path: Path) -> None:
    run, options = tmp_path / "run", TrainingOptions(epochs=1)
    train(TinyTask(), options, run, Quiet())
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file()}
    with pytest.raises(InputError, match=r"holds a run already.*`resume`.*`overwrite`"):
        train(TinyTask(), options, run, Quiet())
    with pytest.raises(InputError, match="not both"):
        train(TinyTask(), options, run, Quiet(), resume=True, overwrite=True)
    assert {path: path.read_bytes() for path in run.rglob("*") if path.is_file()} == before


def test_overwriting_removes_the_run_and_nothing_else(tmp_path: Path) -> None:
    run = tmp_path / "run"
    train(TinyTask(), TrainingOptions(epochs=2), run, Quiet())
    (run / "notes.txt").write_text("mine", encoding="utf-8")
    outcome = train(TinyTask(), TrainingOptions(epochs=1), run, Quiet(), overwrite=True)
    assert outcome.step == BATCHES
    assert {record["step"] for record in records(run)} == {BATCHES}
    assert (run / "notes.txt").read_text(encoding="utf-8") == "mine"


def test_a_file_in_the_place_of_the_run_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("mine", encoding="utf-8")
    with pytest.raises(InputError, match="must be a folder"):
        train(TinyTask(), TrainingOptions(), tmp_path / "run", Quiet(), overwrite=True)


@pytest.mark.parametrize(
    "error",
    [MemoryError(), RuntimeError("DefaultCPUAllocator: can't allocate memory"), torch.OutOfMemoryError()],
)
def test_memory_that_runs_out_is_the_machines_fault(tmp_path: Path, error: Exception) -> None:
    def fill(epoch: int, index: int) -> None:
        raise error

    with pytest.raises(MachineError, match=r"training: must fit into memory.*batch"):
        train(TinyTask(before_step=fill), TrainingOptions(), tmp_path / "run", Quiet())


def test_another_error_is_not_hidden(tmp_path: Path) -> None:
    def fail(epoch: int, index: int) -> None:
        raise RuntimeError("shapes")

    with pytest.raises(RuntimeError, match="shapes"):
        train(TinyTask(before_step=fail), TrainingOptions(), tmp_path / "run", Quiet())
