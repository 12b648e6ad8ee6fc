"""The registry of jobs by name, the only place that lists them; a job is imported when first needed."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bptt.errors import InputError
from bptt.jobs.options import JobOptions
from bptt.options.checks import shown
from bptt.plugins import entries, find
from bptt.runs.run_folder import CONFIG, read_config

if TYPE_CHECKING:
    from bptt.graphs.written import WrittenGraphs
    from bptt.jobs.ensembling import Ensembling
    from bptt.jobs.job import Job, TrainedModel
    from bptt.jobs.model_page import ModelPage
    from bptt.jobs.subject import Compared

# The package of each job: its module `options`, which imports nothing heavy, has OPTIONS; `job` has JOB; and
# where there is such a module, `pictures` has `draw`, `graphs` has `write`, `model_page` has `describe`,
# `compared` has COMPARED, `ensemble` has ENSEMBLING, and `answering` has ANSWERS, the classes of its answers
# by verb. A file to compare on is offered to the last job first: any file may be a text for a language model.
_PACKAGES = {
    "lm": "bptt.jobs.language",
    "music": "bptt.jobs.music",
    "classify": "bptt.jobs.classify",
    "tag": "bptt.jobs.tag",
    "mark": "bptt.jobs.mark",
    "translate": "bptt.jobs.translate",
    "regress": "bptt.jobs.regress",
    "forecast": "bptt.jobs.forecast",
    "transcribe": "bptt.jobs.transcribe",
}
# The entry points under which other packages register a Job.
GROUP = "bptt.jobs"


def job_names() -> tuple[str, ...]:
    """Return the names of all jobs, those of this package first."""
    return (*_PACKAGES, *(name for name in entries(GROUP) if name not in _PACKAGES))


def find_options(name: str) -> JobOptions:
    """Return the names and options of a job. Raises InputError as `find_job` does."""
    if name in _PACKAGES:
        found: JobOptions = import_module(f"{_PACKAGES[name]}.options").OPTIONS
        return found
    return find_job(name).options


def find_job(name: str) -> Job[Any]:
    """Return the job with this name.

    Raises InputError if there is none, or the package that adds it cannot be imported.
    """
    # A list, say, cannot be looked up.
    if not isinstance(name, str):
        raise InputError("job", f"is one of {', '.join(job_names())}", shown(name))
    if name in _PACKAGES:
        found: Job[Any] = import_module(f"{_PACKAGES[name]}.job").JOB
        return found
    added: Job[Any] | None = find(GROUP, name, import_module("bptt.jobs.job").Job)
    if added is None:
        raise InputError("job", f"is one of {', '.join(job_names())}", repr(name))
    return added


def all_options() -> Iterator[JobOptions]:
    """Yield the options of every job; jobs of packages that cannot be imported are skipped."""
    for name in job_names():
        try:
            yield find_options(name)
        except InputError:
            if name in _PACKAGES:
                raise


def job_of_run(run: Path) -> Job[Any]:
    """Return the job of a run folder.

    Raises InputError with file and cure if the folder is no run, or its job is not installed.
    """
    return find_job(options_of_run(run).name)


def options_of_run(run: Path) -> JobOptions:
    """Return the names and the options of the job of a run folder. Raises InputError as `job_of_run` does."""
    task = read_config(run).get("task")
    # Most jobs have the name of their task, so the options of other jobs need not be imported.
    if task in job_names() and find_options(task).task == task:
        return find_options(task)
    known = list(all_options())
    for options in known:
        if options.task == task:
            return options
    cure = (
        "Was it written by a newer version of bptt, with a package that is not installed here, or as a "
        "problem of `bptt compare`?"
    )
    tasks = ", ".join(options.task for options in known)
    raise InputError(str(run / CONFIG), f'"task" is one of {tasks}', repr(task), cure)


def job_of(trained: TrainedModel) -> Job[Any]:
    """Return the job of a trained model."""
    return next(find_job(options.name) for options in all_options() if options.task == trained.task)


def compared_jobs() -> dict[str, Compared]:
    """Return how each job takes part in comparisons, for those that do, the most particular data first."""
    found: dict[str, Compared] = {}
    for options in reversed(list(all_options())):
        package = _PACKAGES.get(options.name)
        if package is None:
            compared = find_job(options.name).compared
        elif find_spec(f"{package}.compared") is None:
            compared = None
        else:
            compared = import_module(f"{package}.compared").COMPARED
        found |= {} if compared is None else {options.name: compared}
    return found


def find_answers() -> dict[str, Mapping[str, Sequence[type[Any]]]]:
    """Return the classes of the answers of each job of this package, by verb."""
    return {name: import_module(f"{package}.answering").ANSWERS for name, package in _PACKAGES.items()}


def find_drawing(job: Job[Any]) -> Callable[[Any, Path], None] | None:
    """Return the function that draws the picture of an evaluation, None if the job has none."""
    found: Callable[[Any, Path], None] | None = _of_package(job, "pictures", "draw") or job.draw
    return found


def find_graphs(job: Job[Any]) -> Callable[[Any, int], WrittenGraphs] | None:
    """Return the function that writes the graphs of a trained model, None if the job has none."""
    found: Callable[[Any, int], WrittenGraphs] | None = _of_package(job, "graphs", "write") or job.graphs
    return found


def find_page(job: Job[Any]) -> Callable[[Any, Path | None], ModelPage] | None:
    """Return the function that describes a model for a page in which it runs, None if the job has none."""
    found: Callable[[Any, Path | None], ModelPage] | None = (
        _of_package(job, "model_page", "describe") or job.page
    )
    return found


def find_ensembling(job: Job[Any]) -> Ensembling | None:
    """Return how runs of a job answer together, None if they do not."""
    found: Ensembling | None = _of_package(job, "ensemble", "ENSEMBLING") or job.ensembling
    return found


def _of_package(job: Job[Any], module: str, name: str) -> Any:
    """Return a name of a module that the package of a job may have, else None."""
    package = _PACKAGES.get(job.name)
    if package is None or find_spec(f"{package}.{module}") is None:
        return None
    return getattr(import_module(f"{package}.{module}"), name)
