"""Memory that a forward pass leaves to its backward pass, used again by the next one.

A training step takes and leaves the same large blocks. Taken from the system anew, each of their pages
costs a fault; kept here, it costs nothing.
"""

from __future__ import annotations

from itertools import count
from threading import Lock

import torch
from torch import Tensor

# Blocks that wait for their next use: packed weights, and what a pass leaves, of each of the layers and
# directions of a network. Blocks beyond that are freed, and now and then the one that has waited longest.
_MOST, _TURNS = 16, 64

_free: list[Tensor] = []
_turns = count(1)
_lock = Lock()


def take(size: int, dtype: torch.dtype) -> Tensor:
    """Take a block of `size` numbers, uninitialised, from the pool."""
    with _lock:
        for k in range(len(_free) - 1, -1, -1):
            if _free[k].dtype == dtype and size <= _free[k].numel() <= 2 * size:
                block = _free.pop(k)
                return block if block.numel() == size else block[:size]
    # In no mode, on no default device of the program: a block may be used again under another one.
    with torch.inference_mode(False):
        return torch.empty(size, dtype=dtype, device="cpu")


def give_back(block: Tensor) -> None:
    """Return a block to the pool. The caller must no longer read it: the next pass writes over it."""
    whole = block.untyped_storage().nbytes() // block.element_size()
    if not whole:
        return
    with _lock:
        _free.append(block if block.numel() == whole else block.as_strided((whole,), (1,), 0))
        del _free[:-_MOST]
        if next(_turns) % _TURNS == 0:
            del _free[:1]


def empty_cache() -> None:
    """Free the blocks of the pool."""
    with _lock:
        _free.clear()
