"""Whether tensors are plain memory, and torch does nothing to them but run: where kernels can be called."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.autograd import forward_ad


def is_transformed() -> bool:
    """Whether torch.func or forward mode is at work, which know torch's own operations only."""
    # Neither has a public sign.
    transforms: bool = torch._C._are_functorch_transforms_active()
    return transforms or forward_ad._current_level >= 0


def is_traced() -> bool:
    """Whether torch.jit.trace writes torch's operations down."""
    return bool(torch.jit.is_tracing())  # type: ignore[attr-defined,no-untyped-call]


def are_plain(tensors: Sequence[Tensor]) -> bool:
    """Whether all are memory: neither distributed, nor fake, nor wrapped."""
    return all(type(t).__torch_dispatch__ is Tensor.__torch_dispatch__ for t in tensors)
