"""A check of a cell's kernels on the device that they are about to run on, against torch operations."""

from __future__ import annotations

from functools import lru_cache

import torch
from torch import Tensor

from bptt.cells.caching import KEPT
from bptt.cells.cell import Cell
from bptt.errors import MachineError
from bptt.runtime.gpu.triton_function import TritonFunction
from bptt.runtime.protocol import Recurrence
from bptt.runtime.reference.reference_backend import REFERENCE

_STEPS, _BATCH = 3, 2
_SIZES = {"I": 5, "H": 7, "P": 3, "1": 1}
_WHERE = "backend triton"


def check_kernels(cell: Cell, dtype: torch.dtype, device: torch.device, room: int) -> None:
    """Run a cell forward and back on some small numbers, by its kernels and in torch operations, once.

    Raises MachineError if the kernels cannot be compiled or run, or give other numbers.
    """
    error = _outcome(cell, dtype, device, room)
    if error is not None:
        raise error


@lru_cache(maxsize=3 * KEPT)
def _outcome(cell: Cell, dtype: torch.dtype, device: torch.device, room: int) -> MachineError | None:
    sizes = {letter: _SIZES.get(letter, 4) for letter in (*cell.letters, "1")}
    source = torch.Generator().manual_seed(0)

    def drawn(*shape: int) -> Tensor:
        values = torch.rand(shape, generator=source, dtype=torch.float64) - 0.5
        return values.to(device, dtype).requires_grad_()

    x = drawn(_STEPS, _BATCH, sizes[cell.width(cell.inputs[0])])
    initial = [drawn(_BATCH, sizes[cell.width(state)]) for state in cell.states]
    tensors = (x, *initial, *(drawn(*family.shape(sizes)) for family in cell.families))
    recurrence = Recurrence(cell, None, False, tuple(True for _ in cell.states))
    with torch.inference_mode(False), torch.enable_grad():
        try:
            results = TritonFunction.apply(recurrence, room, *tensors)  # type: ignore[no-untyped-call]
            found = _numbers(results, tensors)
        except Exception as error:
            # A compiler of another package may raise anything.
            rule = f"compiles and runs the kernels of {cell.name}"
            return MachineError(_WHERE, rule, f"{type(error).__name__}: {error}")
        truth = _numbers(REFERENCE.run(recurrence, tensors), tensors)
    # A dozen roundings of each of some hundred operations on numbers below 1.
    limit = 1000 * torch.finfo(dtype).eps
    worst = max(float((a - b).abs().max()) for a, b in zip(found, truth, strict=True))
    if worst <= limit:
        return None
    rule = f"computes {cell.name} as torch does, within {limit:.1g}"
    return MachineError(_WHERE, rule, f"a difference of {worst:.2g}")


def _numbers(results: tuple[Tensor, ...], tensors: tuple[Tensor, ...]) -> list[Tensor]:
    """Return the results and the gradients of the tensors, of a loss with a different weight on each."""
    weights = [torch.linspace(-1, 1, r.numel(), device=r.device, dtype=r.dtype).view_as(r) for r in results]
    total = torch.stack([(w * r).sum() for w, r in zip(weights, results, strict=True)]).sum()
    gradients = torch.autograd.grad(total, tensors, allow_unused=True, materialize_grads=True)
    return [t.detach() for t in (*results, *gradients)]
