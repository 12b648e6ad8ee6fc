"""A pool of memory blocks for the values that a forward pass keeps for its backward pass.

Every training step needs the same large blocks. Each page of a block newly allocated by the system costs a
page fault; blocks from the pool cost none.
"""

from __future__ import annotations

from itertools import count
from threading import Lock

import torch
from torch import Tensor

# At most _MOST free blocks are kept: enough for the packed weights and kept values of the layers and
# directions of a usual network. The oldest beyond that are freed, and after every _TURNS returns the oldest
# one, so that blocks of a size that is no longer used do not stay for ever.
_MOST, _TURNS = 16, 64

# Passes of several threads share the pool, guarded by `_lock`. A block is either in the list or owned by the
# pass that took it.
_free: list[Tensor] = []
_turns = count(1)
_lock = Lock()


def take(size: int, dtype: torch.dtype) -> Tensor:
    """Return an uninitialised block of `size` numbers, from the pool if one of at most twice that is free."""
    with _lock:
        # The usual case, in which passes follow each other again and again.
        if _free and _free[-1].numel() == size and _free[-1].dtype is dtype:
            return _free.pop()
        # The latest first, so that blocks no longer needed become the oldest, which are freed.
        for k in range(len(_free) - 1, -1, -1):
            if _free[k].dtype == dtype and size <= _free[k].numel() <= 2 * size:
                block = _free.pop(k)
                return block if block.numel() == size else block[:size]
    # Independent of inference mode and default device: a block may be reused under another one.
    with torch.inference_mode(False):
        return torch.empty(size, dtype=dtype, device="cpu")


def give_back(block: Tensor) -> None:
    """Return a block to the pool; the caller must no longer read it, because the next pass overwrites it."""
    # A part of a longer block is a view.
    if block._is_view():
        block = block.as_strided((block.untyped_storage().nbytes() // block.element_size(),), (1,), 0)
    if not block.numel():
        return
    with _lock:
        _free.append(block)
        if len(_free) > _MOST or next(_turns) % _TURNS == 0:
            del _free[:1]


def empty_cache() -> None:
    """Free all blocks of the pool."""
    with _lock:
        _free.clear()
