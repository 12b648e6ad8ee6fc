"""`last/`: everything that a run needs to go on as if it had never stopped.

One file, replaced in one step, so that a run killed at any instant leaves one whole checkpoint.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from torch.nn import Module
from torch.optim import Optimizer

from bptt.tasks.run_folder import write_bytes
from bptt.training import packing
from bptt.training.random_state import random_states, set_random_states
from bptt.training.state import State

FILE = Path("last", "checkpoint.safetensors")


def save(run: Path, model: Module, optimiser: Optimizer, state: State) -> None:
    """Write the checkpoint of `run`. Raises MachineError, the checkpoint before it intact."""
    whole = {
        "state": state.to_dict(),
        "weights": model.state_dict(),
        "optimiser": optimiser.state_dict(),
        "random": random_states(),
        "machine": _machine(),
    }
    (run / FILE).parent.mkdir(exist_ok=True)
    write_bytes(run / FILE, packing.dumps(whole))


def restore(run: Path, model: Module, optimiser: Optimizer) -> tuple[State, list[str]]:
    """Load the checkpoint of `run` into `model`, `optimiser` and the random generators.

    Returns the state, and a line for each thing of the machine that is not as it was: the last
    digits may then differ. Raises InputError if the file is damaged.
    """
    whole: dict[str, Any] = packing.load(run / FILE)
    model.load_state_dict(whole["weights"])
    optimiser.load_state_dict(whole["optimiser"])
    state = State(**whole["state"])
    device = next(model.parameters()).device
    carry = tuple(tensor.to(device) for tensor in state.carry)
    set_random_states(whole["random"])
    now = _machine()
    changes = [f"{k}: {v} before, {now[k]} now" for k, v in whole["machine"].items() if v != now[k]]
    return State(**{**state.to_dict(), "carry": carry}), changes


def _machine() -> dict[str, str | int]:
    """What beside the configuration decides the last digits."""
    return {"torch": str(torch.__version__), "threads": torch.get_num_threads()}
