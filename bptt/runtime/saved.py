"""What a backward pass reads has to be what its forward pass saved.

Torch notices values that are changed in place. It does not notice that a tensor has been given other data, as
`module.half()` gives its parameters, nor that its memory has been freed: its own operations then fail by
themselves, but kernels would read whatever lies at an address.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, TypeAlias

import torch
from torch import Tensor

from bptt.errors import GraphError

Form: TypeAlias = tuple[torch.dtype, torch.Size, torch.device]

_RULE = "what a backward pass reads has the dtype, shape, device and memory that it had in the forward pass"
_CURE = "Run the forward pass again after module.half(), .to(...) or a change of .data"


def save(ctx: Any, *tensors: Tensor | None) -> None:
    """Save tensors for the backward pass of an autograd function, and their forms with them."""
    ctx.save_for_backward(*tensors)
    ctx.forms = forms(tensors)


def saved(ctx: Any, where: str) -> list[Any]:
    """The tensors that `save` was called with. Raises GraphError if one has another form than it had."""
    found = list(ctx.saved_tensors)
    check_forms(where, ctx.forms, forms(found))
    return found


def forms(tensors: Iterable[Tensor | None]) -> list[Form | None]:
    """The dtype, shape and device of each tensor."""
    return [None if t is None else (t.dtype, t.shape, t.device) for t in tensors]


def check_forms(where: str, before: Sequence[Form | None], now: Sequence[Form | None]) -> None:
    """Raise GraphError if a tensor has not the form that it had."""
    if now == before:
        return
    was, found = next(pair for pair in zip(before, now, strict=True) if pair[0] != pair[1])
    raise GraphError(where, _RULE, f"{_text(found)} instead of {_text(was)}", _CURE)


def check_memory(where: str, tensors: Iterable[Tensor | None]) -> None:
    """Raise GraphError if a tensor's memory has been freed, or is smaller than its shape says."""
    for tensor in tensors:
        if tensor is not None and not _has_memory(tensor):
            raise GraphError(where, _RULE, f"{_text(forms([tensor])[0])} without memory", _CURE)


def _has_memory(tensor: Tensor) -> bool:
    """Whether the last number of a tensor lies inside its storage."""
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
