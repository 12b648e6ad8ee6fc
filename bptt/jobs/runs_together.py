"""Several runs that are named to answer together: whether their job has a mean answer."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bptt.errors import InputError
from bptt.jobs.ensembling import Ensembling
from bptt.jobs.registry import find_ensembling, job_of_run


def ensembling_of(paths: Sequence[Path]) -> Ensembling:
    """Return how runs answer together. Raises InputError if their job has no mean answer, or they differ."""
    if not paths:
        raise InputError("run", "must be one run folder or more", "none")
    job = job_of_run(paths[0])
    for path in paths[1:]:
        other = job_of_run(path)
        if other.name != job.name:
            rule = f"must be a run of `bptt train {job.name}`, as {paths[0]} is, to answer together with it"
            raise InputError(str(path), rule, f"one of `bptt train {other.name}`", "Name runs of one job")
    ensembling = find_ensembling(job)
    if ensembling is None:
        rule = "must be one run: the answers of its job have no mean"
        raise InputError(str(paths[0]), rule, f"{len(paths)} runs of `bptt train {job.name}`", "Name one")
    check_named_once(paths, "the runs that answer together")
    return ensembling


def check_named_once(paths: Sequence[Path], among: str) -> None:
    """Raise InputError for a run that is named twice `among` others, by whatever path or link."""
    folders = [path.resolve() for path in paths]
    for number, path in enumerate(paths):
        if folders[number] in folders[:number]:
            first = paths[folders.index(folders[number])]
            came = "it twice" if str(first) == str(path) else f"the same folder as {first}"
            raise InputError(str(path), f"must be named once among {among}", came, "Name others")
