"""The choice of the backend for a call, by device, dtype, tracing and transforms; no other module makes it.

A run over sequences is `eager`, `recorded` by a tracer of torch, or `transformed` by torch.func or forward
mode. The backend in force runs eager calls on plain tensors of a device and dtype that it supports;
`reference` runs all others.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, TypeAlias

import torch
from torch import Tensor

from bptt.errors import InputError, MachineError
from bptt.runtime.backend import AUTO, backend_named, get_backend
from bptt.runtime.notice import say_once
from bptt.runtime.tracing import are_plain, is_recorded, is_transformed

if TYPE_CHECKING:
    from bptt.cells.cell import Cell
    from bptt.runtime.protocol import Backend, LossName

KERNELS, REFERENCE = "cpu", "reference"

RunMode: TypeAlias = Literal["eager", "recorded", "transformed"]


def mode() -> RunMode:
    """Return how torch treats a run over sequences that begins now."""
    if is_transformed():
        return "transformed"
    return "recorded" if is_recorded() else "eager"


def backend_for(cell: Cell, tensors: Sequence[Tensor], factors: torch.dtype | None = None) -> Backend:
    """Return the backend that runs a cell on the tensors (x, *initial, *parameters).

    `factors` is the dtype that the factors of products are rounded to, None: that of the matrices.
    Raises MachineError if the backend in force cannot run on this machine at all, or cannot round; InputError
    if nothing can round the factors of such tensors.
    """
    x = tensors[0]
    dtype = _dtype(cell, tensors)
    if factors is not None and 0 not in x.shape:
        return _rounding(cell, x, dtype if are_plain(tensors) else None, factors)
    if dtype is None or 0 in x.shape or is_transformed() or not are_plain(tensors):
        return backend_named(REFERENCE)
    return usable(cell, x.device, dtype)


def usable(work: Cell | LossName, device: torch.device, dtype: torch.dtype) -> Backend:
    """Return the backend in force, prepared, if it supports such tensors; else the reference.

    Raises MachineError if the user chose a backend by name and this machine cannot run it.
    """
    chosen = get_backend()
    found = backend_named(KERNELS if chosen == AUTO else chosen)
    if not found.supports(work, device, dtype):
        return backend_named(REFERENCE)
    try:
        found.prepare(work, dtype)
    except MachineError as error:
        if chosen != AUTO:
            raise
        cost = "cells without a kernel run in torch operations, which takes several times as long"
        name = f"{work if isinstance(work, str) else work.name}-{str(dtype).removeprefix('torch.')}"
        say_once("backend", f"bptt: {cost}. No kernel for {name}: {error}")
        return backend_named(REFERENCE)
    return found


def _rounding(cell: Cell, x: Tensor, dtype: torch.dtype | None, factors: torch.dtype) -> Backend:
    """Return the backend of kernels, prepared, to run float32 tensors with rounded factors.

    Raises InputError for other tensors, or if another backend is in force; MachineError if the kernels cannot
    be made.
    """
    chosen, kernels = get_backend(), backend_named(KERNELS)
    form = f"{str(x.dtype).removeprefix('torch.')} on {x.device.type}, backend {chosen}"
    if dtype != torch.float32 or is_transformed() or not kernels.supports(cell, x.device, factors):
        form += ", under torch.func or in forward mode" if is_transformed() else ""
    elif chosen in (AUTO, KERNELS):
        kernels.prepare(cell, factors)
        return kernels
    name = str(factors).removeprefix("torch.")
    rule = f"products in {name} need float32 tensors and the kernels of the CPU"
    raise InputError(cell.name, rule, form, "Compute in float32, or with the backend cpu")


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
