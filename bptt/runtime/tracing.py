"""Predicates for how torch treats operations now: it runs, records or transforms them."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.autograd import forward_ad


def is_transformed() -> bool:
    """Return whether torch.func or forward mode is active; both support torch's own operations only."""
    # Torch has no public test for either.
    transforms: bool = torch._C._are_functorch_transforms_active()
    return transforms or forward_ad._current_level >= 0


def is_traced() -> bool:
    """Return whether torch.jit.trace records torch's operations."""
    return bool(torch.jit.is_tracing())  # type: ignore[attr-defined,no-untyped-call]


def is_recorded() -> bool:
    """Return whether torch.compile, torch.export or another tracer records torch's operations."""
    if torch.compiler.is_compiling():
        return True
    # Torch has no public test for modes that intercept every operation (FakeTensor, make_fx).
    return torch._C._len_torch_dispatch_stack() > 0 or is_traced()


def are_plain(tensors: Sequence[Tensor]) -> bool:
    """Return whether all tensors are plain memory: neither distributed, nor fake, nor wrapped."""
    return all(type(t).__torch_dispatch__ is Tensor.__torch_dispatch__ for t in tensors)
