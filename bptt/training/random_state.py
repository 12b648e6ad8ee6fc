"""The state of every random generator that a step may draw from, and what a training sets in torch."""

from __future__ import annotations

import random
from collections.abc import Iterator
from contextlib import contextmanager
from hashlib import sha256
from threading import RLock
from typing import Any

import torch

# Torch has one generator for the whole process. Trainings in several threads take turns, so that each draws
# the numbers that it draws alone.
_TURN = RLock()


@contextmanager
def kept_state() -> Iterator[None]:
    """Record gradients inside, whatever mode the caller is in, and give the caller back its modes and the
    states of the random generators afterwards. Other threads wait here meanwhile.
    """
    with _TURN, torch.inference_mode(False), torch.enable_grad():
        states = random_states()
        try:
            yield
        finally:
            set_random_states(states)


def seed(number: int) -> None:
    """Start Python's and torch's generators anew."""
    random.seed(number)
    torch.manual_seed(number)


def seed_for(*numbers: int) -> None:
    """Start the generators anew by several numbers, such as the seed of the run, an update and a group."""
    digest = sha256(" ".join(map(str, numbers)).encode()).digest()
    seed(int.from_bytes(digest[:8], "little") >> 1)


def random_states() -> dict[str, Any]:
    """Return the states of Python's generator and of torch's on every device in use."""
    devices = torch.cuda.is_initialized()  # type: ignore[no-untyped-call]
    return {
        "python": random.getstate(),
        "cpu": torch.get_rng_state(),
        "cuda": torch.cuda.get_rng_state_all() if devices else [],
    }


def set_random_states(states: dict[str, Any]) -> None:
    """Go back to what `random_states` gave."""
    random.setstate(states["python"])
    torch.set_rng_state(states["cpu"])
    # A run may go on on a machine with fewer of them.
    if states["cuda"] and len(states["cuda"]) == torch.cuda.device_count():
        torch.cuda.set_rng_state_all(states["cuda"])
