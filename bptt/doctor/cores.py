"""The cores that this process may use, and the threads of torch on them."""

from __future__ import annotations

import math
import os
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import torch

from bptt.doctor.observation import Observation
from bptt.errors import counted

_GROUPS = Path("/sys/fs/cgroup")
_OWN_GROUPS = Path("/proc/self/cgroup")


def threads() -> Iterator[Observation]:
    """Observe the cores that this process may use, the threads of torch, and a device if there is one.

    Kernels run on as many threads as torch.
    """
    cores = os.cpu_count() or 1
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else cores
    limit = core_limit(_OWN_GROUPS, _GROUPS)
    usable = max(1, min(allowed, math.ceil(limit))) if limit else allowed
    text = f"{counted(cores, 'cores')}, {allowed} for this process"
    yield Observation("cores", text, numbers={"cores": cores, "allowed": allowed})
    if limit:
        text = f"{limit:g} cores" if limit < allowed else f"{limit:g} cores, no limit here"
        yield Observation("cgroup", text, numbers={"cores": limit})
    yield observe_threads(torch.get_num_threads(), usable, torch.backends.openmp.is_available())  # type: ignore[no-untyped-call]
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


def core_limit(own: Path, groups: Path) -> float | None:
    """Return the cores that the control groups of this process allow, None if there is no limit.

    `own` is /proc/self/cgroup, `groups` where the groups are mounted, version 1 or 2.
    """
    found = []
    with suppress(OSError):
        for line in own.read_text(encoding="utf-8").splitlines():
            _, controllers, path = line.split(":", 2)
            if controllers and "cpu" not in controllers.split(","):
                continue
            root = groups / "cpu" if controllers else groups
            inner = root / path.lstrip("/")
            # In a container, the path of the host may not be there, and the root is the group itself.
            found += [_quota(each) for each in (inner, *inner.parents) if each.is_relative_to(root)]
    return min((each for each in found if each is not None), default=None)


def _quota(group: Path) -> float | None:
    """Return quota / period in one group; a quota "max", or below zero, is none."""
    for names in (("cpu.max",), ("cpu.cfs_quota_us", "cpu.cfs_period_us")):
        with suppress(OSError, ValueError, ZeroDivisionError):
            words = " ".join((group / name).read_text(encoding="utf-8") for name in names).split()
            quota, period = map(int, words)
            return quota / period if quota > 0 else None
    return None
