"""Preparation of the process for long numerical work, before torch is imported."""

from __future__ import annotations

import ctypes
import os

from bptt.errors import InputError

# Constants of <malloc.h>.
_M_TRIM_THRESHOLD, _M_MMAP_MAX = -1, -4
_NEVER = 2**31 - 1
# More threads than any machine has cores; each needs memory of its own.
_MOST_THREADS = 1024


def prepare(threads: int = 0) -> None:
    """Set up memory, waiting and arithmetic of this process, and its `threads` (0: as torch chooses).

    Call it first of all. Denormal numbers, a hundred times slower than others and of no weight in
    training, count as zero. Raises InputError for more threads than any machine has cores.
    """
    _keep_memory()
    # A thread that waits for the others sleeps. By default it spins, and on a machine that has other
    # work too it spins in the place of the thread that it waits for: a step takes ten times as long.
    os.environ.setdefault("OMP_WAIT_POLICY", "PASSIVE")
    if threads > _MOST_THREADS:
        raise InputError("--threads", f"is at most {_MOST_THREADS}", threads)
    import torch

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
