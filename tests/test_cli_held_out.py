"""What is held out in training: a share, another file, or nothing, for every job."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
import torch
from conftest import Command
from job_files import JOBS, SMALL, write_file
from safetensors.torch import load_file
from tiny_task import Quiet, TinyTask, everything, records, run_until, same

from bptt.training import nested_tensors
from bptt.training.checkpoint import FILE
from bptt.training.loop import train
from bptt.training.options import TrainingOptions


@pytest.mark.parametrize("job", JOBS)
def test_without_a_held_out_part_all_is_learned_and_the_last_weights_are_kept(
    job: str, command: Command, tmp_path: Path
) -> None:
    data, run = write_file(job, tmp_path), tmp_path / "run"
    ended = command("train", job, data, "-o", run, *SMALL[job], "--held-out", 0)
    assert ended.code == 0, ended.err
    assert "nothing is held out: the last weights are kept" in ended.err
    assert "best held-out" not in ended.out and "next: " in ended.out
    assert not any(record["kind"] == "held-out" for record in records(run))
    last = nested_tensors.load(run / FILE)["weights"]
    kept = load_file(run / "model.safetensors")
    assert kept.keys() == last.keys()
    assert all(torch.equal(kept[name], last[name]) for name in kept)
    asked = command("evaluate", run, data)
    assert (asked.code == 0 and "loss\t" in asked.out) or job == "tag"
    again = command("train", job, data, "-o", run, *SMALL[job], "--held-out", 0, "--resume", "--epochs", 3)
    assert again.code == 0 and "at step" in again.out


@pytest.mark.parametrize("job", JOBS)
def test_another_file_is_evaluated_on_and_everything_else_is_learned(
    job: str, command: Command, tmp_path: Path
) -> None:
    data, dev = write_file(job, tmp_path), write_file(job, tmp_path, "dev-")
    ended = command("train", job, data, "--dev", dev, "-o", tmp_path / "run", *SMALL[job])
    assert ended.code == 0
    assert any(record["kind"] == "held-out" for record in records(tmp_path / "run"))
    whole = command("train", job, data, "--held-out", 0, "-o", tmp_path / "whole", *SMALL[job])
    learned = [
        next(line for line in each.err.splitlines() if line.startswith("learned")) for each in (ended, whole)
    ]
    assert learned[0].split("; held out")[0] == learned[1].split("; held out")[0]


def test_a_text_for_evaluation_is_the_held_out_text_of_the_run(command: Command, tmp_path: Path) -> None:
    book, dev = write_file("lm", tmp_path), tmp_path / "dev.txt"
    dev.write_text("the cats sat\n猫\n", encoding="utf-8")
    options = "train", "lm", book, "--dev", dev, "-o", tmp_path / "run", *SMALL["lm"]
    ended = command(*options)
    assert "held out: 15 characters, 6.67% unknown" in ended.err
    assert (tmp_path / "run" / "held_out.txt").read_bytes() == dev.read_bytes()
    assert command("evaluate", tmp_path / "run").out == command("evaluate", tmp_path / "run", dev).out
    assert command(*options, "--resume").code == 0
    forgotten = command(*(each for each in options if each not in ("--dev", dev)), "--resume")
    assert forgotten.code == 2 and "held_out.txt would be another" in forgotten.err


def test_nothing_to_evaluate_on_is_said_with_its_cure(command: Command, tmp_path: Path) -> None:
    book, run = write_file("lm", tmp_path), tmp_path / "run"
    command("train", "lm", book, "--held-out", 0, "-o", run, *SMALL["lm"])
    for verb in ("evaluate", "inspect"):
        ended = command(verb, run)
        assert (
            ended.code == 2 and "must have held out a text to evaluate on, got none. Name a text" in ended.err
        )
    assert command("evaluate", run, book).code == 0
    assert command("inspect", run, "--text", "the cat sat", "-o", tmp_path / "page.html").code == 0


class NothingHeldOut(TinyTask):
    @property
    def holds_out(self) -> bool:
        return False

    def evaluate(self) -> dict[str, float]:
        raise AssertionError("there is nothing to evaluate on")


@pytest.mark.parametrize("schedule", ["cosine", "plateau"])
def test_without_evaluations_a_run_goes_on_exactly(tmp_path: Path, schedule: str) -> None:
    options = TrainingOptions(epochs=4, checkpoint_every=0.0, schedule=schedule, patience=1)
    outcome = train(NothingHeldOut(), options, tmp_path / "whole", Quiet())
    assert (outcome.status, outcome.best_step) == ("finished", 0)
    run_until((2, 1), options, tmp_path / "run", task=NothingHeldOut)
    train(NothingHeldOut(), options, tmp_path / "run", Quiet(), resume=True)
    assert same(everything(tmp_path / "run"), everything(tmp_path / "whole"))


def test_an_interrupted_run_without_evaluations_has_its_last_weights(tmp_path: Path) -> None:
    def stop(epoch: int, index: int) -> None:
        if (epoch, index) == (2, 1):
            os.kill(os.getpid(), signal.SIGINT)

    train(NothingHeldOut(before_step=stop), TrainingOptions(epochs=4), tmp_path, Quiet())
    last = nested_tensors.load(tmp_path / FILE)["weights"]
    kept = load_file(tmp_path / "model.safetensors")
    assert all(torch.equal(kept[name], last[name]) for name in last)


@pytest.mark.parametrize("value", [1, -0.1, "nan"])
@pytest.mark.parametrize("job", JOBS)
def test_a_share_that_is_none_is_refused(job: str, command: Command, tmp_path: Path, value: object) -> None:
    ended = command("train", job, write_file(job, tmp_path), "-o", tmp_path / "run", "--held-out", value)
    assert ended.code == 2 and "--held-out: is at least 0 and below 1" in ended.err
