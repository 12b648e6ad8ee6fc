"""The messages of the loop while it runs, and its result at the end."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Protocol

from bptt.training.observer import GradientRecord

Status = Literal["finished", "stopped early", "paused", "interrupted", "finished before"]


@dataclass(frozen=True)
class Progress:
    """One update of the weights: its place, the mean loss per unit, the units it saw."""

    epoch: int
    epochs: int
    step: int
    steps: int
    loss: float
    units: int


@dataclass(frozen=True)
class Evaluation:
    """The held-out metrics after `step` updates, and whether they are the best so far by `criterion`.

    A loss is in units of `measure`. `shown` names the metrics to print beside loss and criterion.
    """

    epoch: int
    epochs: int
    step: int
    metrics: dict[str, float]
    criterion: str
    best: bool
    measure: str = "nats"
    shown: tuple[str, ...] = ("accuracy",)


class Reporter(Protocol):
    """Receives the messages of the loop. Epochs count from 1."""

    def on_start(self, step: int, steps: int, unit: str) -> None:
        """Called when `step` of `steps` updates are done and more begin; losses and speeds are per `unit`."""

    def on_step(self, progress: Progress) -> None:
        """Called after each update."""

    def on_evaluate(self, evaluation: Evaluation) -> None:
        """Called after each evaluation on the held-out data."""

    def on_gradient(self, step: int, seen: GradientRecord) -> None:
        """Called after each update whose gradient through time was measured."""

    def on_message(self, text: str) -> None:
        """Called with a line that the user should read."""

    def on_end(self) -> None:
        """Called once at the end, also when an error stops the loop."""


class Silent:
    """A reporter that says nothing."""

    def _ignore(self, *what: object) -> None:
        """Forget it."""

    on_start = on_step = on_evaluate = on_gradient = on_message = on_end = _ignore


@dataclass(frozen=True)
class Outcome:
    """How a run ended. After `best_step` updates, 0 for never, the held-out metric `criterion` had its best
    value; a loss is a mean per unit, in units of `measure`.

    `status`: "finished" all epochs; "stopped early", the patience being spent; "paused" after the epochs that
    were asked for; "interrupted" by `signal`, saved, to be resumed; "finished before", when there was nothing
    left to resume.
    `seconds` is the time of training, over all resumes.
    """

    run: Path
    status: Status
    epoch: int
    step: int
    criterion: str
    best_value: float
    best_step: int
    seconds: float
    signal: int | None = None
    measure: str = "nats"
