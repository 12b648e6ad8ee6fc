"""The most memory that a piece of work takes beyond what is there before it."""

from __future__ import annotations

import ctypes
import gc
import re
from collections.abc import Callable
from pathlib import Path

_STATUS, _CLEAR = Path("/proc/self/status"), Path("/proc/self/clear_refs")
# Tells the kernel to count the peak of resident memory anew.
_RESET_PEAK = "5"


def peak_memory(work: Callable[[], object]) -> int:
    """Return the bytes by which resident memory grows at most while `work` runs; 0 if the system does not
    report it.

    Memory that earlier work has freed is returned to the system before, as it would not be counted.
    """
    gc.collect()
    try:
        ctypes.CDLL(None).malloc_trim(0)
        _CLEAR.write_text(_RESET_PEAK, encoding="ascii")
        before = _status("VmRSS")
    except (AttributeError, OSError, TypeError):
        return 0
    work()
    return _status("VmHWM") - before


def _status(field: str) -> int:
    match = re.search(rf"^{field}:\s*(\d+) kB", _STATUS.read_text(encoding="ascii"), re.MULTILINE)
    return int(match[1]) * 1024 if match else 0
