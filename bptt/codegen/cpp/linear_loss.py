"""The kernel of a linear layer's cross-entropy as C++ text; linear_loss.h does the work."""

from __future__ import annotations

from functools import cache

from bptt.codegen.cpp.emit import REALS, shared_source
from bptt.codegen.kernel_source import KernelSource

_TEXT = """#define REAL {real}
#include "linear_loss.h"

extern "C" __attribute__((visibility("default"))) void linear_loss(const int64_t* arguments) {{
    const Call& call = *reinterpret_cast<const Call*>(arguments);
    try {{
        *call.outcome = linear_loss(call);
    }} catch (const std::bad_alloc&) {{
        *call.outcome = NO_MEMORY;
    }}
}}
"""


@cache
def source(dtype: str) -> KernelSource:
    """Return the C++ file for "float32" or "float64"."""
    text, doors = _TEXT.format(real=REALS[dtype]), ("linear_loss",)
    return KernelSource(f"linear-loss-{dtype}", text, doors, shared=shared_source(dtype))
