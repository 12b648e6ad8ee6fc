"""The kernel of connectionist temporal classification as C++ text; ctc_loss.h does the work."""

from __future__ import annotations

from functools import cache

from bptt.codegen.cpp.emit import REALS
from bptt.codegen.kernel_source import KernelSource

_TEXT = """#define REAL {real}
#include "ctc_loss.h"

extern "C" __attribute__((visibility("default"))) void ctc_loss(const int64_t* arguments) {{
    const Call& call = *reinterpret_cast<const Call*>(arguments);
    try {{
        CtcLoss(call).run();
        *call.outcome = DONE;
    }} catch (const std::bad_alloc&) {{
        *call.outcome = NO_MEMORY;
    }}
}}
"""


@cache
def source(dtype: str) -> KernelSource:
    """Return the C++ file for "float32" or "float64"."""
    return KernelSource(f"ctc-loss-{dtype}", _TEXT.format(real=REALS[dtype]), ("ctc_loss",))
