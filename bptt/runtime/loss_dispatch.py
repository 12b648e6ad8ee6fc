"""The choice of the backend that computes a loss.

Apart from that of cells: the compiler of torch follows this choice, and so finds both backends imported.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from bptt.runtime.dispatch import usable
from bptt.runtime.kernels.ctc_loss import ctc_loss
from bptt.runtime.kernels.kernel_backend import KERNELS, Kernels
from bptt.runtime.kernels.linear_loss import linear_cross_entropy
from bptt.runtime.protocol import Backend, LossName
from bptt.runtime.reference.reference_backend import REFERENCE
from bptt.runtime.tracing import are_plain, constant_result, is_traced, is_transformed


class _Followed(Kernels):
    """The kernels for the compiler of torch, which does not follow an import on first use."""

    linear_cross_entropy = staticmethod(linear_cross_entropy)
    ctc_loss = staticmethod(ctc_loss)


_FOLLOWED = _Followed()


def backend_for_loss(loss: LossName, operands: Sequence[Tensor], *targets: Tensor) -> Backend:
    """Return the backend for a loss of `operands`, those that gradients flow to: logits, or (input, weight).

    Raises MachineError if the backend in force cannot run on this machine at all.
    """
    first = operands[0]
    compiling = torch.compiler.is_compiling()
    if is_transformed() or is_traced() or not (compiling or are_plain(operands)):
        return REFERENCE
    if any(t.dtype != first.dtype or not t.numel() for t in operands):
        return REFERENCE
    if any(t.device != first.device for t in (*operands, *targets)):
        return REFERENCE
    if compiling:
        return _FOLLOWED if _runs_kernels(loss, first.device.type, first.dtype) else REFERENCE
    return usable(loss, first.device, first.dtype)


# torch.compile cannot trace the choice, which may compile kernels: the result is a constant to it.
@constant_result
def _runs_kernels(loss: LossName, device: str, dtype: torch.dtype) -> bool:
    return usable(loss, torch.device(device), dtype) is KERNELS
