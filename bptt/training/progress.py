"""Training as it is seen: a bar on a terminal, lines elsewhere; all of it on standard error."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from time import monotonic
from typing import TYPE_CHECKING

from rich.console import Console
from rich.progress import BarColumn, TaskID, TextColumn, TimeRemainingColumn
from rich.progress import Progress as Bar

from bptt.errors import printable

if TYPE_CHECKING:
    from bptt.training.observer import GradientRecord
    from bptt.training.report import Evaluation, Progress, Reporter

_SECONDS_BETWEEN_LINES = 10.0


def reporter(spell: Callable[[str], str] = str) -> Reporter:
    """Return the reporter that suits standard error; `spell` is applied to messages."""
    shows_bar = sys.stderr.isatty() or Console(stderr=True).is_jupyter
    return BarReporter(spell) if shows_bar else LineReporter(spell)


class Meter:
    """Loss and speed since the last reading, and the time that is left."""

    def __init__(self, step: int, steps: int, unit: str) -> None:
        self._begun, self._from, self._steps, self._unit = monotonic(), step, steps, unit
        self._step = step
        self._restart()

    def add(self, progress: Progress) -> None:
        """Count one update."""
        self._step = progress.step
        self._units += progress.units
        self._loss += progress.loss * progress.units

    def seconds(self) -> float:
        """Return the seconds since the last reading."""
        return monotonic() - self._since

    def read(self) -> str:
        """Return loss, speed and time left, for a line; the next reading begins."""
        elapsed = monotonic() - self._begun
        left = elapsed * (self._steps - self._step) / (self._step - self._from)
        loss, speed = self._loss / self._units, self._units / self.seconds()
        self._restart()
        return f"loss {loss:.4f}  {speed:,.0f} {self._unit}/s  {duration(left)} left"

    def _restart(self) -> None:
        self._since, self._units, self._loss = monotonic(), 0, 0.0


class LineReporter:
    """A line now and then, for a file or a pipe."""

    def __init__(self, spell: Callable[[str], str] = str) -> None:
        self._spell = spell

    def on_start(self, step: int, steps: int, unit: str) -> None:
        """Begin to measure."""
        self._meter, self._unit = Meter(step, steps, unit), unit

    def on_step(self, progress: Progress) -> None:
        """Print a line if the last one is old."""
        self._meter.add(progress)
        if self._meter.seconds() >= _SECONDS_BETWEEN_LINES:
            place = f"{_epoch(progress)}  step {progress.step}/{progress.steps}"
            self.on_message(f"{place}  {self._meter.read()}")

    def on_evaluate(self, evaluation: Evaluation) -> None:
        """Print the held-out loss, and what decides."""
        self.on_message(f"{_epoch(evaluation)}  {_held_out(evaluation, self._unit)}")

    def on_gradient(self, step: int, seen: GradientRecord) -> None:
        """Print nothing: the records hold it, and a line for the last one follows at the end."""

    def on_message(self, text: str) -> None:
        """Print the line."""
        sys.stderr.write(printable(self._spell(text)) + "\n")
        sys.stderr.flush()

    def on_end(self) -> None:
        """Do nothing: no bar is open."""


class BarReporter(LineReporter):
    """One bar over all epochs, and above it a line for each evaluation."""

    _SECONDS_BETWEEN_READINGS = 1.0

    def __init__(self, spell: Callable[[str], str] = str) -> None:
        super().__init__(spell)
        self._console = Console(stderr=True, highlight=False)
        columns = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[reading]}")
        self._bar = Bar(*columns, console=self._console, refresh_per_second=4, transient=True)

    def on_start(self, step: int, steps: int, unit: str) -> None:
        """Show the bar."""
        self._meter, self._unit = Meter(step, steps, unit), unit
        self._task: TaskID = self._bar.add_task("", total=steps, completed=step, reading="")
        self._bar.start()

    def on_step(self, progress: Progress) -> None:
        """Move the bar, and from time to time the numbers."""
        self._meter.add(progress)
        self._bar.update(self._task, completed=progress.step, description=_epoch(progress))
        if self._meter.seconds() >= self._SECONDS_BETWEEN_READINGS:
            self._bar.update(self._task, reading=self._meter.read())

    def on_message(self, text: str) -> None:
        """Print the line above the bar."""
        self._console.print(printable(self._spell(text)), markup=False, soft_wrap=True)

    def on_end(self) -> None:
        """Take the bar away."""
        self._bar.stop()


@contextmanager
def stages() -> Iterator[Callable[[str, int, int], None]]:
    """Yield a function for the stage, the steps done and the steps in all: a bar on a terminal, lines
    elsewhere.
    """
    if not sys.stderr.isatty():
        said: list[str] = []

        def say(what: str, done: int, steps: int) -> None:
            if said[-1:] != [what]:
                said.append(what)
                sys.stderr.write(f"{what} ...\n")
                sys.stderr.flush()

        yield say
        return
    columns = TextColumn("{task.description}"), BarColumn(), TimeRemainingColumn()
    with Bar(*columns, console=Console(stderr=True), transient=True) as bar:
        task = bar.add_task("")
        yield lambda what, done, steps: bar.update(task, description=what, completed=done, total=steps)


def duration(seconds: float) -> str:
    """Return seconds as a person says them: 42 s, 3 min 5 s, 2 h 10 min."""
    minutes, rest = divmod(round(seconds), 60)
    if minutes < 1:
        return f"{rest} s"
    hours, minutes_left = divmod(minutes, 60)
    return f"{hours} h {minutes_left} min" if hours else f"{minutes} min {rest} s"


def shown_metric(name: str, value: float, unit: str, measure: str = "nats") -> str:
    """Return a metric with its name, and the loss with its unit."""
    measured = f"{measure} per" if measure else "per"
    return f"{name} {value:.4f}" + (f" {measured} {unit}" if name == "loss" else "")


def _epoch(at: Progress | Evaluation) -> str:
    return f"epoch {at.epoch}/{at.epochs}"


def _held_out(evaluation: Evaluation, unit: str) -> str:
    found, per = evaluation.metrics, unit.removesuffix("s")
    names = dict.fromkeys(("loss", *evaluation.shown, evaluation.criterion))
    shown = ", ".join(
        shown_metric(name, found[name], per, evaluation.measure) for name in names if name in found
    )
    return f"held-out {shown}{'  (best so far)' if evaluation.best else ''}"
