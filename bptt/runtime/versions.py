"""Detection of changes in place: torch counts the changes of each tensor."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import torch
from torch import Tensor


class Versions:
    """The change counts of tensors at the time of construction, without a reference to their memory.

    For results that a backward pass reads and the caller may change in place: torch's own layers allow that,
    and the backward pass can compute the changed values again.
    """

    def __init__(self, tensors: Sequence[Tensor]) -> None:
        self._counters = [_counter(tensor) for tensor in tensors]
        self._then = [counter._version for counter in self._counters]

    @property
    def changed(self) -> bool:
        """Whether one of the tensors, or a view of one, has been changed in place since construction."""
        return [counter._version for counter in self._counters] != self._then


def _counter(tensor: Tensor) -> Tensor:
    """Return a tensor that shares the change count of another, but not its memory."""
    counter = tensor.detach()
    # Assigning `data` replaces all but the count, which `detach` shares with the tensor.
    counter.data = _nothing(tensor.dtype, tensor.device)
    return counter


@cache
def _nothing(dtype: torch.dtype, device: torch.device) -> Tensor:
    # Never an inference tensor: it is cached, and the next caller may be outside inference mode.
    with torch.inference_mode(False):
        return torch.empty(0, dtype=dtype, device=device)
