"""The backend `triton`: kernels for a GPU, in float32, float16 and bfloat16, of any cell."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import cache
from importlib.util import find_spec

import torch
from torch import Tensor

from bptt.cells.cell import Cell
from bptt.errors import InputError, MachineError
from bptt.runtime.gpu.device_check import check_kernels
from bptt.runtime.gpu.launch import TritonRun, ends_of
from bptt.runtime.gpu.triton_function import TritonFunction, TritonLaunch
from bptt.runtime.gpu.triton_module import kernels_of
from bptt.runtime.protocol import LossName, Recurrence
from bptt.runtime.reference.reference_backend import Reference

_DTYPES = (torch.float32, torch.float16, torch.bfloat16)
# Shared memory that no device lacks; also what the interpreter is given.
_LEAST_ROOM = 64 << 10


class Triton(Reference):
    """The backend of Triton's kernels: implements `bptt.runtime.protocol.Backend`.

    Losses are computed in torch operations, and so is what an observer measures.
    """

    name = "triton"

    def supports(self, work: Cell | LossName, device: torch.device, dtype: torch.dtype) -> bool:
        """Return whether there are kernels for the device and the dtype, and Triton is installed.

        With TRITON_INTERPRET=1 Triton's interpreter runs them on the CPU.
        """
        place = "cpu" if is_interpreted() else "cuda"
        return not isinstance(work, str) and device.type == place and dtype in _DTYPES and is_installed()

    def prepare(self, work: Cell | LossName, dtype: torch.dtype) -> None:
        """Write the kernels, and check them on the device when they are first asked for.

        Raises MachineError if Triton has no text of a function that the cell calls, or the check fails.
        """
        if isinstance(work, str):
            return
        try:
            kernels_of(work, True)
        except InputError as error:
            raise MachineError("backend triton", "writes every function of a cell", str(error)) from error
        if not is_interpreted():
            device = torch.device("cuda", torch.cuda.current_device())
            check_kernels(work, dtype, device, room(device))

    def run(self, recurrence: Recurrence, tensors: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Run an autograd function whose forward and backward pass call one kernel each."""
        if recurrence.observer is not None:
            return super().run(recurrence, tensors)
        found: tuple[Tensor, ...] = ()
        if torch.is_grad_enabled() and any(tensor.requires_grad for tensor in tensors):
            found = TritonFunction.apply(recurrence, room(tensors[0].device), *tensors)  # type: ignore[no-untyped-call]
            return found
        return tuple(self.forward(recurrence, tensors, keep=False))

    def forward(self, recurrence: Recurrence, tensors: Sequence[Tensor], keep: bool) -> list[Tensor]:
        """Call the forward kernel."""
        with torch.no_grad():
            launch = TritonLaunch(recurrence, tensors, room(tensors[0].device))
            run = launch.forward(keep)
            kept = [] if run.kept is None else [run.kept.to(tensors[0].dtype)]
            return [*launch.results(run), *kept]

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
        with torch.no_grad():
            launch = TritonLaunch(recurrence, tensors, room(tensors[0].device))
            whole = []
            for state, ends in zip(states, ends_of(launch.problem), strict=True):
                first, *restart = (each[None] for each in ends)
                parts = (state, first) if recurrence.reverse else (first, state)
                whole.append(torch.cat([*parts, *restart]).float())
            cell = recurrence.cell
            # Only its presence counts: the backward equations read no output that is not kept.
            output = None if cell.output in cell.states else kept
            found = launch.backward(TritonRun(tuple(whole), output, kept.float().contiguous()), gradients)
            all_of = zip((found.x, *found.initial, *found.parameters), tensors, asked, strict=True)
            return [g.to(t.dtype).contiguous() for g, t, wanted in all_of if wanted]

    def empty_cache(self) -> None:
        """Do nothing: memory is torch's."""


def is_interpreted() -> bool:
    """Return whether Triton interprets its kernels, which it reads when it is imported."""
    return os.environ.get("TRITON_INTERPRET") == "1"


@cache
def is_installed() -> bool:
    """Return whether Triton can be imported."""
    return find_spec("triton") is not None


@cache
def room(device: torch.device) -> int:
    """Return the bytes of shared memory that a program may take on a device."""
    if device.type != "cuda":
        return _LEAST_ROOM
    found = torch.cuda.get_device_properties(device)
    return int(getattr(found, "shared_memory_per_block_optin", _LEAST_ROOM))


TRITON = Triton()
