"""The processor: its identity in the keys of kernels, and the levels of prebuilt kernels that it can run."""

from __future__ import annotations

import platform
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path

CPUINFO = Path("/proc/cpuinfo")
BASELINE = "baseline"
# Levels of the x86-64 psABI (its section on micro-architecture levels) with the flags that each requires
# beyond the level below, as /proc/cpuinfo names them; Linux calls lzcnt abm.
_V3 = frozenset("abm avx avx2 bmi1 bmi2 f16c fma movbe xsave".split())
_V4 = _V3 | frozenset("avx512f avx512bw avx512cd avx512dq avx512vl".split())
LEVELS = {"x86-64-v4": _V4, "x86-64-v3": _V3, BASELINE: frozenset[str]()}
# Fields of /proc/cpuinfo that are constant over cores and time and decide the meaning of `-march=native`:
# those of x86, then ARM, then POWER and RISC-V.
_FIELDS = {
    *("vendor_id", "cpu family", "model", "model name", "flags"),
    *("CPU implementer", "CPU variant", "CPU part", "Features"),
    *("cpu", "isa", "uarch"),
}


@dataclass(frozen=True)
class Processor:
    """A processor: `identity` differs where native code may; `levels` that it runs, best first."""

    identity: str
    levels: tuple[str, ...]

    @property
    def name(self) -> str:
        """The name that its maker gave it, else its architecture."""
        return self._field("model name") or platform.processor() or platform.machine()

    @property
    def flags(self) -> frozenset[str]:
        """The features that /proc/cpuinfo lists, none without it; x86 calls them flags."""
        return frozenset((self._field("flags") or self._field("Features")).split())

    def _field(self, name: str) -> str:
        lines = (line.partition(": ") for line in self.identity.splitlines())
        return next((value for field, _, value in lines if field == name), "")


@cache
def processor() -> Processor:
    """Return the processor of this machine; without /proc/cpuinfo, only its architecture is known."""
    try:
        with CPUINFO.open(encoding="utf-8", errors="replace") as lines:
            return read(lines)
    except OSError:
        return read(())


def read(cpuinfo: Iterable[str]) -> Processor:
    """Return the processor that the lines of /proc/cpuinfo describe; only the first core is read."""
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
