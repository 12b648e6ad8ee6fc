"""Loading a trained model of any job from its run folder, which names the job; several as an ensemble."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from bptt.deferred import deferred
from bptt.jobs.job import Configuration
from bptt.jobs.registry import job_of_run
from bptt.jobs.shown import ShownModel
from bptt.options.checks import as_path
from bptt.runs.placement import Placement

# A single run needs none of it.
_ensembling_of = deferred("bptt.jobs.runs_together", "ensembling_of")

_HERE = Placement()


def read_configuration(run: Path) -> Configuration:
    """Read the configuration of a run folder. Raises InputError with file and cure if it is damaged."""
    return job_of_run(run).configuration(run)


def load(run: str | Path | Sequence[str | Path], placement: Placement | torch.device | str = _HERE) -> Any:
    """Return the model of a run folder with its best weights, ready to predict, where `placement` says.

    A placement may be named by its device: "cpu", "cuda", "cuda:1" or "mps". The run may have been trained
    on another device. The class of the model is that of its job, such as
    `bptt.jobs.classify.trained.TrainedClassifier`. Several runs of one job give their ensemble, a model of
    the same class whose answers are the mean of theirs. Raises InputError naming the file and the cure if it
    is no run folder, or one with damaged files; or the run of several that differs from the first in its job,
    labels or vocabulary.
    """
    where = Placement.of(placement)
    if isinstance(run, str | Path) or not isinstance(run, Sequence):
        return _load_one(as_path("run", run), where)
    paths = [as_path("run", each) for each in run]
    if len(paths) == 1:
        return _load_one(paths[0], where)
    ensembling = _ensembling_of(paths)
    models = [_load_one(path, where) for path in paths]
    ensembling.check(paths, models)
    combined = ensembling.combine(models)
    combined.runs = tuple(paths)
    return combined


def _load_one(folder: Path, where: Placement) -> Any:
    """Return the model of a run folder with its best weights."""
    # Weights that were made in inference mode could never be trained or differentiated afterwards.
    with torch.inference_mode(False):
        trained = job_of_run(folder).load(folder)
        where.place(trained.model)
    if isinstance(trained, ShownModel):
        trained.run = folder
    return trained
