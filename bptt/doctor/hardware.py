"""The machine: system, processor, caches and memory, examined without torch."""

from __future__ import annotations

import os
import platform
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

from bptt.doctor.control_groups import memory_limit
from bptt.doctor.observation import Observation
from bptt.runtime.processor import processor

# Features that matter for speed, by their names in /proc/cpuinfo, on x86 and on ARM.
_FEATURES = {
    "avx2": "AVX2",
    "fma": "FMA",
    "avx512f": "AVX-512",
    "avx512_bf16": "bf16",
    "amx_bf16": "AMX bf16",
    "avx512_vnni": "VNNI",
    "avx_vnni": "AVX-VNNI",
    "asimd": "NEON",
    "sve": "SVE",
    "bf16": "bf16",
    "i8mm": "i8mm",
}
_CACHES = Path("/sys/devices/system/cpu/cpu0/cache")
_VARIABLES = ("BPTT_BACKEND", "CXX", "OMP_NUM_THREADS", "MKL_NUM_THREADS")


def machine() -> Iterator[Observation]:
    """Observe system, processor, caches, memory, and the variables that change results."""
    yield Observation("system", platform.platform())
    yield Observation("processor", f"{processor().name} ({platform.machine()})")
    flags = processor().flags
    found = [name for flag, name in _FEATURES.items() if flag in flags]
    lacking = [name for name in ("AVX2", "AVX-512") if name not in found] if "sse2" in flags else []
    text = ", ".join(dict.fromkeys(found)) or "unknown"
    yield Observation("features", text + (f"; no {', '.join(lacking)}" if lacking else ""))
    if sizes := cache_sizes(_CACHES):
        yield Observation("caches", sizes)
    if memory := _memory():
        yield observe_memory(memory, memory_limit())
    if given := [f"{name}={os.environ[name]}" for name in _VARIABLES if name in os.environ]:
        yield Observation("variables", " ".join(given))


def observe_memory(machine: int, limit: int | None) -> Observation:
    """Return the bytes of the machine, and of them those that a control group leaves to this process."""
    text = f"{machine / 2**30:.1f} GiB"
    if limit is None or limit >= machine:
        return Observation("memory", text, numbers={"bytes": machine})
    text += f", {limit / 2**30:.1f} GiB of them for the cgroup of this process"
    return Observation("memory", text, numbers={"bytes": machine, "allowed": limit})


def cache_sizes(folder: Path) -> str:
    """Return the caches of a core, as "L1 48K, L2 2M, L3 32M"; "" where the system does not say."""
    found = {}
    for index in sorted(folder.glob("index*")):
        with suppress(OSError):
            level, kind, size = (
                (index / name).read_text(encoding="utf-8").strip() for name in ("level", "type", "size")
            )
            if kind != "Instruction":
                found[level] = re.sub(r"^(\d+)K$", _mebibytes, size)
    return ", ".join(f"L{level} {size}" for level, size in found.items())


def _mebibytes(found: re.Match[str]) -> str:
    size = int(found[1])
    return f"{size}K" if size % 1024 else f"{size // 1024}M"


def _memory() -> int:
    with suppress(OSError, ValueError, AttributeError):
        return os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    return 0
