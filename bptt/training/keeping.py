"""Records, weights and checkpoints of a run while it is trained, written by the first process."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from time import monotonic

import torch
from torch import Tensor
from torch.optim import Optimizer

from bptt.jobs.task import Task
from bptt.runs.processes import Processes
from bptt.runs.run_folder import WEIGHTS
from bptt.runs.weights import write_weights
from bptt.training import checkpoint, nested_tensors
from bptt.training.opening import RECORDS
from bptt.training.record import Record, append_record, cut_back, synced_size
from bptt.training.state import State


class Keeper:
    """Writes the files of `run`, with `keep` checkpoints, in the first of `processes` alone.

    `save` and `restore` are called in all processes at once, and raise in all of them.
    """

    def __init__(self, run: Path, task: Task, optimiser: Optimizer, processes: Processes, keep: int) -> None:
        self._run, self._task, self._optimiser = run, task, optimiser
        self._processes, self._keep = processes, keep
        self.began = monotonic()
        # The clock and the number of updates at the last checkpoint.
        self.saved_at, self.saved_step = self.began, 0

    def append(self, kind: str, state: State, **values: object) -> None:
        """Add a record of an update."""
        record: Record = {
            "kind": kind,
            "step": state.step,
            "epoch": state.epochs_begun,
            **values,
            "seconds": round(monotonic() - self.began, 3),
        }
        if self._processes.is_first:
            append_record(self._run / RECORDS, record)

    def write_weights(self) -> None:
        """Write the weights as the best ones."""
        if self._processes.is_first:
            write_weights(self._task.model, self._run / WEIGHTS, self._task.metadata)

    @property
    def has_weights(self) -> bool:
        """Whether weights have been written, in the first process."""
        return (self._run / WEIGHTS).exists()

    def save(self, state: State) -> State:
        """Write a checkpoint, in which the states of the rows of all processes follow each other; return the
        state that it holds, with the rows of this process.
        """
        carry = self._gathered(state.carry)

        def write() -> int:
            size = synced_size(self._run / RECORDS)
            kept = replace(state, carry=carry, records=size, seconds=monotonic() - self.began)
            checkpoint.save(self._run, self._task.model, self._optimiser, kept, self._keep)
            return size

        size = self._processes.of_first(write)
        self.saved_step, self.saved_at = state.step, monotonic()
        return replace(state, records=size, seconds=monotonic() - self.began)

    def _gathered(self, carry: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        if self._processes.size == 1:
            return carry
        parts = [nested_tensors.loads(each) for each in self._processes.gather(nested_tensors.dumps(carry))]
        return tuple(torch.cat(states, 1) for states in zip(*filter(None, parts), strict=True))

    def restore(self, check: Callable[[State], None]) -> tuple[State, list[str]]:
        """Take up the last checkpoint, which `check` accepts, and drop the records made after it.

        Returns the state, with the rows of all processes, and what is to be said.
        """
        found: list[tuple[State, list[str]]] = []

        def read() -> None:
            state, notes = checkpoint.restore(self._run, self._task.model, self._optimiser)
            check(state)
            cut_back(self._run / RECORDS, state.records)
            found.append((state, notes))

        self._processes.of_first(read)
        state, notes = found[0] if found else (State(), [])
        state = self.shared(state)
        self.saved_step = state.step
        self.began -= state.seconds
        return state, notes

    def shared(self, state: State) -> State:
        """Return the state of the first process, whose weights and optimiser all processes take over."""
        if self._processes.size == 1:
            return state
        path = self._run / checkpoint.FILE
        data = self._processes.broadcast(path.read_bytes() if self._processes.is_first else b"")
        if self._processes.is_first:
            return state
        whole = nested_tensors.loads(data)
        return checkpoint.take_up(path, whole, self._task.model, self._optimiser)[0]
