"""The protocol of a backend: it runs cells over sequences and step by step, and computes losses.

`reference` and `cpu` are in this package; other packages add some under the entry point group
`bptt.backends`. A subclass of `bptt.runtime.reference.reference_backend.Reference` defines only what it does
differently.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol, TypeAlias, runtime_checkable

import torch
from torch import Tensor

from bptt.cells.cell import Cell
from bptt.runtime.norms import Observer

Storage: TypeAlias = Literal["keep", "recompute", "segments"]


@dataclass(frozen=True, eq=False)
class Recurrence:
    """A run over sequences, without the tensors that it is differentiated by.

    These are passed beside it as (x, *initial, *parameters), checked: x (T, B, I), a tensor (B, width) for
    each of `cell.states`, one for each of `cell.families`. `lengths` is (B,) or None. `whole` marks the
    states whose sequences are wanted. `storage` says what to keep for the backward pass; it affects memory
    and time, never the result. In each backward pass, `observer` is called with the norms that it measured.
    """

    cell: Cell
    lengths: Tensor | None
    reverse: bool
    whole: tuple[bool, ...]
    storage: Storage = "keep"
    observer: Observer | None = None


class Stepper(Protocol):
    """Layers with their states, which run on by one time step at a call.

    `states` has for each layer a tensor (B, width) for each of `cell.states`. They can be written to.
    """

    states: list[list[Tensor]]

    def step(self, x: Tensor) -> Tensor:
        """Return the output of the last layer for the input of the first, of B * I numbers."""


@runtime_checkable
class Backend(Protocol):
    """Runs cells on some devices in some dtypes. It keeps nothing that its results depend on."""

    name: str

    def supports(self, cell: Cell | None, device: torch.device, dtype: torch.dtype) -> bool:
        """Return whether it runs `cell`, or the loss of an output layer if None, on such tensors.

        `reference` runs all else. In bfloat16 on the CPU only the matrices are in bfloat16, the other
        tensors are in float32.
        """

    def prepare(self, cell: Cell | None, dtype: torch.dtype) -> None:
        """Make ready for what it supports, for example compile; called before each run.

        Raises MachineError if this machine cannot, for example because it has no compiler.
        """

    def run(self, recurrence: Recurrence, tensors: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Return the sequences (T, B, width) of the states in `whole`, and of the output if it is no state;
        then the final states (B, width). All are differentiable, any number of times, and own their memory.
        """

    def forward(self, recurrence: Recurrence, tensors: Sequence[Tensor], keep: bool) -> list[Tensor]:
        """Return what `run` does, without a graph: the first half of a run that torch has recorded.

        With `keep`, which comes with all states in `whole`, a tensor (T, B, kept) follows: the values of
        `plan(cell).storage.kept` side by side. The second half may be run by another backend.
        """

    def backward(
        self,
        recurrence: Recurrence,
        tensors: Sequence[Tensor],
        states: Sequence[Tensor],
        kept: Tensor,
        gradients: Sequence[Tensor | None],
        asked: Sequence[bool],
    ) -> list[Tensor]:
        """Return the gradients of those of `tensors` that `asked` marks: the second half of such a run.

        `states` and `kept` come from `forward`, `gradients` belong to what it returned before them.
        """

    def stepper(
        self,
        cell: Cell,
        x: Tensor,
        initial: Sequence[Sequence[Tensor]],
        parameters: Sequence[Sequence[Tensor]],
        shape: Sequence[int],
    ) -> Stepper | None:
        """Return steps as `bptt.runtime.stepper.stepper` describes; None to have them made by `run`."""

    def linear_cross_entropy(
        self,
        input: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        target: Tensor,
        reduction: str,
        ignore_index: int,
    ) -> Tensor:
        """Return the loss as `bptt.runtime.linear_loss.linear_cross_entropy` describes, arguments checked."""

    def empty_cache(self) -> None:
        """Free the memory that is kept for later calls."""
