"""Whether tensors are still what they were: torch counts the changes made to a tensor in place."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache

import torch
from torch import Tensor


class Versions:
    """The counts of changes of tensors when this was made, without holding their memory.

    For results that the caller may change in place although a backward pass would read them: torch allows
    that for its own layers, and what was changed can be computed again.
    """

    def __init__(self, tensors: Sequence[Tensor]) -> None:
        self._counters = tuple([_counter(tensor) for tensor in tensors])
        self._then = self._now()

    @property
    def changed(self) -> bool:
        """Whether one of the tensors, or a view of one, was changed in place since."""
        return self._now() != self._then

    def _now(self) -> tuple[int, ...]:
        return tuple([counter._version for counter in self._counters])


def _counter(tensor: Tensor) -> Tensor:
    """Make a tensor with the count of another, and none of its memory."""
    counter = tensor.detach()
    # Takes over everything but the count, which `detach` shares.
    counter.data = _nothing(tensor.dtype, tensor.device)
    return counter


@cache
def _nothing(dtype: torch.dtype, device: torch.device) -> Tensor:
    # Whatever mode the program is in: the next one that takes it may be in another.
    with torch.inference_mode(False):
        return torch.empty(0, dtype=dtype, device=device)
