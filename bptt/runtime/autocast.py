"""Autocast: a cell computes in the dtype of its parameters, and hands over what autocast expects."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor


def autocast_dtype(tensor: Tensor) -> torch.dtype | None:
    """What autocast turns this tensor into before a product, None if it leaves it as it is."""
    # Asked at every call of a layer: of any device first, which is the cheaper question.
    if not torch._C._is_any_autocast_enabled():
        return None
    device = tensor.device.type
    if not torch.amp.is_autocast_available(device) or not torch.is_autocast_enabled(device):
        return None
    # As torch has it: double precision was asked for on purpose.
    return None if tensor.dtype == torch.float64 else torch.get_autocast_dtype(device)


def full_precision(tensor: Tensor) -> AbstractContextManager[None]:
    """Within it torch's operations compute in the dtype of their arguments."""
    if autocast_dtype(tensor) is None:
        return nullcontext()
    return torch.autocast(tensor.device.type, enabled=False)
