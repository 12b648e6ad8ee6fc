"""Keys of compiled kernels: they differ where what was compiled may differ."""

from __future__ import annotations

from functools import cache
from hashlib import sha256

from bptt.codegen.kernel_source import KernelSource
from bptt.runtime.compiler import HEADERS


def fingerprint(*parts: str) -> str:
    """A key of 32 characters, fit for the name of a file."""
    return sha256("\0".join(parts).encode()).hexdigest()[:32]


def content(source: KernelSource) -> str:
    """The key of a text together with the headers that it may include."""
    return fingerprint(source.text, _headers())


@cache
def _headers() -> str:
    return fingerprint(*(f"{path.name}\0{path.read_text('utf-8')}" for path in sorted(HEADERS.glob("*.h"))))
