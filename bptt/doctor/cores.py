"""The cores that this process may use, and the threads of torch on them."""

from __future__ import annotations

import os
from collections.abc import Iterator

import torch

from bptt.doctor.control_groups import core_limit
from bptt.doctor.observation import Observation
from bptt.doctor.usable_cores import usable_cores
from bptt.errors import counted


def threads() -> Iterator[Observation]:
    """Observe the cores that this process may use, the threads of torch, and a device if there is one.

    Kernels run on as many threads as torch.
    """
    cores = os.cpu_count() or 1
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else cores
    limit = core_limit()
    text = f"{counted(cores, 'cores')}, {allowed} for this process"
    yield Observation("cores", text, numbers={"cores": cores, "allowed": allowed})
    if limit:
        text = f"{limit:g} cores" if limit < allowed else f"{limit:g} cores, no limit here"
        yield Observation("cgroup", text, numbers={"cores": limit})
    yield observe_threads(torch.get_num_threads(), usable_cores(), torch.backends.openmp.is_available())  # type: ignore[no-untyped-call]
    if torch.cuda.is_available():
        yield Observation("device", torch.cuda.get_device_name())


def observe_threads(used: int, usable: int, parallel: bool) -> Observation:
    """Check the number of threads of torch by the cores that this process may use."""
    text = f"{counted(used, 'threads')} of torch for {counted(usable, 'cores')}"
    cure = f"set OMP_NUM_THREADS={usable}, or call torch.set_num_threads({usable})"
    if used > usable:
        return Observation("threads", f"{text}: threads wait for each other", "warning", cure)
    if not parallel and usable > 1:
        text += ": this torch has no OpenMP"
        return Observation("threads", text, "warning", "install torch from pytorch.org")
    if used == 1 < usable:
        return Observation("threads", f"{text}: one core works", "warning", cure)
    return Observation("threads", text, numbers={"threads": used})
