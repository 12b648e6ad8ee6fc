"""Autocast: a cell computes in the dtype of its parameters and returns the dtype that autocast expects."""

from __future__ import annotations

from contextlib import AbstractContextManager, nullcontext

import torch
from torch import Tensor


def autocast_dtype(tensor: Tensor) -> torch.dtype | None:
    """Return the dtype to which autocast converts `tensor` before a product; None if it does not."""
    # Evaluated at every call of a layer: the test for any device comes first because it is the cheaper one.
    if not torch._C._is_any_autocast_enabled():
        return None
    device = tensor.device.type
    if not torch.amp.is_autocast_available(device) or not torch.is_autocast_enabled(device):
        return None
    # The rule of torch: float64 is never converted, because a user chose it on purpose.
    return None if tensor.dtype == torch.float64 else torch.get_autocast_dtype(device)


def full_precision(tensor: Tensor) -> AbstractContextManager[None]:
    """Return a context in which torch computes in the dtype of the arguments, without autocast."""
    if autocast_dtype(tensor) is None:
        return nullcontext()
    return torch.autocast(tensor.device.type, enabled=False)
