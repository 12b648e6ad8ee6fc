"""`last/`: everything that a run needs to go on as if it had never stopped.

One file, replaced in one step, so that a run killed at any instant leaves one whole checkpoint. Older
checkpoints are kept beside it, for the day when a disk has damaged the newest.
"""

from __future__ import annotations

import os
import re
from contextlib import suppress
from dataclasses import fields, replace
from itertools import pairwise
from math import isinf
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, is_tensor
from torch.nn import Module
from torch.optim import LBFGS, Adam, Optimizer

from bptt.errors import InputError, MachineError
from bptt.files import make_inner_folder
from bptt.runs.placement import device_of
from bptt.runs.run_folder import write_bytes
from bptt.runs.spans import spanned
from bptt.runs.weights import check_form, with_present_names
from bptt.training import nested_tensors
from bptt.training.random_state import random_states, set_random_states
from bptt.training.state import State

# The state that Adam keeps of a parameter; AdamW is a subclass of it.
_ADAM = {"step", "exp_avg", "exp_avg_sq"}

# Of checkpoints that say nothing of the device.
_BEFORE: dict[str, str | int] = {"device": "cpu"}

FILE = Path("last", "checkpoint.safetensors")
# Older checkpoints bear a number: 1 is the one before the newest, 2 the one before that.
_NAME = re.compile(r"checkpoint(?:-([1-9][0-9]*))?\.safetensors")


def kept(run: Path) -> list[Path]:
    """Return the checkpoints of a run, the newest first."""
    found = {path: _NAME.fullmatch(path.name) for path in (run / FILE).parent.glob("checkpoint*")}
    ages = {path: int(match[1] or 0) for path, match in found.items() if match}
    return sorted(ages, key=lambda path: ages[path])


def is_own(name: str) -> bool:
    """Return whether a file in `last` of this name is a checkpoint, or the beginning of one."""
    return _NAME.fullmatch(name.removeprefix(".").removesuffix(".tmp")) is not None


@spanned("checkpoint")
def save(run: Path, model: Module, optimiser: Optimizer, state: State, keep: int = 1) -> None:
    """Write the checkpoint of `run`, beside the `keep` - 1 before it. Raises MachineError, the checkpoint
    before it intact; InputError if `last` is a link.
    """
    whole = {
        "state": state.to_dict(),
        "weights": model.state_dict(),
        "optimiser": optimiser.state_dict(),
        "random": random_states(),
        "machine": _machine(device_of(model)),
    }
    make_inner_folder((run / FILE).parent)
    _move_back(run, keep)
    write_bytes(run / FILE, nested_tensors.dumps(whole))


def _move_back(run: Path, keep: int) -> None:
    """Give each checkpoint the name of the one before it; the newest keeps its own name too.

    Raises MachineError if a file cannot be renamed or removed.
    """
    names = [run / FILE, *((run / FILE).with_stem(f"{FILE.stem}-{age}") for age in range(1, keep))]
    fresh = (run / FILE).with_name(f".{FILE.name}.tmp")
    try:
        for path in kept(run):
            if path not in names[: keep - 1 or None]:
                path.unlink()
        for newer, older in reversed(list(pairwise(names))):
            if newer == run / FILE and newer.exists():
                fresh.unlink(missing_ok=True)
                with suppress(OSError):  # not every file system has hard links
                    os.link(newer, fresh, follow_symlinks=False)
                os.replace(fresh if fresh.exists() else newer, older)
            elif newer.exists():
                os.replace(newer, older)
    except OSError as error:
        raise MachineError(str(run / FILE), "must be kept as the one before", error.strerror) from error


def restore(run: Path, model: Module, optimiser: Optimizer) -> tuple[State, list[str]]:
    """Load the checkpoint of `run` into `model`, `optimiser` and the random generators; the one before it if
    it is damaged, which then takes its place.

    Returns the state, and what is to be said: what is damaged, and each thing of the machine that is not as
    it was. Raises InputError if all are damaged, or if it is of another run, no weight changed.
    """
    path, whole, notes = _newest_whole(run)
    state, more = take_up(path, whole, model, optimiser)
    if path != run / FILE:
        os.replace(path, run / FILE)
    return state, [*notes, *more]


def take_up(
    path: Path, whole: dict[str, Any], model: Module, optimiser: Optimizer
) -> tuple[State, list[str]]:
    """Load the content of the checkpoint `path`.

    Returns the state, and each thing of the machine that is not as it was. Raises InputError if it is of
    another run, no weight changed.
    """
    try:
        state, machine = State(**whole["state"]), _BEFORE | dict(whole["machine"])
        weights = with_present_names(whole["weights"])
        _check_state(state)
        check_form(path, model.state_dict(), weights)
        _load_optimiser(optimiser, whole["optimiser"])
        set_random_states(whole["random"])
    except InputError:
        raise
    except (ArithmeticError, AttributeError, LookupError, RuntimeError, TypeError, ValueError) as error:
        cure = "Bring back the one that belongs to it, or begin again"
        raise InputError(str(path), "must be the checkpoint of this run", repr(error), cure) from error
    model.load_state_dict(weights)
    device = device_of(model)
    now = _machine(device)
    notes = [
        f"{key}: {machine.get(key)} before, {value} now: the last digits may differ"
        for key, value in now.items()
        if value != machine.get(key)
    ]
    return replace(state, carry=tuple(tensor.to(device) for tensor in state.carry)), notes


def _newest_whole(run: Path) -> tuple[Path, dict[str, Any], list[str]]:
    """Return the newest checkpoint that is whole, what is in it, and what is to be said of newer ones."""
    faults: list[InputError] = []
    for path in kept(run) or [run / FILE]:
        try:
            return (
                path,
                nested_tensors.load(path),
                [f"{fault}; the one before it is taken" for fault in faults],
            )
        except InputError as error:
            faults.append(error)
    raise faults[0]


def _load_optimiser(optimiser: Optimizer, saved: dict[str, Any]) -> None:
    """Take up `saved`. Raises ValueError if it is of other choices; only the learning rate moves."""
    own, other = (
        [{**group, "lr": None} for group in groups]
        for groups in (optimiser.state_dict()["param_groups"], saved["param_groups"])
    )
    # A flag that is 1 is equal to True; the optimiser would refuse it in the middle of an update.
    if own != other or _types(own) != _types(other):
        raise ValueError(f"an optimiser with {other}, not {own}")
    if not isinstance(optimiser, LBFGS):
        _check_shapes(optimiser, saved["state"])
    optimiser.load_state_dict(saved)


def _types(groups: list[dict[str, Any]]) -> list[dict[str, type]]:
    return [{name: type(value) for name, value in group.items()} for group in groups]


def _check_shapes(optimiser: Optimizer, saved: dict[int, dict[str, Any]]) -> None:
    """Raise ValueError unless all that is kept of a parameter is one number, or one for each of its own.

    The optimiser itself would find that out in the middle of an update.
    """
    parameters = [parameter for group in optimiser.param_groups for parameter in group["params"]]
    for number, values in saved.items():
        if isinstance(optimiser, Adam) and not (
            values.keys() == _ADAM and all(map(is_tensor, values.values()))
        ):
            raise ValueError(f"an optimiser with {sorted(values)}, not {sorted(_ADAM)}")
        for name, value in values.items():
            if isinstance(value, Tensor) and value.dim() and value.shape != parameters[number].shape:
                raise ValueError(f"{name} of the shape {tuple(value.shape)}")


def _check_state(state: State) -> None:
    """Raise ValueError unless every field is of its kind, and counts are counts."""
    for field in fields(State):
        value = getattr(state, field.name)
        if field.type == "int":
            fits = type(value) is int and 0 <= value < 2**63
        elif field.type == "float":
            fits = type(value) in (int, float) and (abs(value) < 1e300 or isinf(value))
        else:
            fits = isinstance(value, tuple) and all(isinstance(each, Tensor) for each in value)
        if not fits:
            raise ValueError(f"{field.name} {value!r:.40}")


def _machine(device: torch.device) -> dict[str, str | int]:
    """Return everything beside the configuration that decides the last digits."""
    return {"torch": str(torch.__version__), "threads": torch.get_num_threads(), "device": device.type}
