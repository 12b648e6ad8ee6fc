"""A search as it is seen: one bar over its budget on a terminal, a line for each step that is done."""

from __future__ import annotations

import sys
from collections.abc import Callable
from time import monotonic

from rich.console import Console
from rich.progress import BarColumn, TextColumn
from rich.progress import Progress as Bar

from bptt.errors import printable
from bptt.training.progress import duration
from bptt.training.report import Progress, Reporter, Silent
from bptt.tuning.options import SearchBudget


class Quiet:
    """Shows nothing of a search."""

    def start(self, budget: SearchBudget, spent: float) -> None:
        """Called before the first step, with the seconds that were spent before."""

    def training(self, title: str) -> Reporter:
        """Return the reporter of a training."""
        return Silent()

    def step(self, line: str, spent: float, begun: int) -> None:
        """Called after a step, with the seconds spent in all and the candidates begun."""

    def say(self, line: str) -> None:
        """Called with a line that the user should read."""

    def end(self) -> None:
        """Called once at the end, also after an error."""


class SearchLines(Quiet):
    """Prints a line for each step, on a terminal above a bar."""

    def __init__(self, spell: Callable[[str], str] = str) -> None:
        self._spell, self._console = spell, Console(stderr=True, highlight=False)
        columns = TextColumn("{task.description}"), BarColumn(), TextColumn("{task.fields[left]}")
        self._bar = Bar(*columns, console=self._console, refresh_per_second=4, transient=True)
        self._shows_bar = sys.stderr.isatty() or self._console.is_jupyter

    def start(self, budget: SearchBudget, spent: float) -> None:
        """Show the bar."""
        self._budget, self._spent, self._since = budget, spent, monotonic()
        total = budget.seconds or budget.candidates
        self._task = self._bar.add_task("", total=total, left="")
        if self._shows_bar:
            self._bar.start()

    def training(self, title: str) -> Reporter:
        """Return a reporter that moves the bar, and passes lines on."""
        return _Trained(self, title)

    def show(self, title: str) -> None:
        """Name what goes on, and move the bar."""
        if self._budget.seconds:
            spent = self._spent + monotonic() - self._since
            left = f"{duration(max(0.0, self._budget.seconds - spent))} left"
            self._bar.update(self._task, description=title, completed=spent, left=left)
        else:
            self._bar.update(self._task, description=title)

    def step(self, line: str, spent: float, begun: int) -> None:
        """Print the line, with what is left of the budget."""
        self._spent, self._since = spent, monotonic()
        if self._budget.seconds:
            left = f"{duration(max(0.0, self._budget.seconds - spent))} left"
        else:
            left = f"{begun} of {self._budget.candidates} candidates begun"
            self._bar.update(self._task, completed=begun, left=left)
        self.say(f"{line}; {left}")

    def say(self, line: str) -> None:
        """Print the line above the bar."""
        shown = printable(self._spell(line))
        if self._shows_bar:
            self._console.print(shown, markup=False, soft_wrap=True)
        else:
            sys.stderr.write(shown + "\n")
            sys.stderr.flush()

    def end(self) -> None:
        """Take the bar away."""
        self._bar.stop()


class _Trained(Silent):
    """The reporter of one training of a search."""

    def __init__(self, lines: SearchLines, title: str) -> None:
        self._lines, self._title = lines, title

    def on_step(self, progress: Progress) -> None:  # type: ignore[override]
        """Show the epoch."""
        self._lines.show(f"{self._title}, epoch {progress.epoch}/{progress.epochs}")
