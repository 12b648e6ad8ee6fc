"""Cross-validation: every example is answered by a model that has not seen it."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Generic, TypeVar

from bptt.jobs.task import Task
from bptt.runs.placement import Placement
from bptt.training.loop import train
from bptt.training.options import TrainingOptions
from bptt.training.report import Outcome, Reporter

AnyTask = TypeVar("AnyTask", bound=Task)

# No training has as many steps: the only evaluation is after the last one, and chooses nothing.
_NEVER = 2**62
_HERE = Placement()


@dataclass(frozen=True, eq=False)
class Fold(Generic[AnyTask]):
    """The `rows` that the model of `task` has not seen, and how its training ended."""

    rows: list[int]
    task: AnyTask
    outcome: Outcome


def train_folds(
    numbers: Sequence[int],
    make: Callable[[list[int], list[int]], AnyTask],
    options_for: Callable[[AnyTask], TrainingOptions],
    run: Path,
    reporter: Reporter,
    *,
    resume: bool = False,
    overwrite: bool = False,
    placement: Placement = _HERE,
) -> Iterator[Fold[AnyTask]]:
    """Train a model for each fold, on the examples of all others, into the folders `run`/fold-1, fold-2, ...

    `numbers` (N,) holds the fold of each example, from 0; `make` takes the rows to learn and the rows to
    hold out. The weights are those of the last epoch. Stops after a fold that was interrupted. Raises as
    `train` does.
    """
    for k in range(max(numbers) + 1):
        rows = [i for i, number in enumerate(numbers) if number == k]
        task = make([i for i, number in enumerate(numbers) if number != k], rows)
        options = replace(options_for(task), evaluate_every=_NEVER, patience=0)
        folder = run / f"fold-{k + 1}"
        outcome = train(
            task, options, folder, reporter, resume=resume, overwrite=overwrite, placement=placement
        )
        yield Fold(rows, task, outcome)
        if outcome.signal is not None:
            return
