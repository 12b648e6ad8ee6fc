"""The limits of the control groups of this process on cores and memory, as containers set them: cgroup(7)."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

# Where the groups are mounted, in version 1 or 2, and the groups of this process.
GROUPS = Path("/sys/fs/cgroup")
OWN_GROUPS = Path("/proc/self/cgroup")
# Version 1 writes a number near 2^63 where there is no limit.
_NO_LIMIT = 2**60

Limit = TypeVar("Limit", int, float)


def core_limit(own: Path = OWN_GROUPS, groups: Path = GROUPS) -> float | None:
    """Return the cores that the groups in the file `own` allow, None if there is no limit."""
    return _least("cpu", _quota, own, groups)


def memory_limit(own: Path = OWN_GROUPS, groups: Path = GROUPS) -> int | None:
    """Return the bytes of memory that the groups in the file `own` allow, None if there is no limit."""
    return _least("memory", _bytes, own, groups)


def _least(controller: str, read: Callable[[Path], Limit | None], own: Path, groups: Path) -> Limit | None:
    """Return the smallest limit of the groups of a controller and of those around them."""
    found = (read(each) for each in _groups_of(controller, own, groups))
    return min((each for each in found if each is not None), default=None)


def _groups_of(controller: str, own: Path, groups: Path) -> Iterator[Path]:
    with suppress(OSError):
        for line in own.read_text(encoding="utf-8").splitlines():
            _, controllers, path = line.split(":", 2)
            if controllers and controller not in controllers.split(","):
                continue
            root = groups / controller if controllers else groups
            inner = root / path.lstrip("/")
            # In a container, the path of the host may not be there, and the root is the group itself.
            yield from (each for each in (inner, *inner.parents) if each.is_relative_to(root))


def _quota(group: Path) -> float | None:
    """Return quota / period in one group; a quota "max", or below zero, is none."""
    for names in (("cpu.max",), ("cpu.cfs_quota_us", "cpu.cfs_period_us")):
        with suppress(OSError, ValueError, ZeroDivisionError):
            words = " ".join((group / name).read_text(encoding="utf-8") for name in names).split()
            quota, period = map(int, words)
            return quota / period if quota > 0 else None
    return None


def _bytes(group: Path) -> int | None:
    """Return the limit of one group; "max", or a number that no machine has, is none."""
    for name in ("memory.max", "memory.limit_in_bytes"):
        with suppress(OSError, ValueError):
            found = int((group / name).read_text(encoding="utf-8"))
            return found if found < _NO_LIMIT else None
    return None
