"""One candidate trained: on to a rung, from one seed or several, and judged on data that chose nothing."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from bptt.errors import InputError, MachineError, TrainingError
from bptt.jobs.commands import evaluate_options
from bptt.jobs.job import Job
from bptt.jobs.loading import load
from bptt.jobs.task import SMALLER_IS_BETTER, Task
from bptt.options.choices import Choices
from bptt.report.run_records import read_records
from bptt.runs.placement import Placement
from bptt.runs.run_folder import CONFIG, WEIGHTS
from bptt.runs.weights import read_weights
from bptt.training.interrupt import Interrupted
from bptt.training.job_run import with_usual_epochs
from bptt.training.loop import train
from bptt.training.opening import RECORDS
from bptt.training.options import TrainingOptions
from bptt.training.report import Reporter, Silent
from bptt.training.run_options import options_of
from bptt.tuning.halving import epochs_of
from bptt.tuning.options import TuneOptions

# The rule of the error that `within_memory` raises: a candidate too large, not a full disk.
_TOO_LARGE = "must fit into memory"
_CHOOSES, _JUDGES = 0, 1


@dataclass(frozen=True)
class TuningProblem:
    """The problem of a search: the job, the options that are `fixed`, and those of the search."""

    job: Job[Any]
    fixed: Mapping[str, Any]
    options: TuneOptions

    @property
    def seed(self) -> int:
        """The seed of the split, of the candidates, and of their first weights."""
        found: int = self.fixed.get("seed", 0)
        return found


@dataclass(frozen=True)
class PartialTraining:
    """How far a training came: `epochs` of `all_epochs`, with its best held-out `value` of the `criterion`.

    `loss` is the one beside that value. `failure` says why training failed, "" if it did not; `embeds`,
    whether the model has an embedding.
    """

    criterion: str
    value: float | None
    loss: float | None
    epochs: int
    all_epochs: int
    failure: str = ""
    embeds: bool = False

    @property
    def score(self) -> tuple[float, float] | None:
        """The larger, the better; None if training failed."""
        if self.failure or self.value is None or self.loss is None:
            return None
        return score_of(self.criterion, self.value), -self.loss


def score_of(criterion: str, value: float) -> float:
    """Return a value of the criterion as a score, the larger the better."""
    return -value if criterion in SMALLER_IS_BETTER else value


def train_to(
    problem: TuningProblem,
    values: Mapping[str, Any],
    run: Path,
    rung: int,
    reporter: Reporter,
    more_seed: int = 0,
) -> PartialTraining:
    """Train a candidate into the folder `run` up to a rung, or on to it from its last checkpoint.

    `more_seed` is added to the seed of the weights, not to that of the split. A candidate that diverges, that
    does not fit into memory, or whose options contradict each other, has failed. Raises Interrupted after a
    signal, everything saved; InputError if the defaults are refused.
    """
    criterion, epochs = "loss", 0
    try:
        task, options = _begin(problem, values, run, more_seed, reporter, _CHOOSES)
        criterion, epochs = task.criterion, options.epochs
        until = epochs_of(rung, epochs)
        going_on = (run / CONFIG).exists()
        place = Placement.parse(problem.options.device)
        outcome = train(task, options, run, reporter, resume=going_on, until=until, placement=place)
    except (InputError, MachineError, TrainingError) as error:
        if isinstance(error, MachineError) and error.rule != _TOO_LARGE:
            raise
        if isinstance(error, InputError) and not values:
            raise
        return PartialTraining(criterion, None, None, 0, epochs, str(error))
    if outcome.signal is not None:
        raise Interrupted(outcome.signal)
    value, loss = _best(run, criterion)
    embeds = any("embedding" in name for name, _ in task.model.named_parameters())
    return PartialTraining(criterion, value, loss, min(until, outcome.epoch), epochs, embeds=embeds)


def judge(problem: TuningProblem, values: Mapping[str, Any], run: Path) -> tuple[str, float]:
    """Return a metric and its value, with the best weights of a run, on data that chose neither epoch nor
    candidate: the criterion, or the first metric of the evaluation if that does not measure the criterion.
    """
    if problem.options.test is not None:
        trained = load(run, problem.options.device)
        files = {"run": run, "data": (problem.options.test,)}
        encoding = {name: problem.fixed[name] for name in ("encoding",) if name in problem.fixed}
        found = problem.job.evaluate(trained, run, Choices.read(evaluate_options(), {**files, **encoding}))
        criterion = problem.job.criterion(trained)
        if criterion not in found.metrics:
            # Forecasts are judged in other units than the loss of their training.
            criterion = next(iter(found.metrics))
        return criterion, float(found.metrics[criterion])
    task, _ = _begin(problem, values, run, 0, Silent(), _JUDGES)
    Placement.parse(problem.options.device).place(task.model)
    read_weights(task.model, run / WEIGHTS)
    return task.criterion, float(task.evaluate()[task.criterion])


def _begin(
    problem: TuningProblem,
    values: Mapping[str, Any],
    run: Path,
    more_seed: int,
    reporter: Reporter,
    half: int,
) -> tuple[Task, TrainingOptions]:
    """Return the task of a candidate and its options; it evaluates on one half of the held-out data."""
    job, shared = problem.job, problem.options
    given = {**problem.fixed, **values, "output": run, "device": shared.device, "workers": shared.workers}
    choices = Choices(options_of(job.options), given, reporter.on_message)
    options = choices.make(TrainingOptions)
    options = replace(options, seed=problem.seed + more_seed, checkpoints=1)
    torch.manual_seed(options.seed)
    task = job.begin(choices, None)
    if not task.holds_out:
        rule, cure = "must be above 0: candidates are chosen by held-out data", "Leave it out, or give `dev`"
        raise InputError("held_out", rule, 0, cure)
    if shared.test is None:
        task.keep_half(half)
    return task, with_usual_epochs(job, choices, options, task)


def _best(run: Path, criterion: str) -> tuple[float, float]:
    """Return the best held-out value of a run, and the loss beside it."""
    records = [each for each in read_records(run / RECORDS) if each["kind"] == "held-out"]
    pairs = ((float(each[criterion]), float(each["loss"])) for each in records)
    return max(pairs, key=lambda pair: (score_of(criterion, pair[0]), -pair[1]))
