"""Trainings whose products are narrow: where they can run, and what rounding changes in the end."""

from __future__ import annotations

from pathlib import Path

from bptt.errors import InputError
from bptt.jobs.task import Task
from bptt.nn import weight_format
from bptt.runs.placement import Placement
from bptt.runs.run_folder import WEIGHTS
from bptt.runs.weights import read_weights
from bptt.training.options import TrainingOptions


def check_precision(options: TrainingOptions, placement: Placement) -> None:
    """Raise InputError for narrow products on another device than the CPU."""
    if options.precision != TrainingOptions.precision and placement.device.type != "cpu":
        rule = f"{options.precision} is computed by kernels for the CPU"
        raise InputError("precision", rule, str(placement.device), "Leave it out, or train on cpu")


def compare_precisions(task: Task, options: TrainingOptions, run: Path) -> list[str]:
    """Return a line with the held-out loss of the best weights in `run`, in float32 and as they were trained.

    It replaces the weights of `task.model` by these. Returns no line for a training in float32, or without
    held-out data.
    """
    if options.precision == TrainingOptions.precision or not task.holds_out:
        return []
    read_weights(task.model, run / WEIGHTS)
    exact = task.evaluate()["loss"]
    with weight_format(options.precision):
        narrow = task.evaluate()["loss"]
    per = f"{task.measure} per {task.unit.removesuffix('s')}".strip()
    change = f" ({(narrow - exact) / abs(exact):+.3%})" if exact else ""
    return [
        f"held-out loss of the best weights: {exact:.5f} {per} in float32, which `predict` and `evaluate` "
        f"compute; {narrow:.5f} in {options.precision}{change}"
    ]
