"""Memory that a forward pass leaves to its backward pass, used again by the next one.

A training step takes and leaves the same large blocks. Taken from the system anew, each of their pages
costs a fault; kept here, it costs nothing.
"""

from __future__ import annotations

from threading import Lock

import torch
from torch import Tensor

# Blocks that wait for their next use: two, of each of the layers and directions that are in use at once,
# would do; what is more is given back, the oldest first.
_MOST = 16

_free: list[Tensor] = []
_lock = Lock()


class Lease:
    """A block of `count` numbers of a dtype, given back on `release`, or when nobody holds the lease."""

    def __init__(self, count: int, dtype: torch.dtype) -> None:
        self.tensor = _take(count, dtype)
        self._held = True

    def keep(self) -> Tensor:
        """The block, which then is not given back."""
        self._held = False
        return self.tensor

    def release(self) -> None:
        """Give the block back: whoever leases next overwrites it."""
        if self._held:
            self._held = False
            with _lock:
                _free.append(self.tensor)
                del _free[:-_MOST]

    def __del__(self) -> None:
        self.release()


def _take(count: int, dtype: torch.dtype) -> Tensor:
    with _lock:
        for k in range(len(_free) - 1, -1, -1):
            if _free[k].dtype == dtype and count <= _free[k].numel() <= 2 * count:
                return _free.pop(k)
    return torch.empty(count, dtype=dtype)
