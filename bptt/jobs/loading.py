"""A trained model of any job from its run folder, which says which job that is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from bptt.jobs.job import Configuration
from bptt.jobs.registry import job_of_run


def read_configuration(run: Path) -> Configuration:
    """Read what a run folder says of its model. Raises InputError naming file and cure."""
    return job_of_run(run).configuration(run)


def load(run: str | Path) -> Any:
    """Return the model of a run folder with its best weights, ready to predict.

    Its class is that of its job, such as `bptt.jobs.classify.trained.TrainedClassifier`. Raises InputError
    naming the file and the cure if it is no run folder, or one with damaged files.
    """
    folder = Path(run)
    return job_of_run(folder).load(folder)
