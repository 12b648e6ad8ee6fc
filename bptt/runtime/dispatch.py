"""The choice of the backend for a call, by device, dtype, tracing and transforms; no other module makes it.

A run over sequences is `eager`, `recorded` by a tracer of torch, or `transformed` by torch.func or forward
mode. The backend in force runs eager calls on plain tensors of a device and dtype that it supports;
`reference` runs all others.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeAlias

import torch
from torch import Tensor

from bptt.cells.cell import Cell
from bptt.errors import MachineError
from bptt.runtime.backend import AUTO, backend_named, get_backend
from bptt.runtime.kernels.kernel_backend import KERNELS
from bptt.runtime.notice import say_once
from bptt.runtime.protocol import Backend
from bptt.runtime.reference.reference_backend import REFERENCE
from bptt.runtime.tracing import are_plain, is_recorded, is_traced, is_transformed

RunMode: TypeAlias = Literal["eager", "recorded", "transformed"]


def mode() -> RunMode:
    """Return how torch treats a run over sequences that begins now."""
    if is_transformed():
        return "transformed"
    return "recorded" if is_recorded() else "eager"


def backend_for(cell: Cell, tensors: Sequence[Tensor]) -> Backend:
    """Return the backend that runs a cell on the tensors (x, *initial, *parameters).

    Raises MachineError if the backend in force cannot run on this machine at all.
    """
    x = tensors[0]
    dtype = _dtype(cell, tensors)
    if dtype is None or 0 in x.shape or is_transformed() or not are_plain(tensors):
        return REFERENCE
    return _usable(cell, x.device, dtype)


def backend_for_loss(operands: Sequence[Tensor], target: Tensor) -> Backend:
    """Return the backend for the loss of an output layer: `operands` are (input, weight), or with a bias.

    Raises MachineError if the backend in force cannot run on this machine at all.
    """
    input, weight, *_ = operands
    compiling = torch.compiler.is_compiling()
    if is_transformed() or is_traced() or not (compiling or are_plain(operands)) or not weight.numel():
        return REFERENCE
    if target.device != input.device or any(
        t.dtype != input.dtype or t.device != input.device for t in operands
    ):
        return REFERENCE
    if compiling:
        return KERNELS if _runs_kernels(input.device.type, input.dtype) else REFERENCE
    return _usable(None, input.device, input.dtype)


# torch.compile cannot trace the choice, which may compile kernels: the result is a constant to it.
@torch.compiler.assume_constant_result  # type: ignore[untyped-decorator]
def _runs_kernels(device: str, dtype: torch.dtype) -> bool:
    return _usable(None, torch.device(device), dtype) is KERNELS


def _usable(cell: Cell | None, device: torch.device, dtype: torch.dtype) -> Backend:
    """Return the backend in force, prepared, if it supports such tensors; else the reference.

    Raises MachineError if the user chose a backend by name and this machine cannot run it.
    """
    chosen = get_backend()
    found = KERNELS if chosen == AUTO else backend_named(chosen)
    if not found.supports(cell, device, dtype):
        return REFERENCE
    try:
        found.prepare(cell, dtype)
    except MachineError as error:
        if chosen != AUTO:
            raise
        cost = "cells without a kernel run in torch operations, which takes several times as long"
        name = f"{'linear-loss' if cell is None else cell.name}-{str(dtype).removeprefix('torch.')}"
        say_once("backend", f"bptt: {cost}. No kernel for {name}: {error}")
        return REFERENCE
    return found


def _dtype(cell: Cell, tensors: Sequence[Tensor]) -> torch.dtype | None:
    """Return the common dtype of the tensors; None if they have several dtypes or devices.

    The result is bfloat16 if all matrices are bfloat16 and all other tensors float32: see `narrow`.
    """
    if len({tensor.device for tensor in tensors}) > 1:
        return None
    if len({tensor.dtype for tensor in tensors}) == 1:
        return tensors[0].dtype
    first = 1 + len(cell.states)
    matrix = [False] * first + [family.columns is not None for family in cell.families]
    wanted = [torch.bfloat16 if is_matrix else torch.float32 for is_matrix in matrix]
    return torch.bfloat16 if [tensor.dtype for tensor in tensors] == wanted else None
