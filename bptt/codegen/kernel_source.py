"""The text of a kernel, as a compiler takes it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class KernelSource:
    """One C++ file, which includes headers of `bptt/codegen/cpp`; `name` says what it computes.

    `doors` are the functions that can be called from outside. `remark` distinguishes kernels of one name.
    `shared` is a file that kernels have in common: compiled once, and linked to a text compiled with LINKED.
    """

    name: str
    text: str
    doors: tuple[str, ...] = ()
    remark: str = ""
    shared: KernelSource | None = None
