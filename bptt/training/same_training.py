"""Processes that train one model together begin with the same data, model and options."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from bptt.errors import InputError
from bptt.jobs.task import Task
from bptt.runs.placement import Placement
from bptt.runs.processes import Processes
from bptt.runs.run_folder import CONFIG, read_config
from bptt.training.opening import flat, training_section
from bptt.training.optimiser import check_optimiser
from bptt.training.options import TrainingOptions
from bptt.training.precision import check_precision

# Names and descriptions may differ between machines, and so may what the first process alone decides.
_FREE = (
    "cell.title",
    "cell.source",
    "source.prepared",
    "training.init_from",
    "training.checkpoint_every",
    "training.checkpoints",
)
# The longest values that are shown, which no hash is.
_LONGEST = 40


def check_agreement(task: Task, options: TrainingOptions, placement: Placement) -> None:
    """Check that a training can begin in all processes, which call this at once.

    Raises InputError if the options do not fit the model or the device, and in the first process whose data,
    model or options are not those of process 0; ElsewhereError in the others.
    """
    processes = Processes.of(placement)

    def check_options() -> None:
        check_optimiser(task, options)
        check_precision(options, placement)

    processes.together(check_options)
    if processes.size == 1:
        return
    own = processes.together(lambda: _identity(task, options))
    first = json.loads(processes.broadcast(json.dumps(own).encode()))

    def compare() -> None:
        if found := list(_differences(first, own)):
            where = f"process {processes.rank} of {processes.size}"
            cure = "Give all processes the same files and options"
            raise InputError(where, "trains what process 0 trains", "; ".join(found), cure)

    processes.together(compare)


def _identity(task: Task, options: TrainingOptions) -> dict[str, Any]:
    """Return each value of the configuration, and a hash of each other file that a run begins with."""
    with TemporaryDirectory() as name:
        folder = Path(name)
        task.save(folder)
        files = [path for path in folder.iterdir() if path.name != CONFIG]
        found = dict(flat(read_config(folder) | {"training": training_section(task, options)}))
        found |= {path.name: sha256(path.read_bytes()).hexdigest() for path in files}
    # As JSON has them, to be compared with those of another process.
    return dict(json.loads(json.dumps(found)))


def _differences(first: Mapping[str, Any], own: Mapping[str, Any]) -> Iterator[str]:
    for key in sorted(first.keys() | own.keys()):
        if key not in _FREE and first.get(key) != own.get(key):
            there, here = (f"{values.get(key)}" for values in (first, own))
            yield f"another {key}" if max(len(there), len(here)) > _LONGEST else f"{key}: {here}, not {there}"
