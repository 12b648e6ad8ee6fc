"""Loading a trained model of any job from its run folder, which names the job."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch

from bptt.jobs.job import Configuration
from bptt.jobs.registry import job_of_run
from bptt.jobs.shown import ShownModel
from bptt.options.checks import as_path
from bptt.runs.placement import Placement

_HERE = Placement()


def read_configuration(run: Path) -> Configuration:
    """Read the configuration of a run folder. Raises InputError with file and cure if it is damaged."""
    return job_of_run(run).configuration(run)


def load(run: str | Path, placement: Placement | torch.device | str = _HERE) -> Any:
    """Return the model of a run folder with its best weights, ready to predict, where `placement` says.

    A placement may be named by its device: "cpu", "cuda", "cuda:1" or "mps". The run may have been trained
    on another device. The class of the model is that of its job, such as
    `bptt.jobs.classify.trained.TrainedClassifier`. Raises InputError naming the file and the cure if it is
    no run folder, or one with damaged files.
    """
    folder, where = as_path("run", run), Placement.of(placement)
    # Weights that were made in inference mode could never be trained or differentiated afterwards.
    with torch.inference_mode(False):
        trained = job_of_run(folder).load(folder)
        where.place(trained.model)
    if isinstance(trained, ShownModel):
        trained.run = folder
    return trained
