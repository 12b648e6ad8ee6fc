"""One training of any job, from what was chosen to how it ended."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch

from bptt.deferred import deferred
from bptt.errors import InputError
from bptt.jobs.answers import EvaluationReport
from bptt.jobs.job import Folding, Job
from bptt.jobs.loading import load
from bptt.jobs.registry import job_of
from bptt.jobs.task import Task
from bptt.options.choices import Choices
from bptt.runs.origin import Origin
from bptt.runs.placement import Placement
from bptt.runs.processes import Processes, joined
from bptt.training.folds import train_folds
from bptt.training.grouped import settle_groups
from bptt.training.loop import train
from bptt.training.opening import check_run
from bptt.training.options import TrainingOptions, usual_epochs
from bptt.training.precision import compare_precisions
from bptt.training.profiling import Profiling
from bptt.training.reading_progress import reading_shown
from bptt.training.report import Outcome, Reporter, Silent
from bptt.training.run_options import RunOptions
from bptt.training.watching import Watching

# Of an extra, which most runs do without.
_tensorboard = deferred("bptt.training.tensorboard", "TensorBoardReporter")


@dataclass(frozen=True)
class JobRun:
    """How a training ended, and `lines` for the user; `scores` of a cross-validation, else None."""

    outcome: Outcome
    unit: str = ""
    holds_out: bool = True
    lines: tuple[str, ...] = ()
    scores: EvaluationReport | None = None


def run_job(job: Job[Any], choices: Choices, reporter: Reporter) -> JobRun:
    """Train as chosen, into the run folder that was named.

    Processes that `torchrun` has started share the work; the first one alone reports, writes, and returns
    lines. Draws from torch's generator, which it seeds. Raises InputError for options, files and folders that
    do not fit, TrainingError and MachineError as the loop does, ElsewhereError if another process failed.
    """
    run = choices.make(RunOptions)
    with joined(run.device, run.timeout) as placement:
        return _run_placed(job, choices, reporter, run, placement)


def _run_placed(
    job: Job[Any], choices: Choices, reporter: Reporter, run: RunOptions, placement: Placement
) -> JobRun:
    processes = Processes.of(placement)
    first = processes.is_first
    reporter = reporter if first else Silent()
    options, note = processes.together(partial(_settle, choices, run, processes))
    processes.together(lambda: check_run(run.output, run.resume, run.overwrite) if first else None)
    choices = replace(choices, say=reporter.on_message)
    options_for = partial(with_usual_epochs, job, choices, options)
    with reading_shown(reporter, "reading", job.options.stays):
        folding = processes.together(partial(_fold, job, choices, run))
    if folding is not None:
        return _cross_validate(folding, options_for, run, reporter, placement)

    def begin() -> tuple[Task, Watching]:
        origin = origin_of(job, run)
        torch.manual_seed(options.seed)
        with reading_shown(reporter, "reading", job.options.stays):
            task = job.begin(choices, origin)
        # The other processes look only where numbers go wrong.
        return task, Watching(task.model, run.watch if first else 0)

    task, watching = processes.together(begin)
    shown = _tensorboard(reporter, run.output / "tensorboard") if run.tensorboard and first else reporter
    if first:
        for line in (*task.describe(), *([note] if note else [])):
            shown.on_message(line)
    profiling = Profiling(task, options, placement) if run.profile else None
    with profiling or nullcontext():
        outcome = train(
            task,
            options_for(task),
            run.output,
            shown,
            observer=watching,
            resume=run.resume,
            overwrite=run.overwrite,
            placement=placement,
        )
    if not first:
        return JobRun(outcome, task.unit, task.holds_out)
    concluded = task.conclude(run.output) if outcome.best_step else []
    if outcome.best_step and outcome.signal is None:
        concluded = [*concluded, *compare_precisions(task, options, run.output)]
    profiled = profiling.conclude(run.output) if profiling else []
    return JobRun(outcome, task.unit, task.holds_out, (*watching.lines, *concluded, *profiled))


def _settle(choices: Choices, run: RunOptions, processes: Processes) -> tuple[TrainingOptions, str | None]:
    """Return the options with a number of groups, and a line on it. Raises InputError if they do not fit."""
    options, note = settle_groups(choices.make(TrainingOptions), processes)
    if run.watch and options.takes_whole_set:
        cure = "Watch with another optimiser"
        raise InputError("watch", "looks at updates on single batches", options.optimiser, cure)
    if run.profile and (options.groups or processes.size > 1):
        raise _not_profiled("several processes" if processes.size > 1 else "`groups`")
    return options, note


def _fold(job: Job[Any], choices: Choices, run: RunOptions) -> Folding | None:
    found = job.fold(choices) if job.fold else None
    if run.profile and found is not None:
        raise _not_profiled("a cross-validation")
    return found


def _not_profiled(what: str) -> InputError:
    rule = "measures one training in one process, without `groups`"
    return InputError("profile", rule, what, "Leave it out")


def with_usual_epochs(
    job: Job[Any], choices: Choices, options: TrainingOptions, task: Task
) -> TrainingOptions:
    """Return `options` with more epochs if none were chosen and the data are too few for enough updates."""
    if not job.options.few or choices.has("epochs"):
        return options
    usual = usual_epochs(task.steps(0), task.least_updates)
    return replace(options, epochs=max(options.epochs, usual))


def origin_of(job: Job[Any], run: RunOptions) -> Origin[Any] | None:
    """Return the model that a run begins with, if any. Raises InputError if it is of another job."""
    if run.init_from is None:
        return None
    trained = load(run.init_from)
    if trained.task != job.options.task:
        rule, cure = "must be a run of the same job to begin from", "Name such a run"
        raise InputError(str(run.init_from), rule, f"a {job_of(trained).options.called}", cure)
    return Origin(run.init_from.resolve().name, trained, not run.keep_vocabulary)


def _cross_validate(
    folding: Folding,
    options_for: Callable[[Task], TrainingOptions],
    run: RunOptions,
    reporter: Reporter,
    placement: Placement,
) -> JobRun:
    """Score each example by a model that has not seen it, nor an equal input."""

    def make(learned: list[int], held_out: list[int]) -> Task:
        task = processes.together(lambda: folding.make(learned, held_out))
        for line in () if answered else task.describe():
            reporter.on_message(line)
        return task

    processes = Processes.of(placement)
    answered: list[tuple[Task, list[int]]] = []
    folds = train_folds(
        folding.folds,
        make,
        options_for,
        run.output,
        reporter,
        resume=run.resume,
        overwrite=run.overwrite,
        placement=placement,
    )
    for fold in folds:
        outcome = fold.outcome
        if outcome.signal is not None:
            return JobRun(outcome)
        answered.append((fold.task, fold.rows))
        reporter.on_message(f"fold {len(answered)} of {max(folding.folds) + 1}: {outcome.run}")
    return JobRun(outcome, scores=folding.score(answered))
