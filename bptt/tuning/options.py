"""The options of a search, beside those of the job, which every candidate shares."""

from __future__ import annotations

import re
from dataclasses import MISSING, dataclass
from pathlib import Path

from bptt.errors import InputError
from bptt.jobs.options import JobOptions
from bptt.options.field import check_fields, option
from bptt.options.option_set import OptionSet
from bptt.training.options import TrainingOptions
from bptt.training.run_options import MOST_THREADS

_SECONDS = {"s": 1, "m": 60, "h": 3600}
_BUDGET = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?(s|m|h)|([1-9][0-9]{0,5})")
# More seeds change no verdict; a larger number can only be a mistake.
_MOST_SEEDS = 1000


@dataclass(frozen=True)
class SearchBudget:
    """The time in seconds, or the number of candidates, after which a search ends; the other is None."""

    seconds: float | None
    candidates: int | None


@dataclass(frozen=True)
class TuneOptions:
    """The folder, the budget and the comparison of a search. Raises InputError naming the option."""

    output: Path = option(
        MISSING,
        "Folder to write: the trainings, best.toml, tuning.json, tuning.png.",
        group="Run",
        flags="output o",
        common=True,
    )
    budget: str = option(
        "30m",
        "Time for everything, such as 90s, 30m or 2h; or the number of candidates.",
        group="Search",
        common=True,
    )
    test: Path | None = option(
        None,
        "Labelled data on which the defaults and the best candidate are compared.",
        usual="half of what is held out",
        group="Search",
        common=True,
    )
    seeds: int = option(
        5,
        "Trainings of the defaults, and of the best candidate, in the comparison.",
        group="Search",
        least=2,
        most=_MOST_SEEDS,
        common=True,
    )
    threads: int = option(0, "CPU threads (0: torch's choice).", group="Run", least=0, most=MOST_THREADS)
    device: str = option("cpu", "Device to compute on: cpu, cuda, cuda:1 or mps.", group="Run", common=True)
    workers: int = option(
        0,
        "Threads that encode inputs ahead of time, if these do not fit into memory (0: none).",
        group="Run",
        least=0,
    )

    def __post_init__(self) -> None:
        check_fields(self)
        _ = self.limit

    @property
    def limit(self) -> SearchBudget:
        """The budget. Raises InputError if it is neither a time nor a number."""
        found = _BUDGET.fullmatch(self.budget.strip())
        if found is None or (found[1] and not float(found[1])):
            rule = "is a time above 0, such as 90s, 30m or 2h, or a number of candidates"
            raise InputError("budget", rule, repr(self.budget))
        if found[3]:
            return SearchBudget(None, int(found[3]))
        return SearchBudget(float(found[1]) * _SECONDS[found[2]], None)


def tune_options(job: JobOptions) -> OptionSet:
    """Return all options of `bptt tune JOB`: those of the job and of the loop, and those of the search."""
    own = job.train
    sections = {**own.sections, "training": TrainingOptions, "run": TuneOptions}
    return OptionSet(sections, own.usual, own.words, own.fixed)
