"""A task that trains in milliseconds and still needs everything that a resume must keep.

The network is recurrent (the carry matters) and has dropout (the random state matters), the order of
the data changes with the epoch (the position matters).
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor, nn

from bptt.jobs.task import Step, Task
from bptt.runs.run_folder import write_config
from bptt.training import nested_tensors
from bptt.training.checkpoint import FILE
from bptt.training.loop import train
from bptt.training.observer import GradientRecord
from bptt.training.options import TrainingOptions
from bptt.training.report import Evaluation, Progress
from bptt.training.watching import Watching

T, B, INPUTS, H, V = 4, 3, 2, 5, 6
BATCHES = 3


class TinyModel(nn.Module):
    def __init__(self) -> None:
        super().__init__()
        self.recurrent = nn.RNN(INPUTS, H)
        self.dropout = nn.Dropout(0.2)
        self.out = nn.Linear(H, V)

    def forward(self, x: Tensor, h: Tensor) -> tuple[Tensor, Tensor]:
        states, last = self.recurrent(x, h)
        return self.out(self.dropout(states)), last


class TinyTask(Task):
    """`before_step(epoch, index)` is called first in every step; `vocabulary` is kept in the run."""

    unit = "characters"

    def __init__(
        self,
        *,
        vocabulary: str = "abc",
        before_step: Callable[[int, int], None] = lambda epoch, index: None,
    ) -> None:
        self.vocabulary, self.before_step = vocabulary, before_step
        with torch.random.fork_rng():
            torch.manual_seed(1)
            self.model: TinyModel = TinyModel()
            self.x = torch.randn(BATCHES + 1, T, B, INPUTS)
            self.y = torch.randint(V, (BATCHES + 1, T, B))

    def steps(self, epoch: int) -> int:
        return BATCHES

    def step(self, epoch: int, index: int, carry: tuple[Tensor, ...]) -> Step:
        self.before_step(epoch, index)
        (h,) = carry or (torch.zeros(1, B, H),)
        loss, last = self._loss((index + epoch) % BATCHES, h)
        return Step(loss, T * B, (last.detach(),))

    def _loss(self, batch: int, h: Tensor) -> tuple[Tensor, Tensor]:
        logits, last = self.model(self.x[batch], h)
        return nn.functional.cross_entropy(logits.flatten(0, 1), self.y[batch].flatten()), last

    def evaluate(self) -> dict[str, float]:
        self.model.eval()
        with torch.no_grad():
            return {"loss": float(self._loss(BATCHES, torch.zeros(1, B, H))[0])}

    def save(self, folder: Path) -> None:
        write_config(folder, {"task": "tiny", "data": {"letters": len(self.vocabulary)}})
        (folder / "vocab.txt").write_text(self.vocabulary, encoding="utf-8")

    def describe(self) -> list[str]:
        return ["tiny"]


class Quiet:
    """A reporter that keeps what it is told."""

    def __init__(self, on_progress: Callable[[Progress], None] = lambda progress: None) -> None:
        self.on_progress = on_progress
        self.start: tuple[int, int, str] | None = None
        self.progress: list[Progress] = []
        self.evaluations: list[Evaluation] = []
        self.seen: list[tuple[int, GradientRecord]] = []
        self.messages: list[str] = []
        self.ended = 0

    def on_start(self, step: int, steps: int, unit: str) -> None:
        self.start = (step, steps, unit)

    def on_step(self, progress: Progress) -> None:
        self.progress.append(progress)
        self.on_progress(progress)

    def on_evaluate(self, evaluation: Evaluation) -> None:
        self.evaluations.append(evaluation)

    def on_gradient(self, step: int, seen: GradientRecord) -> None:
        self.seen.append((step, seen))

    def on_message(self, text: str) -> None:
        self.messages.append(text)

    def on_end(self) -> None:
        self.ended += 1


class PowerCut(BaseException):
    """The end of a run that has no time to save."""


def train_tiny(
    options: TrainingOptions, run: Path, task: TinyTask | None = None, watch: int = 0, resume: bool = False
) -> None:
    """Train `task`, or a new one, watched in every update whose number `watch` divides, 0 for none."""
    task = task or TinyTask()
    train(task, options, run, Quiet(), observer=Watching(task.model, watch), resume=resume)


def run_until(
    at: tuple[int, int],
    options: TrainingOptions,
    run: Path,
    watch: int = 0,
    resume: bool = False,
    task: type[TinyTask] = TinyTask,
) -> None:
    """Train, and die in step `at` (epoch, index)."""

    def before_step(epoch: int, index: int) -> None:
        if (epoch, index) == at:
            raise PowerCut

    with pytest.raises(PowerCut):
        train_tiny(options, run, task(before_step=before_step), watch, resume)
    torch.manual_seed(999)


def records(run: Path) -> list[dict[str, Any]]:
    """The records of a run, without the clock."""
    lines = (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    return [{k: v for k, v in json.loads(line).items() if k != "seconds"} for line in lines]


def everything(run: Path) -> dict[str, Any]:
    """What a run came to: its checkpoint, its best weights, its records; without the clock."""
    checkpoint = nested_tensors.load(run / FILE)
    for clock in ("seconds", "records"):
        del checkpoint["state"][clock]
    best = (run / "model.safetensors").read_bytes()
    return {"checkpoint": checkpoint, "best": best, "records": records(run)}


def same(one: Any, other: Any) -> bool:
    """Equality to the last bit, through dicts, lists and tensors."""
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(same(one[key], other[key]) for key in one)
    if isinstance(one, list | tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return torch.equal(one, other) if isinstance(one, Tensor) else bool(one == other)


def goes_on_exactly(make: Callable[[], Task], options: TrainingOptions, folder: Path) -> bool:
    """Whether a run that went on after its first epoch came to what one came to that never stopped."""
    train(make(), options, folder / "whole", Quiet())
    train(make(), replace(options, epochs=1), folder / "run", Quiet())
    torch.manual_seed(99)
    train(make(), options, folder / "run", Quiet(), resume=True)
    return same(everything(folder / "run"), everything(folder / "whole"))
