"""Memory, asked for before it is taken: what a file claims to hold may be more than the machine has."""

from __future__ import annotations

import os
import sys
from pathlib import Path

from bptt.errors import InputError, MachineError

try:
    import resource
except ImportError:  # Windows
    resource = None  # type: ignore[assignment]

# Texts and numbers shrink to a tenth by gzip, the most monotonous tables to a hundredth; deflate itself
# ends at 1032.
MOST_INFLATION = 200
# Below this size inflation does no harm.
HARMLESS = 64 * 2**20

_CGROUPS = (
    ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory.current"),
    ("/sys/fs/cgroup/memory/memory.limit_in_bytes", "/sys/fs/cgroup/memory/memory.usage_in_bytes"),
)


def check_memory(where: str, needed: int) -> None:
    """Raise MachineError naming `where` if `needed` bytes are more than this process may still take."""
    # A small request needs no look at the machine: readers ask once a file, also for thousands of them.
    if needed > HARMLESS and needed > (free := available_memory()):
        rule = f"must fit into memory: it needs {_gigabytes(needed)}"
        raise MachineError(where, rule, f"{_gigabytes(free)} free", "Give less, or use a larger machine")


def most_unpacked(packed: int) -> int:
    """Return the bytes that data of `packed` ones may unpack to."""
    return max(HARMLESS, packed * MOST_INFLATION)


def check_inflation(where: str, packed: int, unpacked: int) -> None:
    """Raise InputError if `unpacked` bytes out of `packed` ones are more than data compress to."""
    if unpacked > most_unpacked(packed):
        rule = f"compressed data may grow {MOST_INFLATION}-fold beyond {HARMLESS >> 20} MB"
        came = f"at least {unpacked / max(packed, 1):,.0f}-fold, {unpacked >> 20:,} MB"
        raise InputError(where, rule, came, "Unpack it first if this is meant")


def available_memory() -> int:
    """Return the bytes that this process may still take: free on the machine, in its control group, by
    `ulimit -v`.

    An unknown limit counts as none.
    """
    return max(0, min(_free_on_machine(), _free_in_group(), _free_by_limit()))


def _free_on_machine() -> int:
    for line in _read("/proc/meminfo").splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024
    return sys.maxsize


def _free_in_group() -> int:
    for limit, used in _CGROUPS:
        if (most := _read(limit).strip()).isdecimal() and (now := _read(used).strip()).isdecimal():
            return int(most) - int(now)
    return sys.maxsize


def _free_by_limit() -> int:
    if resource is None:
        return sys.maxsize
    most, _ = resource.getrlimit(resource.RLIMIT_AS)
    if most == resource.RLIM_INFINITY:
        return sys.maxsize
    pages = _read("/proc/self/statm").split()
    return most - (int(pages[0]) * os.sysconf("SC_PAGE_SIZE") if pages else 0)


def _read(path: str) -> str:
    try:
        return Path(path).read_text(encoding="ascii")
    except OSError:
        return ""


def _gigabytes(count: int) -> str:
    return f"{count / 2**30:,.1f} GB"
