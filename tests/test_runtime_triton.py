"""Kernels of Triton: what they compute, in its interpreter, and that compilers take them, without a GPU.

Speed, barriers and the numbers of tensor cores need a GPU: `benchmarks/gpu.py`.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("triton")

TESTS = Path(__file__).parent
# Bytes of a thread's stack that ptxas may take with registers to spare; tiles that do not fit take hundreds.
NO_SPILL = 32


def child(script: str, *arguments: str, **variables: str) -> str:
    """What a script prints. Triton reads its settings at import, and a compiler that fails may abort."""
    done = subprocess.run(
        [sys.executable, str(TESTS / script), *arguments],
        cwd=TESTS,
        env={**os.environ, **variables},
        capture_output=True,
        text=True,
        timeout=500,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    return done.stdout


def test_interpreted_kernels_compute_what_torch_operations_do() -> None:
    found = json.loads(child("triton_cases.py", TRITON_INTERPRET="1"))
    assert len(found) > 35
    wrong = {name: pair for name, pair in found.items() if not pair[0] <= pair[1]}
    assert not wrong


def test_kernels_compile_for_gpus_and_spill_no_registers(tmp_path: Path) -> None:
    found = json.loads(child("triton_compiled.py", TRITON_INTERPRET="0", TRITON_CACHE_DIR=str(tmp_path)))
    assert len(found) == 9
    for name, (registers, stack) in found.items():
        # A thread that spills has taken all 255.
        assert 0 < registers < 255 and stack <= NO_SPILL, name
