"""The choice of the backend that computes the loss of an output layer.

Apart from that of cells: the compiler of torch follows this choice, and so finds both backends imported.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from bptt.runtime.dispatch import usable
from bptt.runtime.kernels.kernel_backend import KERNELS, Kernels
from bptt.runtime.kernels.linear_loss import linear_cross_entropy
from bptt.runtime.protocol import Backend
from bptt.runtime.reference.reference_backend import REFERENCE
from bptt.runtime.tracing import are_plain, constant_result, is_traced, is_transformed


class _Followed(Kernels):
    """The kernels for the compiler of torch, which does not follow an import on first use."""

    linear_cross_entropy = staticmethod(linear_cross_entropy)


_FOLLOWED = _Followed()


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
        return _FOLLOWED if _runs_kernels(input.device.type, input.dtype) else REFERENCE
    return usable(None, input.device, input.dtype)


# torch.compile cannot trace the choice, which may compile kernels: the result is a constant to it.
@constant_result
def _runs_kernels(device: str, dtype: torch.dtype) -> bool:
    return usable(None, torch.device(device), dtype) is KERNELS
