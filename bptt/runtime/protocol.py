"""The protocol of a backend: it runs cells over sequences and step by step, and computes losses.

This package has `reference` and `cpu`; other packages add backends under the entry point group
`bptt.backends`. A subclass of `bptt.runtime.reference.reference_backend.Reference` needs only the methods
that differ.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol, TypeAlias, runtime_checkable

import torch
from torch import Tensor

if TYPE_CHECKING:
    from bptt.cells.cell import Cell
    from bptt.runtime.norms import Observer

Storage: TypeAlias = Literal["keep", "recompute", "segments"]
# The losses that a backend computes apart from cells: of an output layer, and of connectionist temporal
# classification.
LossName: TypeAlias = Literal["linear-loss", "ctc-loss"]


@dataclass(frozen=True, eq=False)
class Recurrence:
    """A run over sequences, without the tensors that gradients flow to.

    These are passed separately as (x, *initial, *parameters), already checked: x (T, B, I), a tensor
    (B, width) for each of `cell.states`, one for each of `cell.families`. `lengths` is (B,) or None. `whole`
    marks the states whose sequences are returned. `storage` is what to keep for the backward pass; it affects
    memory and time, never the result. `observer` is called after each backward pass with the norms.
    `factors` is the dtype that the factors of products with matrices are rounded to, all tensors being
    float32; None: that of the matrices.

    `restarts` (T, B), booleans or None, marks the valid steps before which a row starts anew, in the order of
    computation. The initial states are then (2 B, width): those before the first step, then those from which
    rows start anew. No gradient flows to the step before; that of a state is the sum over all its starts.
    """

    cell: Cell
    lengths: Tensor | None
    reverse: bool
    whole: tuple[bool, ...]
    storage: Storage = "keep"
    observer: Observer | None = None
    factors: torch.dtype | None = None
    restarts: Tensor | None = None


@dataclass(frozen=True)
class StackLayer:
    """One layer in one direction of a stack.

    `widths` are those of the states, `output` is that of the output. `parts` names, for each of
    `cell.families`, the parameters whose sum it is.
    """

    reverse: bool
    widths: tuple[int, ...]
    output: int
    parts: tuple[tuple[str, ...], ...]


class StackPlan(Protocol):
    """Layers of a cell prepared for inputs of one shape, dtype and memory layout, and a number of threads."""

    def run(
        self,
        parameters: Mapping[str, Tensor | None],
        x: Tensor,
        initial: Sequence[Tensor],
        output: Tensor,
        final: Sequence[Tensor],
    ) -> bool:
        """Compute `output` (T, B, directions * width) and `final` without a graph; return whether it applied.

        If it did not, nothing was written. `initial` and `final` have a contiguous tensor (layers *
        directions, B, width) for each of `cell.states`.
        """

    def run_layer(
        self,
        number: int,
        storage: Storage,
        parameters: Mapping[str, Tensor | None],
        x: Tensor,
        initial: Sequence[Tensor],
        leading: tuple[int, ...],
    ) -> tuple[Tensor, ...] | None:
        """Return the output and final states of one layer, differentiable; None if the plan does not apply.

        `number` is that of the layer and direction in torch's order. x is (T, B, width) with contiguous rows,
        `initial` has a contiguous tensor (B, width) for each state. The final states have the dimensions
        `leading`, of size 1, before those.
        """


@runtime_checkable
class Planner(Protocol):
    """A backend, or a part of one, that prepares calls which come again and again."""

    def plan(self, cell: Cell, layers: Sequence[StackLayer], directions: int, x: Tensor) -> StackPlan | None:
        """Return a plan for inputs like x (T, B, I), in the layout of its memory; None if there is none.

        `layers` come in torch's order: layer 0 forward, layer 0 backward, layer 1 forward, ...
        """


class Stepper(Protocol):
    """Layers with their states; each call of `step` runs one time step.

    `states` has, for each layer, a tensor (B, width) for each of `cell.states`. Callers may write to them.
    """

    states: list[list[Tensor]]

    def step(self, x: Tensor) -> Tensor:
        """Run one time step on B * I numbers, the first layer's input; return the last layer's output."""


@runtime_checkable
class Backend(Protocol):
    """A backend, which runs cells on some devices in some dtypes. Its results depend on arguments only."""

    name: str

    def supports(self, work: Cell | LossName, device: torch.device, dtype: torch.dtype) -> bool:
        """Return whether it runs a cell, or computes a loss, on this device and in this dtype.

        `reference` runs everything else. On the CPU, bfloat16 means that the factors of products with
        matrices are bfloat16 and all else is float32.
        """

    def prepare(self, work: Cell | LossName, dtype: torch.dtype) -> None:
        """Prepare for what it supports, for example compile a kernel; called before each run.

        Raises MachineError if this machine cannot run it, for example because there is no compiler.
        """

    def run(self, recurrence: Recurrence, tensors: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Return sequences (T, B, width), then the final states (B, width).

        The sequences are those of the states in `whole`, and of the output if it is no state. All results
        are differentiable any number of times, and own their memory.
        """

    def forward(self, recurrence: Recurrence, tensors: Sequence[Tensor], keep: bool) -> list[Tensor]:
        """Return the results of `run` without a graph: the forward pass of a run that torch has recorded.

        With `keep`, which requires all states in `whole`, a tensor (T, B, kept) follows: the values of
        `plan(cell).storage.kept` concatenated. Another backend may run the backward pass.
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
        """Return the gradients of the `tensors` that `asked` marks: the backward pass of a recorded run.

        `states` and `kept` come from `forward` with `keep`; `gradients` are those of its other results,
        None for zero.
        """

    def stepper(
        self,
        cell: Cell,
        x: Tensor,
        initial: Sequence[Sequence[Tensor]],
        parameters: Sequence[Sequence[Tensor]],
        shape: Sequence[int],
        factors: torch.dtype | None = None,
    ) -> Stepper | None:
        """Return a stepper as `bptt.runtime.stepper.stepper` describes; None if `run` should make steps.

        Only the backend of kernels on the CPU is given `factors`.
        """

    def linear_cross_entropy(
        self,
        input: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        target: Tensor,
        reduction: str,
        ignore_index: int,
    ) -> Tensor:
        """Return the loss that `bptt.runtime.linear_loss` describes; the arguments are already checked."""

    def ctc_loss(
        self,
        logits: Tensor,
        targets: Tensor,
        input_lengths: Tensor,
        target_lengths: Tensor,
        blank: int,
        reduction: str,
        zero_infinity: bool,
    ) -> Tensor:
        """Return the loss that `bptt.runtime.ctc_loss` describes, of logits (T, B, V) in a dtype of a loss.

        Shapes are already checked; `targets` are padded (B, L) or concatenated.
        """

    def empty_cache(self) -> None:
        """Free the memory kept for later calls; results do not change."""
