"""bfloat16 on the CPU: the matrices are in it; states, sums and vector parameters are in float32.

That is as fast as bfloat16 throughout, for products take the time, and nearly as exact as float32.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def only_matrices(
    x: Tensor, initial: Sequence[Tensor], parameters: Sequence[Tensor]
) -> tuple[Tensor, Sequence[Tensor], Sequence[Tensor]]:
    """These tensors, all in float32 but the matrices if they all were in bfloat16 on the CPU."""
    if x.dtype != torch.bfloat16:
        return x, initial, parameters
    if any(t.dtype != x.dtype or t.device.type != "cpu" for t in (x, *initial, *parameters)):
        return x, initial, parameters
    return x.float(), [s.float() for s in initial], [p if p.dim() == 2 else p.float() for p in parameters]


def full_width(tensors: Sequence[Tensor], dtype: torch.dtype) -> tuple[Tensor, ...]:
    """For torch, whose products have operands of one dtype: those in bfloat16 in another."""
    return tuple([t.to(dtype) if t.dtype == torch.bfloat16 else t for t in tensors])
