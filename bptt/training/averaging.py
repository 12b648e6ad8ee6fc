"""Weights averaged: of runs of equal shape, or of the checkpoints that one run has kept, as a new run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bptt.data.reading import read_bytes
from bptt.errors import InputError
from bptt.files import check_new, make_folder
from bptt.jobs.loading import load
from bptt.jobs.runs_together import check_named_once
from bptt.options.checks import as_path
from bptt.runs.run_folder import CONFIG, WEIGHTS, read_config, write_bytes, write_config
from bptt.runs.weights import check_form, read_metadata, with_present_names, write_weights
from bptt.training import checkpoint, nested_tensors
from bptt.training.claim import FILES

# The key, in the section on training of config.json, of the names of what was averaged.
AVERAGED = "averaged_from"
_CURE = "Average runs with the same options; seeds, rates and epochs may differ"
# Parts of a configuration in which runs of one shape may differ: how they were trained.
_FREE = frozenset({"training", "bptt", "format", FILES})


def average(*runs: str | Path, output: str | Path, last: int = 0) -> Path:
    """Average weights into a new run folder, and return its path.

    Several runs of the same job, options, labels and vocabularies are averaged with their best weights, one
    run over its newest `last` checkpoints (0: all that it has kept; `bptt train --checkpoints N` keeps N).
    Sums are made in float64. The new run answers as any other; it cannot be resumed.

    Raises InputError if the runs differ in anything but their training, if one is named twice or has kept a
    single checkpoint, or if `output` is taken; MachineError if it cannot be written.
    """
    paths, folder = [as_path("run", run) for run in runs], as_path("output", output)
    if not paths:
        raise InputError("runs", "must be one run folder or more", "none")
    if len(paths) > 1 and last:
        raise InputError("last", "is of the checkpoints of one run", f"{len(paths)} runs", "Leave it out")
    check_new(folder)
    check_named_once(paths, "the runs that are averaged")
    for run in paths[1:]:
        _check_alike(paths[0], run)
    trained = load(paths[0])
    if len(paths) > 1:
        weights = [dict(load(run).model.state_dict()) for run in paths]
        names = [run.resolve().name for run in paths]
    else:
        weights, names = _of_checkpoints(paths[0], trained.model.state_dict(), last)
    trained.model.load_state_dict(_mean(weights, paths[0]))
    config = read_config(paths[0])
    make_folder(folder)
    for name in _job_files(paths[0], config):
        write_bytes(folder / name, read_bytes(paths[0] / name))
    write_weights(trained.model, folder / WEIGHTS, read_metadata(paths[0] / WEIGHTS))
    # Last, as a folder is a run when it has its configuration.
    training = config.get("training")
    begun = training if isinstance(training, dict) else {}
    write_config(folder, {**config, "training": {**begun, AVERAGED: names}})
    return folder


def _job_files(run: Path, config: Mapping[str, Any]) -> list[str]:
    """Return the files that the job has written into a run. Raises InputError if a name leads elsewhere."""
    names = config.get(FILES)
    if not isinstance(names, list) or not all(isinstance(n, str) and Path(n).name == n for n in names):
        rule = f'must list its files under "{FILES}"'
        raise InputError(str(run / CONFIG), rule, "no such list", "Train with this version of bptt")
    return names


def _check_alike(first: Path, other: Path) -> None:
    """Raise InputError naming the first difference that is not one of training."""
    before, now = (_without_seed(read_config(run)) for run in (first, other))
    for key in sorted((before.keys() | now.keys()) - _FREE):
        if before.get(key) != now.get(key):
            changed = _difference(before.get(key), now.get(key))
            rule = f"must have been trained with the same {key} as {first}"
            raise InputError(str(other), rule, changed, _CURE)
    for name in sorted({*_job_files(first, before), *_job_files(other, now)}):
        paths = first / name, other / name
        if not all(path.exists() for path in paths) or len({read_bytes(path) for path in paths}) > 1:
            rule = f"must have the same {name} as {first}: rows of weights belong to its entries"
            raise InputError(str(other), rule, "another", "Train both on the same examples and split")


def _without_seed(config: Mapping[str, Any]) -> dict[str, Any]:
    """Return a configuration without the seed of the split and the order of the data."""
    return {
        key: {name: v for name, v in value.items() if name != "seed"} if isinstance(value, dict) else value
        for key, value in config.items()
    }


def _difference(before: Any, now: Any) -> str:
    if isinstance(before, dict) and isinstance(now, dict):
        keys = [key for key in sorted({*before, *now}) if before.get(key) != now.get(key)]
        # A checksum says nothing to a reader, except that it differs.
        told = [f"{key} {now.get(key)}, not {before.get(key)}" for key in keys if "sha256" not in key]
        return ", ".join(told) or f"another {', '.join(keys)}"
    return f"{now!r:.80}"


def _of_checkpoints(
    run: Path, wanted: Mapping[str, Tensor], last: int
) -> tuple[list[dict[str, Tensor]], list[str]]:
    """Return the weights of the newest checkpoints of a run, and their names."""
    # A run that was killed while it saved may have one file under the names of two checkpoints.
    whole = checkpoint.kept(run)
    files = [path for n, path in enumerate(whole) if not any(map(path.samefile, whole[:n]))][: last or None]
    if len(files) < max(2, last):
        rule = f"must have kept {max(2, last)} checkpoints to average"
        cure = "Name several runs, or train with more `checkpoints`"
        raise InputError(str(run), rule, str(len(files)), cure)
    found = []
    for path in files:
        weights = with_present_names(nested_tensors.load(path)["weights"])
        check_form(path, wanted, weights)
        found.append(weights)
    return found, [f"{run.resolve().name}/{path.relative_to(run)}" for path in files]


def _mean(weights: Sequence[Mapping[str, Tensor]], run: Path) -> dict[str, Tensor]:
    """Return the means of tensors of the same names. Raises InputError if whole numbers differ."""
    found = {}
    for name, tensor in weights[0].items():
        others = [each[name] for each in weights]
        if tensor.is_floating_point():
            total = torch.stack([each.double() for each in others]).mean(0)
            found[name] = total.to(tensor.dtype)
        elif all(torch.equal(each, tensor) for each in others):
            found[name] = tensor
        else:
            raise InputError(str(run / WEIGHTS), f"{name} must be the same in all runs", "others")
    return found
