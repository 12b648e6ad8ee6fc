"""Narrow weights on the CPU: matrices in fewer bits; states, sums and vector parameters in float32.

That is nearly as fast as narrow numbers throughout, because products dominate the time, and nearly as exact
as float32. Either the matrices are bfloat16, or they stay in float32 and are rounded at every product.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from types import MappingProxyType
from typing import Literal, TypeAlias

import torch
from torch import Tensor

from bptt.errors import InputError
from bptt.runtime.notice import say_once
from bptt.runtime.processor import processor

WeightFormat: TypeAlias = Literal["float32", "bf16", "int8"]
# The dtype of the factors of products; None: that of the matrices.
DTYPES = MappingProxyType({"float32": None, "bf16": torch.bfloat16, "int8": torch.int8})
# The features of processors that multiply such factors, as /proc/cpuinfo names them; one is enough.
_NATIVE = {torch.bfloat16: ("avx512_bf16",), torch.int8: ("avx512_vnni", "avx_vnni")}

_factors: ContextVar[torch.dtype | None] = ContextVar("factors", default=None)


@contextmanager
def weight_format(name: WeightFormat) -> Iterator[None]:
    """Round the factors of all products of recurrent layers with their matrices, within the context.

    Parameters, states, sums and gradients stay in float32: "bf16" trains with narrow products and float32
    master weights. The backward pass of a run rounds as its forward pass did, also outside the context. It
    has no effect on graphs recorded by `torch.compile` or `torch.export`.

    Args:
        name: "bf16", or "float32" to round nothing.

    Raises:
        InputError: another name; in the context, a run in another dtype, on another device or by another
            backend than kernels on the CPU.
        MachineError: in the context, kernels cannot be compiled.

    """
    before = _factors.set(factors_of("weight_format", name))
    try:
        yield
    finally:
        _factors.reset(before)


def factors_of(where: str, name: WeightFormat) -> torch.dtype | None:
    """Return the dtype of the factors of products in a format, None for float32.

    Says once in a process if this machine is slow at it. Raises InputError for another name.
    """
    if name not in DTYPES:
        raise InputError(where, f"expected weights in one of {', '.join(DTYPES)}", repr(name))
    slow = slow_because(name)
    if slow is not None:
        say_once(f"slow {name}", f"bptt: {slow}")
    return DTYPES[name]


def factors_now() -> torch.dtype | None:
    """Return the dtype that the context in force rounds the factors of products to; None if it does not."""
    return _factors.get()


def slow_because(name: WeightFormat) -> str | None:
    """Return why products in a format are slower than in float32 on this machine; None if they are not."""
    dtype = DTYPES[name]
    if dtype is None or not processor().flags.isdisjoint(_NATIVE[dtype]):
        return None
    return (
        f"{name}: this processor has no {' or '.join(_NATIVE[dtype])}; products are the same to the bit, "
        "computed by several instructions each, which takes longer than float32 itself"
    )


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
