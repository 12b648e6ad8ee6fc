"""The processor: what makes its kernels its own, and which ready-made ones it can run."""

from __future__ import annotations

import platform
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")
BASELINE = "baseline"
# Levels of the x86-64 psABI by the names that Linux gives to what they ask for beyond the level below.
_V3 = frozenset("abm avx avx2 bmi1 bmi2 f16c fma movbe xsave".split())
_V4 = _V3 | frozenset("avx512f avx512bw avx512cd avx512dq avx512vl".split())
LEVELS = {"x86-64-v4": _V4, "x86-64-v3": _V3, BASELINE: frozenset[str]()}
# Fields that are the same on every core, at all times, and decide what `-march=native` means:
# those of x86, of ARM, of POWER and RISC-V.
_FIELDS = {
    *("vendor_id", "cpu family", "model", "model name", "flags"),
    *("CPU implementer", "CPU variant", "CPU part", "Features"),
    *("cpu", "isa", "uarch"),
}


@dataclass(frozen=True)
class Processor:
    """`identity` differs where native code may differ; `levels` it can run, from `LEVELS`, best first."""

    identity: str
    levels: tuple[str, ...]


@cache
def processor() -> Processor:
    """The processor of this machine. Where there is no /proc/cpuinfo, no more than its architecture."""
    try:
        with CPUINFO.open(encoding="utf-8", errors="replace") as lines:
            return read(lines)
    except OSError:
        return read(())


def read(cpuinfo: Iterable[str]) -> Processor:
    """The processor from the lines of /proc/cpuinfo, of which those of the first core are looked at."""
    fields = {}
    for line in cpuinfo:
        name, colon, value = line.partition(":")
        if not colon:
            break
        if name.strip() in _FIELDS:
            fields[name.strip()] = value.strip()
    flags = set(fields.get("flags", "").split())
    identity = [platform.machine(), *(f"{name}: {fields[name]}" for name in sorted(fields))]
    return Processor("\n".join(identity), tuple(level for level, needs in LEVELS.items() if needs <= flags))
