"""Scalars for TensorBoard, read back by TensorBoard's own reader."""

from __future__ import annotations

from pathlib import Path

from tensorboard.backend.event_processing.event_accumulator import EventAccumulator
from tiny_task import BATCHES, Quiet, TinyTask, records

from bptt.training.loop import train
from bptt.training.options import TrainingOptions
from bptt.training.tensorboard import TensorBoardReporter


def run(folder: Path, epochs: int, resume: bool = False) -> None:
    options = TrainingOptions(epochs=epochs, schedule="constant", log_every=1)
    reporter = TensorBoardReporter(Quiet(), folder / "tensorboard")
    train(TinyTask(), options, folder, reporter, resume=resume, overwrite=not resume)


def points(folder: Path, name: str) -> list[tuple[int, float]]:
    found = EventAccumulator(str(folder / "tensorboard"))
    found.Reload()
    return [(event.step, event.value) for event in found.Scalars(name)]


def test_points_are_those_of_the_records(tmp_path: Path) -> None:
    run(tmp_path, epochs=4)
    wanted = [(r["step"], r["loss"]) for r in records(tmp_path) if r["kind"] == "held-out"]
    found = points(tmp_path, "held-out/loss")
    assert [step for step, _ in found] == [step for step, _ in wanted] == [3, 6, 9, 12]
    # TensorBoard keeps float32.
    assert all(abs(a - b) <= 1e-6 * b for (_, a), (_, b) in zip(found, wanted, strict=True))
    (step, loss) = points(tmp_path, "train/loss")[0]
    exact = next(r["loss"] for r in records(tmp_path) if r["kind"] == "train" and r["step"] == step)
    assert step == 10 and abs(loss - exact) <= 1e-6 * exact
    assert BATCHES == 3


def test_a_run_that_goes_on_adds_points_and_a_new_one_begins_anew(tmp_path: Path) -> None:
    run(tmp_path, epochs=2)
    run(tmp_path, epochs=3, resume=True)
    assert [step for step, _ in points(tmp_path, "held-out/loss")] == [3, 6, 9]
    run(tmp_path, epochs=1)
    assert [step for step, _ in points(tmp_path, "held-out/loss")] == [3]
