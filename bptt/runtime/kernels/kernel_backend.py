"""The backend `cpu`: kernels compiled for the processor, in float32, float64 and bfloat16."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor

from bptt.cells.cell import Cell
from bptt.deferred import deferred
from bptt.errors import InputError
from bptt.runtime.kernels import block_pool
from bptt.runtime.kernels.block_pool import give_back
from bptt.runtime.kernels.library import KINDS, Library, Tensors, dense, library_of
from bptt.runtime.kernels.loss_operator import KINDS as LOSS_KINDS
from bptt.runtime.kernels.recurrence import run_backward, run_forward
from bptt.runtime.packing import forget
from bptt.runtime.protocol import LossName, Recurrence, StackLayer, StackPlan, Stepper

# Most models that answer need none of these.
_run_with_graph = deferred("bptt.runtime.kernels.graph", "run_with_graph")
_LOAD_LOSS: Mapping[LossName, Callable[[torch.dtype], object]] = {
    "linear-loss": deferred("bptt.runtime.kernels.linear_loss", "loaded"),
    "ctc-loss": deferred("bptt.runtime.kernels.ctc_loss", "loaded"),
}
_linear_cross_entropy = deferred("bptt.runtime.kernels.linear_loss", "linear_cross_entropy")
_ctc_loss = deferred("bptt.runtime.kernels.ctc_loss", "ctc_loss")
_layers_plan = deferred("bptt.runtime.kernels.layers_plan", "LayersPlan")
_stepper = deferred("bptt.runtime.kernels.stepper", "KernelStepper")


class Kernels:
    """The backend of compiled kernels: implements `bptt.runtime.protocol.Backend`."""

    name = "cpu"

    def supports(self, work: Cell | LossName, device: torch.device, dtype: torch.dtype) -> bool:
        """Return whether the device is the CPU, and kernels can be generated for the dtype."""
        return dtype in (LOSS_KINDS if isinstance(work, str) else KINDS) and device.type == "cpu"

    def prepare(self, work: Cell | LossName, dtype: torch.dtype) -> None:
        """Build or find the kernels, once in a process. Raises MachineError if they cannot be built."""
        if isinstance(work, str):
            _LOAD_LOSS[work](dtype)
        else:
            library_of(work, KINDS[dtype])

    def run(self, recurrence: Recurrence, tensors: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Run an autograd function whose forward and backward pass call one kernel each."""
        if not (torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors)):
            return tuple(self.forward(recurrence, tensors, keep=False))
        if recurrence.factors == torch.int8:
            rule, cure = "products in int8 have no gradients", "Compute within torch.no_grad()"
            raise InputError(recurrence.cell.name, rule, "a tensor that requires them", cure)
        library, masks = _library(recurrence.cell, tensors, recurrence.factors), _masks(recurrence)
        found: tuple[Tensor, ...] = _run_with_graph(library, recurrence, *masks, dense(*tensors))
        return found

    def forward(self, recurrence: Recurrence, tensors: Sequence[Tensor], keep: bool) -> list[Tensor]:
        """Call the forward kernel."""
        library, given = _given(recurrence, tensors)
        results, block, _ = run_forward(library, given, recurrence.whole, "keep" if keep else None)
        if keep:
            steps, batch = given.x.shape[:2]
            return [*results, block.view(steps, batch, block.numel() // (steps * batch))]
        give_back(block)
        return results

    def backward(
        self,
        recurrence: Recurrence,
        tensors: Sequence[Tensor],
        states: Sequence[Tensor],
        kept: Tensor,
        gradients: Sequence[Tensor | None],
        asked: Sequence[bool],
    ) -> list[Tensor]:
        """Call the backward kernel."""
        library, given = _given(recurrence, tensors)
        saved = *states, kept
        found, _ = run_backward(library, given, saved, recurrence.whole, gradients, asked)
        return [gradient for gradient in found if gradient is not None]

    def stepper(
        self,
        cell: Cell,
        x: Tensor,
        initial: Sequence[Sequence[Tensor]],
        parameters: Sequence[Sequence[Tensor]],
        shape: Sequence[int],
        factors: torch.dtype | None = None,
    ) -> Stepper | None:
        """Return a stepper whose kernels hold the packed weights of all layers."""
        library = _library(cell, (x, *initial[0], *parameters[0]), factors)
        found: Stepper = _stepper(library, x, initial, parameters, shape)
        return found

    def plan(self, cell: Cell, layers: Sequence[StackLayer], directions: int, x: Tensor) -> StackPlan | None:
        """Return a plan for a cell with matrices; with bfloat16 ones there is none."""
        if x.dtype == torch.bfloat16 or all(family.columns is None for family in cell.families):
            return None
        found: StackPlan = _layers_plan(_library(cell, (x,)), layers, directions, x)
        return found

    def linear_cross_entropy(
        self,
        input: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        target: Tensor,
        reduction: str,
        ignore_index: int,
    ) -> Tensor:
        """Compute the loss without materialising all logits."""
        loss: Tensor = _linear_cross_entropy(input, weight, bias, target, reduction, ignore_index)
        return loss

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
        """Compute the loss and its gradient in one call of a kernel."""
        lengths = (input_lengths, target_lengths)
        loss: Tensor = _ctc_loss(logits, targets, *lengths, blank, reduction, zero_infinity)
        return loss

    def empty_cache(self) -> None:
        """Free the blocks of the pool and the packed weights."""
        block_pool.empty_cache()
        forget()


def _library(cell: Cell, tensors: Sequence[Tensor], factors: torch.dtype | None = None) -> Library:
    # Mixed dtypes mean bfloat16 matrices with all else in float32: see `narrow`.
    narrow = torch.bfloat16 in {tensor.dtype for tensor in tensors}
    return library_of(cell, KINDS[factors or (torch.bfloat16 if narrow else tensors[0].dtype)])


def _given(recurrence: Recurrence, tensors: Sequence[Tensor]) -> tuple[Library, Tensors]:
    x, *rest = dense(*tensors)
    states, (lengths, restarts) = len(recurrence.whole), _masks(recurrence)
    library = _library(recurrence.cell, tensors, recurrence.factors)
    return library, Tensors(x, lengths, rest[:states], rest[states:], recurrence.reverse, restarts)


def _masks(recurrence: Recurrence) -> tuple[Tensor | None, Tensor | None]:
    """Return the lengths and restarts as kernels read them."""
    lengths, restarts = recurrence.lengths, recurrence.restarts
    return (
        None if lengths is None else lengths.to("cpu", torch.int64).contiguous(),
        None if restarts is None else restarts.to("cpu").contiguous(),
    )


KERNELS = Kernels()
