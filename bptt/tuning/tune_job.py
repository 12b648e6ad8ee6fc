"""A search for better options from its options to its files: best.toml, tuning.json, tuning.png."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bptt.errors import InputError
from bptt.files import MARK, check_output, to_json, write_output
from bptt.jobs.job import Job
from bptt.jobs.registry import find_job
from bptt.jobs.task import SMALLER_IS_BETTER
from bptt.options.checks import as_path
from bptt.options.choices import Choices
from bptt.options.recipe import write_recipe
from bptt.report.tuning_figure import draw_tuning
from bptt.report.tuning_record import CandidateResult, PairedJudgement, Rung, Tuning
from bptt.runs.processes import check_alone
from bptt.training.random_state import kept_state
from bptt.training.run_lock import locked
from bptt.training.run_options import options_of
from bptt.tuning.candidate_training import TuningProblem
from bptt.tuning.halving import DEFAULTS
from bptt.tuning.journal import Journal, hold
from bptt.tuning.options import TuneOptions, tune_options
from bptt.tuning.search import OptionSearch
from bptt.tuning.search_progress import Quiet, SearchLines
from bptt.version import __version__

RECIPE, RESULTS, PICTURE = "best.toml", "tuning.json", "tuning.png"
_REFUSED = {
    "folds": "is of `bptt train`: candidates are chosen by one held-out part",
    "evaluate_every": "must be left out: candidates are compared after whole epochs",
}


def tune(
    job: str, data: Any = None, output: str | Path | None = None, *, progress: bool = True, **options: Any
) -> Tuning:
    """Search for better options of a training, as `bptt tune JOB DATA -o OUTPUT` does.

    A search that was interrupted goes on from its folder.

    Args:
        job: the name of a job, such as "lm", "classify" or "tag".
        data: the file or folder to learn from.
        output: the folder to write: the trainings, best.toml, tuning.json and tuning.png.
        progress: show it as the command does.
        options: those of the command, such as `budget="30m"` and `test`; what is given of those of the job is
            the same for all candidates.

    Returns the candidates, the best one, and how it compares with the defaults on data that chose nothing.
    Raises InputError naming an option that is unknown or out of range, or if the folder holds another search;
    Interrupted after a signal, everything saved.

    """
    record = find_job(job)
    known = tune_options(record.options)
    files = next(each.name for each in known.of("") if each.about.argument)
    named = {files: data, "output": None if output is None else as_path("output", output)}
    given = {**options, **{name: value for name, value in named.items() if value is not None}}
    with kept_state():
        return run_tuning(record, Choices.read(known, given), SearchLines() if progress else Quiet())


def run_tuning(job: Job[Any], choices: Choices, shows: Quiet) -> Tuning:
    """Search, compare, and write what was found. Raises as `tune` does; MachineError if the disk is full."""
    check_alone("bptt tune")
    chosen = choices.make(TuneOptions)
    files = next((each.name for each in choices.options.of("") if each.about.argument), "")
    own = {each.name for each in choices.options.of("run")}
    of_job = {each.name for each in options_of(job.options)} - own
    fixed = {name: value for name, value in choices.given.items() if name in of_job}
    for name, rule in _REFUSED.items():
        if fixed.get(name):
            raise InputError(name, rule, fixed[name], "Leave it out")
    problem = TuningProblem(job, fixed, chosen)
    hold(chosen.output, problem, fixed.get(files))
    for name in (RECIPE, RESULTS, PICTURE):
        check_output(chosen.output / name)
    with locked(chosen.output):
        journal = Journal(chosen.output)
        search = OptionSearch(problem, journal, shows)
        shows.start(chosen.limit, journal.seconds)
        try:
            best = search.run()
            if best != DEFAULTS:
                search.compare(best)
        finally:
            shows.end()
        found = _found(problem, journal, best, files)
        values = {**fixed, **search.values_of(best)}
        values.pop(files, None)
        head = f"# The best of {len(found.candidates)} candidates, {MARK} {__version__}.\n"
        recipe = head + write_recipe(options_of(job.options), values, job.name)
        write_output(chosen.output / RECIPE, recipe.encode())
        text = to_json({"by": f"{MARK} {__version__}", **found.to_dict()}, indent=1)
        write_output(chosen.output / RESULTS, text.encode("utf-8", "backslashreplace"))
        draw_tuning(found, chosen.output / PICTURE)
    return found


def _found(problem: TuningProblem, journal: Journal, best: int, files: str) -> Tuning:
    """Return the findings of the journal, with the comparison of the `best` candidate."""
    entries = list(journal.of("rung"))
    candidates = []
    for number in dict.fromkeys(int(each["candidate"]) for each in entries):
        own = [each for each in entries if each["candidate"] == number]
        rungs = tuple(
            Rung(
                int(each["rung"]),
                int(each["epochs"]),
                None if each["failure"] else float(each["value"]),
                float(each["seconds"]),
                int(each["seeds"]),
                str(each["failure"]),
            )
            for each in own
        )
        candidates.append(CandidateResult(number, own[0]["values"], int(own[0]["all_epochs"]), rungs))
    criterion = str(entries[0]["criterion"])
    data = problem.fixed.get(files)
    title = f"{problem.job.name}, {_named(data) if data else 'its own data'}"
    judged = _judged(problem, journal, best, criterion) if best != DEFAULTS else None
    seconds = journal.seconds
    recipe = str(problem.options.output / RECIPE)
    return Tuning(title, criterion, tuple(candidates), best, judged, seconds, recipe)


def _named(data: Any) -> str:
    return ", ".join(Path(each).name for each in (data if isinstance(data, tuple | list) else (data,)))


def _judged(problem: TuningProblem, journal: Journal, best: int, criterion: str) -> PairedJudgement | None:
    """Return the pairs of the comparison; None if none of them is complete."""
    values = {
        (int(each["candidate"]), int(each["seed"])): float(each["value"])
        for each in journal.of("judged")
        if each["value"] is not None
    }
    seeds = tuple(seed for number, seed in values if number == best and (DEFAULTS, seed) in values)
    if not seeds:
        return None
    metric = next(str(each["metric"]) for each in journal.of("judged"))
    test = problem.options.test
    return PairedJudgement(
        metric,
        metric in SMALLER_IS_BETTER or metric != criterion,
        test.name if test is not None else "half of what is held out",
        seeds,
        tuple(values[DEFAULTS, seed] for seed in seeds),
        tuple(values[best, seed] for seed in seeds),
    )
