"""The process made ready for long numerical work."""

from __future__ import annotations

import ctypes

import torch

# Numbers of <malloc.h>.
_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4
_NEVER = 2**31 - 1


def prepare(threads: int = 0) -> None:
    """Set up this process: its memory, its arithmetic, and its `threads` (0: as torch chooses).

    Denormal numbers, a hundred times slower and of no weight in training, count as zero.
    """
    _keep_memory()
    torch.set_flush_denormal(True)
    if threads:
        torch.set_num_threads(threads)


def _keep_memory() -> None:
    """Let glibc keep freed blocks for the next step instead of handing them to the system.

    Each step frees and takes the same large blocks; taken anew they cost a page fault for every
    4 KiB. Elsewhere than under glibc nothing happens.
    """
    try:
        mallopt = ctypes.CDLL(None).mallopt
    except (AttributeError, OSError, TypeError):
        return
    mallopt(_M_MMAP_MAX, 0)
    mallopt(_M_TRIM_THRESHOLD, _NEVER)
