"""The number of cores that this process may use."""

from __future__ import annotations

import math
import os

from bptt.doctor.control_groups import core_limit


def usable_cores() -> int:
    """Return the cores of this process, by its affinity and by the limits of its control groups."""
    cores = os.cpu_count() or 1
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else cores
    limit = core_limit()
    return max(1, min(allowed, math.ceil(limit))) if limit else allowed
