"""`bptt train --profile`: the time of each part, by a clock of the test; and that nothing else changes."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import torch
from conftest import Command
from job_files import SMALL, write_file
from safetensors.torch import load_file
from torch import Tensor, nn

from bptt.jobs.task import Step
from bptt.runs.placement import Placement
from bptt.runs.spans import SpanRecorder, recording, span, spanned
from bptt.training.observer import NoObserver
from bptt.training.optimiser import build_optimiser
from bptt.training.options import TrainingOptions
from bptt.training.profiling import Profiling
from bptt.training.update import Updater


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    found = Clock()
    monkeypatch.setattr("bptt.runs.spans.perf_counter", found)
    return found


def test_spans_add_up_by_their_path(clock: Clock) -> None:
    recorder = SpanRecorder()

    @spanned("inner")
    def work(seconds: float) -> float:
        clock.now += seconds
        return seconds

    assert work(7) == 7  # no recorder: nothing counts
    with recording(recorder):
        for _ in range(2):
            with span("outer"):
                clock.now += 1
                work(2)
        with pytest.raises(ValueError, match="broken"), span("outer"), span("failed"):
            clock.now += 4
            raise ValueError("broken")
    assert recorder.seconds == {("outer", "inner"): 4, ("outer",): 10, ("outer", "failed"): 4}
    assert recorder.path == ()


class Slow(torch.autograd.Function):
    """The identity, which takes time on a clock in both directions."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, clock: Clock, forward: float, backward: float) -> Tensor:
        ctx.clock, ctx.backward_seconds = clock, backward
        clock.now += forward
        return x.clone()

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Any:
        ctx.clock.now += ctx.backward_seconds
        return gradients[0], None, None, None


class Part(nn.Module):
    def __init__(self, clock: Clock, forward: float, backward: float) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(3))
        self._times = clock, forward, backward

    def forward(self, x: Tensor) -> Tensor:
        result: Tensor = Slow.apply(x * self.weight, *self._times)  # type: ignore[no-untyped-call]
        return result


class TwoParts:
    title = "two parts"

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self.model = nn.Sequential(Part(clock, 1, 2), nn.Dropout(0.0), Part(clock, 3, 5))

    def step(self, epoch: int, index: int, carry: Any, group: Any = None) -> Step:
        with span("input"):
            self._clock.now += 0.5
        loss = Slow.apply(self.model(torch.ones(4, 3)), self._clock, 7, 11)  # type: ignore[no-untyped-call]
        return Step(loss.sum(), 4, ())

    def evaluate(self) -> dict[str, float]:
        self._clock.now += 13
        return {"loss": 1.0}


def test_the_time_of_each_part_forward_and_backward(clock: Clock, tmp_path: Path) -> None:
    task, options = TwoParts(clock), TrainingOptions()
    parameters = list(task.model.parameters())
    updater = Updater(task, parameters, build_optimiser(parameters, options), options, NoObserver())  # type: ignore[arg-type]
    profiling = Profiling(task, options, Placement())  # type: ignore[arg-type]
    with profiling:
        for number in range(1, 6):
            updater.on_batch(number, 0, 0, (), lambda loss, norm: None)
        task.evaluate()
    found = {"/".join(path): seconds for path, seconds in profiling._recorder.seconds.items()}
    # Updates 4 and 5 count. The loss takes 7 forward, and 11 backward, outside of the parts.
    assert found.pop("training/update/optimiser") == found.pop("training/update/clipping and checks") == 0
    assert found.pop("training/update/forward/1") == 0
    assert found == {
        "training": 2 * 29.5 + 13,
        "training/evaluation": 13,
        "training/update": 2 * 29.5,
        "training/update/forward": 2 * 11.5,
        "training/update/forward/input": 2 * 0.5,
        "training/update/forward/0": 2 * 1,
        "training/update/forward/2": 2 * 3,
        "training/update/backward": 2 * 18,
        "training/update/backward/2": 2 * 5,
        "training/update/backward/0": 2 * 2,
    }
    lines = profiling.conclude(tmp_path)
    assert "  update\t81.94%\t100.00%\t29500.000" in lines
    assert "      loss and output layer\t19.44%\t23.73%\t7000.000" in lines
    assert "step" not in vars(task) and not task.model[0]._forward_hooks


@pytest.mark.parametrize("job", ["lm", "classify", "tag", "translate", "music"])
def test_a_profiled_run_has_the_same_weights(job: str, command: Command, tmp_path: Path) -> None:
    data = write_file(job, tmp_path)
    runs = []
    for name, more in (("plain", ()), ("profiled", ("--profile",))):
        ended = command("train", job, data, "-o", tmp_path / name, *SMALL[job], "--threads", 1, *more)
        assert ended.code == 0, ended.err
        runs.append(load_file(tmp_path / name / "model.safetensors"))
    assert all(torch.equal(runs[0][name], runs[1][name]) for name in runs[0])
    rows = {line.split("\t")[0].strip(): line.split("\t") for line in ended.out.splitlines() if "\t" in line}
    assert {"update", "forward", "backward", "optimiser", "evaluation", "checkpoint"} <= rows.keys()
    picture = (tmp_path / "profiled" / "profile.svg").read_text("utf-8")
    assert ElementTree.fromstring(picture).tag.endswith("svg")
    assert not (tmp_path / "plain" / "profile.svg").exists()


def test_memory_is_that_of_the_weights_and_of_the_batch(command: Command, tmp_path: Path) -> None:
    data, saved = write_file("lm", tmp_path), []
    # Between these a block for packed weights, 158 kB, is less than twice what a layer keeps, and holds it.
    for streams in (4, 12):
        run = tmp_path / f"run{streams}"
        sizes = "--hidden 64 --epochs 2 --length 9 --profile --batch-size".split()
        ended = command("train", "lm", data, "-o", run, *sizes, streams)
        assert ended.code == 0, ended.err
        rows = dict(
            re.findall(r"^(weights|optimiser|states and activations)\t.*\t([\d,]+)$", ended.out, re.M)
        )
        found = {name: int(value.replace(",", "")) for name, value in rows.items()}
        model = load_file(run / "model.safetensors")
        assert found["weights"] == sum(4 * tensor.numel() for tensor in model.values())
        kept = load_file(run / "last" / "checkpoint.safetensors")
        moments = [tensor for name, tensor in kept.items() if "exp_avg" in name]
        assert found["optimiser"] == sum(4 * tensor.numel() for tensor in moments)
        saved.append(found["states and activations"])
    # Nearly all that is saved has a row for each stream.
    assert saved[1] == pytest.approx(3 * saved[0], rel=0.1)


def test_groups_are_not_profiled(command: Command, tmp_path: Path) -> None:
    data = write_file("lm", tmp_path)
    ended = command("train", "lm", data, "-o", tmp_path / "run", *SMALL["lm"], "--profile", "--groups", 2)
    assert ended.code == 2 and "--profile: measures one training in one process" in ended.err
