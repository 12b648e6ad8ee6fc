"""Keys of compiled kernels: different sources, headers, compilers or flags have different keys."""

from __future__ import annotations

from functools import cache
from hashlib import sha256

from bptt.codegen.kernel_source import KernelSource
from bptt.runtime.compiler import HEADERS


def fingerprint(*parts: str) -> str:
    """Return a key of 32 hexadecimal digits, usable in a file name: half a SHA-256 of the parts."""
    return sha256("\0".join(parts).encode()).hexdigest()[:32]


def content(source: KernelSource) -> str:
    """Return the key of a source together with all headers that it may include."""
    return fingerprint(source.text, _headers())


@cache
def _headers() -> str:
    return fingerprint(*(f"{path.name}\0{path.read_text('utf-8')}" for path in sorted(HEADERS.glob("*.h"))))
