"""The choice of the backend for a call, by device, dtype, tracing and transforms; no other module makes it.

A run over sequences is `eager`, `recorded` by a tracer of torch, or `transformed` by torch.func or forward
mode. The backend in force runs eager calls on plain tensors of a device and dtype that it supports;
`reference` runs all others. On a GPU plain cells go to torch's own operators first: see `runs_fused`; long
sequences of cells that are linear in their state go to `reference`, which scans them: see `runs_scanned`.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from typing import TYPE_CHECKING, Literal, TypeAlias

import torch
from torch import Tensor

from bptt.deferred import deferred
from bptt.errors import InputError, MachineError
from bptt.runtime.backend import AUTO, backend_named, get_backend
from bptt.runtime.narrow import factors_now
from bptt.runtime.notice import say_once
from bptt.runtime.protocol import Planner
from bptt.runtime.tracing import are_plain, is_recorded, is_transformed

if TYPE_CHECKING:
    from bptt.cells.cell import Cell
    from bptt.runtime.protocol import Backend, LossName, StackLayer, StackPlan, Storage

KERNELS, GPU_KERNELS, REFERENCE = "cpu", "triton", "reference"
_SLOW = "cells without a kernel run in torch operations, which takes several times as long"
# The types of devices on which torch has kernels for layers of recurrent cells: cuDNN's and MIOpen's. MPS is
# left out, as its kernels have had wrong results (pytorch #94691).
FUSED_DEVICES = ("cuda",)
# The number of steps from which a scan replaces a kernel's loop on a GPU. An estimate, checked on no GPU:
# each step of the loop waits for memory several times, and a scan of 512 steps has some hundred operations.
LONG = 512
# For GPUs alone.
_plan = deferred("bptt.codegen.plan", "plan")
_scan_plan = deferred("bptt.codegen.scan_plan", "scan_plan")
_operator_of = deferred("bptt.runtime.fused.plain_cells", "operator_of")
# cuBLAS, which cuDNN calls, adds up in one order with these settings alone: torch's notes on reproducibility.
_REPRODUCIBLE = (":4096:8", ":16:8")

RunMode: TypeAlias = Literal["eager", "recorded", "transformed"]


def mode() -> RunMode:
    """Return how torch treats a run over sequences that begins now."""
    if is_transformed():
        return "transformed"
    return "recorded" if is_recorded() else "eager"


def has_fused(device: torch.device) -> bool:
    """Return whether torch has kernels for whole layers on a device, so that `runs_fused` is worth asking."""
    return device.type in FUSED_DEVICES


def runs_fused(cell: Cell, tensors: Sequence[Tensor], storage: Storage = "keep") -> bool:
    """Return whether torch's operator runs layers of a cell on (x, *initial, *parameters), in one call.

    It runs plain cells in whole numbers of layers, on GPUs. The equations of the cell run what it cannot:
    calls that are recorded or transformed, other backends than `auto`, other storage than "keep", rounded
    factors, several dtypes, and numbers that must be reproducible where cuBLAS is not set to that.
    """
    x = tensors[0]
    return (
        has_fused(x.device)
        and mode() == "eager"
        and get_backend() == AUTO
        and _operator_of(cell) is not None
        and storage == "keep"
        and factors_now() is None
        and all(tensor.numel() for tensor in tensors)
        and len({(tensor.dtype, tensor.device) for tensor in tensors}) == 1
        and are_plain(tensors)
        and _is_reproducible()
    )


def _is_reproducible() -> bool:
    """Return whether torch asks for no reproducible operations, or cuBLAS is set to be."""
    asked = torch.are_deterministic_algorithms_enabled()
    return not asked or os.environ.get("CUBLAS_WORKSPACE_CONFIG") in _REPRODUCIBLE


def runs_scanned(cell: Cell, x: Tensor) -> bool:
    """Return whether all steps of x (T, B, I) are computed at once on a GPU, by operations of torch.

    It is so for cells without states, and from LONG steps on for cells whose recurrences are scans.
    """
    least = LONG if cell.states else 1
    on_gpu = has_fused(x.device) and get_backend() == AUTO
    return on_gpu and x.shape[0] >= least and _scan_plan(_plan(cell)) is not None


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
    by_torch = is_transformed() or not are_plain(tensors)
    if dtype is None or 0 in x.shape or by_torch or runs_scanned(cell, x):
        return backend_named(REFERENCE)
    return usable(cell, x.device, dtype)


def usable(work: Cell | LossName, device: torch.device, dtype: torch.dtype) -> Backend:
    """Return the backend in force, prepared, if it supports such tensors; else the reference.

    Raises MachineError if the user chose a backend by name and this machine cannot run it.
    """
    chosen = get_backend()
    on_gpu = device.type in FUSED_DEVICES
    found = backend_named((GPU_KERNELS if on_gpu else KERNELS) if chosen == AUTO else chosen)
    if not found.supports(work, device, dtype):
        if on_gpu and chosen == AUTO and not isinstance(work, str):
            needs = "float32, float16 or bfloat16, and Triton: pip install 'bptt[gpu]'"
            say_once("gpu", f"bptt: cell {work.name} on {device}: {_SLOW}. Kernels need {needs}")
        return backend_named(REFERENCE)
    try:
        found.prepare(work, dtype)
    except MachineError as error:
        if chosen != AUTO:
            raise
        name = f"{work if isinstance(work, str) else work.name}-{str(dtype).removeprefix('torch.')}"
        say_once("backend", f"bptt: {_SLOW}. No kernel for {name}: {error}")
        return backend_named(REFERENCE)
    return found


def _rounding(cell: Cell, x: Tensor, dtype: torch.dtype | None, factors: torch.dtype) -> Backend:
    """Return the backend of kernels, prepared, to run float32 tensors with rounded factors.

    Raises InputError for other tensors, or if another backend is in force; MachineError if the kernels cannot
    be made.
    """
    chosen, kernels = get_backend(), backend_named(KERNELS)
    kind = "several dtypes" if dtype is None else str(dtype).removeprefix("torch.")
    form = f"{kind} on {x.device.type}, backend {chosen}"
    if dtype != torch.float32 or is_transformed() or not kernels.supports(cell, x.device, factors):
        form += ", under torch.func or in forward mode" if is_transformed() else ""
    elif chosen in (AUTO, KERNELS):
        kernels.prepare(cell, factors)
        return kernels
    name = str(factors).removeprefix("torch.")
    rule = f"products in {name} need float32 tensors and the kernels of the CPU"
    raise InputError(cell.name, rule, form, "Compute in float32, or with the backend cpu")


def plan(cell: Cell, layers: Sequence[StackLayer], directions: int, x: Tensor) -> StackPlan | None:
    """Return a plan of the backend in force for eager calls on inputs like x (T, B, I); None if it has none.

    Raises MachineError if the user chose a backend by name and this machine cannot run it.
    """
    chosen = backend_for(cell, (x,))
    return chosen.plan(cell, layers, directions, x) if isinstance(chosen, Planner) else None


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
