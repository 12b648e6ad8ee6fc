"""Kernels compiled ahead of time for sm_80 and sm_90, as JSON: registers of a thread, bytes of its stack.

In a process of its own, as a compiler may abort: python tests/triton_compiled.py
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Any

import triton
from triton.backends.compiler import GPUTarget
from triton.backends.nvidia import compiler
from triton.compiler import ASTSource

from bptt.cells.catalogue import CATALOGUE
from bptt.runtime.gpu.launch import ROWS, Tiling
from bptt.runtime.gpu.triton_module import kernels_of

# Cell, element of the input and the matrices, tiling. The widest of what stays, and of what does not.
CASES = (
    ("lstm", "fp32", Tiling(True, 64, 64, 8)),
    ("gru", "bf16", Tiling(False, 64, 32, 8)),
)
_SIZES = ("steps", "batch", "n_")
_NARROW = ("x", "family_", "vector_", "loss_")


def compiled(
    cell: str, element: str, tiling: Tiling, forward: bool, target: int, restarts: bool = False
) -> bytes:
    """The binary of a kernel, for memory and sizes as torch has them."""
    module, written = kernels_of(CATALOGUE[cell], tiling.resident)
    kernel = module.forward if forward else module.backward
    names = written.forward if forward else written.backward
    signature: dict[str, str] = {}
    for name in names:
        if name.startswith(_SIZES):
            signature[name] = "i32"
        elif name == "lengths":
            signature[name] = "*i64"
        elif name == "restarts":
            signature[name] = "*i8"
        else:
            signature[name] = f"*{element if name.startswith(_NARROW) else 'fp32'}"
    constants: dict[str, Any] = {"REVERSE": False, "RAGGED": True, "ROWS": ROWS, "PRECISION": "tf32x3"}
    constants |= {"RESTARTS": restarts, "UNITS": tiling.units, "DEPTH": tiling.depth}
    constants |= {"KEEP": True} if forward else {f"LOSS_{k}": True for k in range(len(written.layout.public))}
    signature |= dict.fromkeys(constants, "constexpr")
    places = {(kernel.arg_names.index(name),): value for name, value in constants.items()}
    aligned = {(k,): [["tt.divisibility", 16]] for k in range(len(names))}
    found = triton.compile(
        ASTSource(kernel, signature, places, aligned),
        target=GPUTarget("cuda", target, 32),
        options={"num_warps": tiling.warps, "enable_fp_fusion": True},
    )
    binary: bytes = found.asm["cubin"]
    return binary


def usage(binary: bytes) -> tuple[int, int]:
    """Registers of a thread and bytes of its stack, where spilled ones are."""
    tool = Path(compiler.__file__).parent / "bin" / "cuobjdump"
    with NamedTemporaryFile(suffix=".cubin") as file:
        file.write(binary)
        file.flush()
        said = subprocess.run([tool, "-res-usage", file.name], capture_output=True, text=True, check=True)
    match = re.search(r"REG:(\d+) STACK:(\d+)", said.stdout)
    assert match is not None, said.stdout
    return int(match[1]), int(match[2])


if __name__ == "__main__":
    found = {
        f"{cell} {element} {'forward' if forward else 'backward'} sm_{target}": usage(
            compiled(cell, element, tiling, forward, target)
        )
        for cell, element, tiling in CASES
        for target in (80, 90)
        for forward in (True, False)
    }
    name, element, tiling = CASES[0]
    found["restarts"] = usage(compiled(name, element, tiling, False, 90, restarts=True))
    json.dump(found, sys.stdout)
