"""Keys of compiled kernels: different sources, headers, compilers or flags have different keys."""

from __future__ import annotations

from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import Protocol

HEADERS = Path(__file__).parents[1] / "codegen" / "cpp"


class SourceText(Protocol):
    """The text of a kernel: `bptt.codegen.kernel_source.KernelSource`, or one that is made when needed."""

    @property
    def name(self) -> str:
        """The name of what it computes."""

    @property
    def text(self) -> str:
        """One C++ file."""

    @property
    def doors(self) -> tuple[str, ...]:
        """The functions that can be called from outside."""

    @property
    def remark(self) -> str:
        """A remark that distinguishes kernels of one name."""

    @property
    def shared(self) -> SourceText | None:
        """The file that it has in common with other kernels, and is linked to."""

    def __hash__(self) -> int:
        """Return equal numbers for equal texts."""


def fingerprint(*parts: str) -> str:
    """Return a key of 32 hexadecimal digits, usable in a file name: half a SHA-256 of the parts."""
    return sha256("\0".join(parts).encode()).hexdigest()[:32]


def content(source: SourceText) -> str:
    """Return the key of a source together with all headers that it may include."""
    known: str | None = getattr(source, "content", None)
    return known or fingerprint(source.text, source.shared.text if source.shared else "", _headers())


@cache
def _headers() -> str:
    return fingerprint(*(f"{path.name}\0{path.read_text('utf-8')}" for path in sorted(HEADERS.glob("*.h"))))
