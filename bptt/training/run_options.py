"""Where a training goes, and what it begins from: options of the run that change no number of it."""

from __future__ import annotations

from dataclasses import MISSING, dataclass
from pathlib import Path

from bptt.errors import InputError
from bptt.jobs.options import JobOptions
from bptt.options.field import check_fields, option
from bptt.options.option_set import OptionSet
from bptt.training.options import TrainingOptions

# More than the cores of any machine; each takes memory of its own.
MOST_THREADS = 1024


@dataclass(frozen=True)
class RunOptions:
    """Where everything goes, and how a run begins. Raises InputError naming the option."""

    output: Path = option(MISSING, "Run folder to write.", group="Run", flags="output o", common=True)
    resume: bool = option(
        False,
        "Continue the run in the folder, exactly; options left out are those of the run.",
        group="Run",
        common=True,
    )
    overwrite: bool = option(False, "Delete the run in the folder and begin again.", group="Run", common=True)
    init_from: Path | None = option(
        None,
        "Run folder whose weights, vocabulary and model options the new run begins with.",
        group="Run",
        common=True,
    )
    keep_vocabulary: bool = option(
        False, "With `init_from`: add no tokens of the new data to the vocabulary.", group="Run"
    )
    threads: int = option(0, "CPU threads (0: torch's choice).", group="Run", least=0, most=MOST_THREADS)
    device: str = option("cpu", "Device to compute on: cpu, cuda, cuda:1 or mps.", group="Run", common=True)
    workers: int = option(
        0,
        "Threads that encode inputs ahead of time, if these do not fit into memory (0: none).",
        group="Run",
        least=0,
    )
    watch: int = option(
        0, "Steps between measurements of the gradient through time (0: never).", group="Run", least=0
    )
    timeout: float = option(
        600.0,
        "Seconds that a process waits for the others, if `torchrun` has started several.",
        group="Processes",
        least=1,
    )
    profile: bool = option(
        False, "Measure the parts of an update: a table, profile.json and profile.svg.", group="Run"
    )
    tensorboard: bool = option(False, "Also write scalars for TensorBoard into the run folder.", group="Run")

    def __post_init__(self) -> None:
        check_fields(self)
        if self.keep_vocabulary and self.init_from is None:
            cure = "Give `init_from`"
            raise InputError("keep_vocabulary", "is of a run that another one begins from", cure=cure)
        if self.init_from is None or self.resume:
            return
        if self.init_from.resolve() == self.output.resolve():
            raise InputError("init_from", "must be another folder than `output`", str(self.output))


def options_of(job: JobOptions) -> OptionSet:
    """Return all options of `bptt train JOB`: those of the job, of the loop and of the run."""
    own = job.train
    sections = {**own.sections, "training": TrainingOptions, "run": RunOptions}
    return OptionSet(sections, own.usual, own.words, own.fixed)
