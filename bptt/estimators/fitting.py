"""A task trained as `fit` wants it: nothing printed, no folder left, torch's random state as before."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeVar

import torch

from bptt.jobs.task import Task
from bptt.training.loop import train
from bptt.training.options import TrainingOptions, usual_epochs
from bptt.training.random_state import kept_state
from bptt.training.report import Silent

Trained = TypeVar("Trained")

# No evaluation within a training: there cannot be this many steps.
_NEVER = 2**62


def fitted(
    make: Callable[[], Task],
    load: Callable[[Path], Trained],
    options: TrainingOptions,
    *,
    few: bool,
    choose: bool,
) -> Trained:
    """Train the task that `make` gives, and return its run as `load` reads it: with the weights of the epoch
    that did best on the examples held out if `choose`, else of the last one. With `few` the number of epochs
    is the usual one for as many examples.
    """
    options = replace(options, evaluate_every=0 if choose else _NEVER)
    with kept_state(), TemporaryDirectory() as folder:
        torch.manual_seed(options.seed)
        task = make()
        options = replace(options, epochs=usual_epochs(task.steps(0))) if few else options
        train(task, options, Path(folder) / "run", Silent())
        return load(Path(folder) / "run")
