"""A comparison from its options to its files: plan the trials, run them, write what was found."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from bptt.comparison.folder import digest, hold
from bptt.comparison.options import COMPARE, PROBLEM_LAGS, CompareOptions, listed
from bptt.comparison.problem_subjects import AddingSubject, CopySubject
from bptt.comparison.trial import Trial, TrialResult, plan_trials, run_trial
from bptt.comparison.variants import plan_variants
from bptt.data.reading import in_encoding
from bptt.errors import InputError
from bptt.files import MARK, check_output, to_json, write_output
from bptt.jobs.registry import compared_jobs
from bptt.jobs.subject import Shared, Subject
from bptt.options.checks import as_path, check_choice
from bptt.report.comparison_figure import draw_comparison
from bptt.report.comparison_record import COMPARISON, Comparison, read_comparison
from bptt.runs.memory import within_memory
from bptt.runs.processes import check_alone
from bptt.training.interrupt import Interrupted
from bptt.training.options import TrainingOptions
from bptt.training.random_state import kept_state
from bptt.training.report import Reporter, Silent
from bptt.training.watching import Watching, look_at
from bptt.version import __version__

PICTURE = "comparison.png"


@dataclass(frozen=True)
class ComparisonPlan:
    """The trials of a comparison, and the folder that will hold their runs and what was found.

    `data` identifies the data: a folder is resumed only with the same.
    """

    subject: Subject
    trials: tuple[Trial, ...]
    options: TrainingOptions
    folder: Path
    data: str


def compare(
    data: str | Path, output: str | Path, *, reporter: Callable[[], Reporter] = Silent, **options: Any
) -> Comparison:
    """Train cells, and remedies, side by side on the same data in the same order, as `bptt compare` does.

    A comparison that was interrupted goes on from its folder.

    Args:
        data: a problem, "adding" or "copy", or the path of a text, of labelled examples or of tagged words.
        output: the folder to write: a run for each trial, comparison.json and comparison.png.
        reporter: makes the reporter of each trial; by default nothing is printed.
        options: fields of CompareOptions, such as `cells="rnn,lstm"`, `remedies="clip"`, `epochs=5`.

    Returns what comparison.json and the records of the runs say. Raises InputError naming an option that is
    unknown or out of range, or if the folder holds other data; Interrupted after a signal, everything saved.

    """
    source, folder = as_path("data", data), as_path("output", output)
    chosen = COMPARE.make(CompareOptions, COMPARE.read(options))
    with kept_state():
        plan = plan_comparison(str(source), folder, chosen, reporter())
        return run_comparison(plan, reporter)


def plan_comparison(data: str, output: Path, options: CompareOptions, reporter: Reporter) -> ComparisonPlan:
    """Read or pose the data and plan the trials; nothing is written yet.

    Raises InputError naming a bad option, or if `data` is neither a problem nor a readable file;
    MachineError if a problem does not fit into memory.
    """
    check_alone("bptt compare")
    variants = plan_variants(
        listed(options.cells), listed(options.remedies), options.all_levels, options.all_shares
    )
    subject = _subject(data, options, reporter)
    training = options.training(data)
    seeds = range(options.seed, options.seed + options.seeds)
    equal_weights = options.equal == "weights"
    trials = plan_trials(subject, variants, options.hidden_size, equal_weights, output, seeds)
    problem = data in PROBLEM_LAGS
    identity = f"{subject.title}, {options.examples} examples" if problem else digest(Path(data))
    return ComparisonPlan(subject, tuple(trials), training, output, identity)


def run_comparison(plan: ComparisonPlan, reporter: Callable[[], Reporter] = Silent) -> Comparison:
    """Run the trials that are not finished yet; write, draw and return what was found.

    Raises InputError if the folder holds other data, a run, or a stranger's file; MachineError if it cannot
    be written; Interrupted after a signal, everything saved.
    """
    hold(plan.folder, plan.data)
    # Hours of training must not end at a name that is taken.
    for name in (COMPARISON, PICTURE):
        check_output(plan.folder / name)
    results = [_run(plan, number, reporter()) for number in range(len(plan.trials))]
    _write(plan, results)
    comparison = read_comparison(plan.folder)
    draw_comparison(comparison, plan.folder / PICTURE)
    return comparison


def _subject(data: str, options: CompareOptions, reporter: Reporter) -> Subject:
    """Pose the problem named `data`, else read the file of this name."""
    shared = Shared(options.num_layers, options.batch_size, options.seed)
    if data in PROBLEM_LAGS:
        lag = PROBLEM_LAGS[data] if options.lag is None else options.lag
        with within_memory("the examples", "Give a smaller lag, or fewer examples"):
            if data == "adding":
                return AddingSubject(lag, options.examples, shared)
            return CopySubject(lag, options.symbols, options.examples, shared)
    path = in_encoding(Path(data), options.encoding)
    if not path.exists():
        rule = f"must be a problem ({' or '.join(PROBLEM_LAGS)}) or a file"
        raise InputError(repr(data), rule, "neither")
    if options.lag is not None:
        raise InputError("lag", "is of adding and copy", data, "Leave it out")
    jobs, job = compared_jobs(), options.task
    if job is None:
        job = next(name for name, each in jobs.items() if each.suits(path))
        reporter.on_message(f"{data}: detected as data of `bptt train {job}`; `task` overrides this")
    check_choice("task", job, tuple(sorted(jobs)))
    return jobs[job].read(path, options.level, options.sequence_length, shared)


def _run(plan: ComparisonPlan, number: int, reporter: Reporter) -> TrialResult:
    """Run one trial, or take it up where it was. Raises Interrupted after a signal, everything saved."""
    trial, subject = plan.trials[number], plan.subject
    reporter.on_message(f"{trial.variant.name} ({number + 1} of {len(plan.trials)}): {subject.title}")
    for remark in subject.remarks(trial.variant):
        reporter.on_message(remark)
    look = partial(look_at, lags=subject.lag)
    # Nothing is looked at on the way; the observer only traces NaN and infinity to their origin.
    result = run_trial(subject, trial, plan.options, reporter, look, lambda task: Watching(task.model, 0))
    if result.failure:
        reporter.on_message(f"{trial.run.name} stopped: {result.failure}")
    if result.signal is not None:
        raise Interrupted(result.signal)
    return result


def _write(plan: ComparisonPlan, results: list[TrialResult]) -> None:
    """Write comparison.json."""
    found = {
        "by": f"{MARK} {__version__}",
        "title": plan.subject.title,
        "lag": plan.subject.lag,
        "baseline": plan.subject.baseline,
        "runs": [result.to_dict() for result in results],
    }
    text = to_json(found, indent=1)
    write_output(plan.folder / COMPARISON, text.encode("utf-8", "backslashreplace"))
