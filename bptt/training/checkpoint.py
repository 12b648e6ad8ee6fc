"""`last/`: everything that a run needs to go on as if it had never stopped.

One file, replaced in one step, so that a run killed at any instant leaves one whole checkpoint.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch.nn import Module
from torch.optim import Optimizer

from bptt.errors import InputError
from bptt.files import make_inner_folder
from bptt.tasks.run_folder import check_form, write_bytes
from bptt.training import packing
from bptt.training.random_state import random_states, set_random_states
from bptt.training.state import State

FILE = Path("last", "checkpoint.safetensors")


def save(run: Path, model: Module, optimiser: Optimizer, state: State) -> None:
    """Write the checkpoint of `run`. Raises MachineError, the checkpoint before it intact; InputError if
    `last` is a link.
    """
    whole = {
        "state": state.to_dict(),
        "weights": model.state_dict(),
        "optimiser": optimiser.state_dict(),
        "random": random_states(),
        "machine": _machine(),
    }
    make_inner_folder((run / FILE).parent)
    write_bytes(run / FILE, packing.dumps(whole))


def restore(run: Path, model: Module, optimiser: Optimizer) -> tuple[State, list[str]]:
    """Load the checkpoint of `run` into `model`, `optimiser` and the random generators.

    Returns the state, and a line for each thing of the machine that is not as it was: the last
    digits may then differ. Raises InputError if the file is damaged or of another run, no weight changed.
    """
    path = run / FILE
    whole: dict[str, Any] = packing.load(path)
    try:
        state, weights, machine = State(**whole["state"]), whole["weights"], dict(whole["machine"])
        check_form(path, model.state_dict(), weights)
        _load_optimiser(optimiser, whole["optimiser"])
        set_random_states(whole["random"])
    except InputError:
        raise
    except (AttributeError, KeyError, RuntimeError, TypeError, ValueError) as error:
        cure = "Bring back the one that belongs to it, or begin again"
        raise InputError(str(path), "must be the checkpoint of this run", repr(error), cure) from error
    model.load_state_dict(weights)
    device = next(model.parameters()).device
    now = _machine()
    changes = [f"{k}: {machine.get(k)} before, {v} now" for k, v in now.items() if v != machine.get(k)]
    return replace(state, carry=tuple(tensor.to(device) for tensor in state.carry)), changes


def _load_optimiser(optimiser: Optimizer, saved: dict[str, Any]) -> None:
    """Take up `saved`. Raises ValueError if it is of other choices; only the learning rate moves."""
    own, other = (
        [{**group, "lr": None} for group in groups]
        for groups in (optimiser.state_dict()["param_groups"], saved["param_groups"])
    )
    if own != other:
        raise ValueError(f"an optimiser with {other}, not {own}")
    optimiser.load_state_dict(saved)


def _machine() -> dict[str, str | int]:
    """What beside the configuration decides the last digits."""
    return {"torch": str(torch.__version__), "threads": torch.get_num_threads()}
