"""Checks that a backward pass reads the tensors that its forward pass saved.

Torch detects values changed in place. It does not detect that a tensor was assigned other data, as
`module.half()` does to parameters, nor that its memory was freed: torch's own operations then raise an error,
but a kernel would read arbitrary memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

import torch
from torch import Tensor

from bptt.errors import GraphError

Form: TypeAlias = tuple[torch.dtype, torch.Size, torch.device]

_RULE = "a saved tensor must keep its dtype, shape, device and memory until the backward pass"
_CURE = "Run the forward pass again after module.half(), .to(...) or a change of .data"


def save(ctx: Any, *tensors: Tensor | None) -> None:
    """Save tensors for the backward pass of an autograd function, and their forms with them."""
    ctx.save_for_backward(*tensors)
    ctx.forms = forms(tensors)


def saved(ctx: Any, where: str) -> list[Any]:
    """Return the tensors passed to `save`. Raises GraphError if a dtype, shape or device has changed."""
    found = list(ctx.saved_tensors)
    check_forms(where, ctx.forms, forms(found))
    return found


def forms(tensors: Iterable[Tensor | None]) -> list[Form | None]:
    """Return the dtype, shape and device of each tensor, None for None."""
    return [None if t is None else (t.dtype, t.shape, t.device) for t in tensors]


def check_forms(where: str, before: Sequence[Form | None], now: Sequence[Form | None]) -> None:
    """Raise GraphError, about the first difference, if the forms are not those from before."""
    if now == before:
        return
    was, found = next(pair for pair in zip(before, now, strict=True) if pair[0] != pair[1])
    raise GraphError(where, _RULE, f"{_text(found)} instead of {_text(was)}", _CURE)


def check_memory(where: str, tensors: Iterable[Tensor | None]) -> None:
    """Raise GraphError if the memory of a tensor was freed, or is smaller than its shape requires."""
    for tensor in tensors:
        if tensor is not None and not has_memory(tensor):
            raise GraphError(where, _RULE, f"{_text(forms([tensor])[0])} without memory", _CURE)


def has_memory(tensor: Tensor) -> bool:
    """Return whether the last number of a tensor lies inside its storage."""
    count = tensor.numel()
    if count and not tensor.is_contiguous():
        steps = zip(tensor.shape, tensor.stride(), strict=True)
        count = 1 + sum((size - 1) * stride for size, stride in steps)
    end = (tensor.storage_offset() + count) * tensor.itemsize
    return not count or end <= tensor.untyped_storage().nbytes()


def _text(form: Form | None) -> str:
    if form is None:
        return "none"
    dtype, shape, device = form
    return f"{dtype} {tuple(shape)} on {device}"
