"""`bptt.train`: whatever the command line trains, from Python, with the same names."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch

from bptt.data.reading import read_bytes
from bptt.errors import InputError
from bptt.jobs.loading import load
from bptt.jobs.registry import find_job
from bptt.options.checks import as_path, shown
from bptt.options.choices import Choices
from bptt.options.recipe import read_recipe
from bptt.training.interrupt import Interrupted
from bptt.training.job_run import run_job
from bptt.training.progress import reporter
from bptt.training.random_state import kept_state
from bptt.training.recall import recall
from bptt.training.report import Silent
from bptt.training.run_options import options_of

_IN_MEMORY = (
    "Write data in memory into a file first, or train an estimator: "
    "bptt.SequenceClassifier, SequenceTagger or SequenceRegressor"
)


def train(
    job: str,
    data: Any = None,
    output: str | Path | None = None,
    *,
    config: str | Path | None = None,
    progress: bool = True,
    **options: Any,
) -> Any:
    """Train a model as `bptt train JOB DATA -o OUTPUT` does, and return it with its best weights.

    Args:
        job: the name of a job, such as "lm", "classify", "tag" or "translate".
        data: the file or folder to learn from; of a language model perhaps several, or None.
        output: the run folder to write.
        config: a recipe, a TOML file; what is given here goes before it.
        progress: show it as the command does, a bar on a terminal or in a notebook; False: nothing is said.
            Random generators and settings of torch are as before afterwards; trainings in threads take turns.
        options: those of the command, by the names of their fields (hidden_size=64) or as it spells them
            (hidden=64). With resume=True what is left out is as in the run.

    Returns:
        What `bptt.load` gives for the run folder; of a cross-validation its EvaluationReport.

    Raises:
        InputError: an unknown option or value, data that cannot be read, a run folder that is taken.
        TrainingError: NaN, infinity or divergence; the last checkpoint stays.
        MachineError: the memory or the disk is full.
        KeyboardInterrupt: the training was interrupted; it is saved and can be resumed.

    """
    if not isinstance(progress, bool):
        raise InputError("progress", "is true or false", shown(progress))
    record = find_job(job)
    known = options_of(record.options)
    files = next(each.name for each in known.of("") if each.about.argument)
    if data is not None and files in options:
        raise InputError(files, "is given once", "also as data")
    named = {files: _names(data), "output": output}
    given = {**options, **{name: value for name, value in named.items() if value is not None}}
    choices = Choices.read(known, given)
    if config is not None:
        path = as_path("config", config)
        choices = choices.over(read_recipe(read_bytes(path), str(path), known, job))
    choices, _ = recall(choices)
    shows = reporter() if progress else Silent()
    with kept_state(), _arithmetic(choices.get("threads")):
        found = run_job(record, choices, shows)
    for line in found.lines:
        shows.on_message(line)
    if found.outcome.signal is not None:
        raise Interrupted(found.outcome.signal)
    return load(found.outcome.run, choices.get("device")) if found.scores is None else found.scores


def _names(data: Any) -> Any:
    """Return one name or several as options take them. Raises InputError for data that are no names."""
    if isinstance(data, list | tuple):
        return tuple(as_path("data", each, _IN_MEMORY) for each in data)
    return None if data is None else as_path("data", data, _IN_MEMORY)


@contextmanager
def _arithmetic(threads: int) -> Iterator[None]:
    """Compute as the command does, and afterwards as the caller did: denormals, and the number of threads."""
    # torch has no function that returns this setting.
    flushed = not torch.tensor(1e-310, dtype=torch.float64).mul(1).item()
    before = torch.get_num_threads()
    torch.set_flush_denormal(True)
    if threads:
        torch.set_num_threads(threads)
    try:
        yield
    finally:
        torch.set_flush_denormal(flushed)
        torch.set_num_threads(before)
