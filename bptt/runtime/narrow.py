"""bfloat16 on the CPU: matrices are bfloat16; states, sums and vector parameters are float32.

That is as fast as bfloat16 throughout, because products dominate the time, and nearly as exact as float32.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor


def only_matrices(
    x: Tensor, initial: Sequence[Tensor], parameters: Sequence[Tensor]
) -> tuple[Tensor, Sequence[Tensor], Sequence[Tensor]]:
    """Convert all tensors but the matrices to float32 if all are bfloat16 on the CPU; else return them."""
    if x.dtype != torch.bfloat16:
        return x, initial, parameters
    if any(t.dtype != x.dtype or t.device.type != "cpu" for t in (x, *initial, *parameters)):
        return x, initial, parameters
    return x.float(), [s.float() for s in initial], [p if p.dim() == 2 else p.float() for p in parameters]


def full_width(tensors: Sequence[Tensor], dtype: torch.dtype) -> tuple[Tensor, ...]:
    """Convert the bfloat16 tensors to `dtype`, for torch, whose products need operands of one dtype."""
    return tuple([t.to(dtype) if t.dtype == torch.bfloat16 else t for t in tensors])
