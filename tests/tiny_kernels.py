"""Kernels of one line, and compilers that are shell scripts around the real one."""

from __future__ import annotations

import ctypes
import os
import subprocess
import sys
from pathlib import Path

from bptt.codegen.kernel_source import KernelSource

TESTS = Path(__file__).parent
# Says the answer of the tiny kernel, built or found by this process.
ANSWER = (
    "from tiny_kernels import answer, tiny; from bptt.runtime.build import load; print(answer(load(tiny())))"
)


def tiny(number: int = 41, name: str = "tiny") -> KernelSource:
    """A kernel that stores `number` + 1 where its first argument points to."""
    body = f"*reinterpret_cast<int64_t*>(arguments[0]) = {number} + 1;"
    head = 'extern "C" __attribute__((visibility("default"))) void answer(const int64_t* arguments)'
    return KernelSource(name, f"#include <cstdint>\n{head} {{\n    {body}\n}}\n", ("answer",))


def answer(kernels: ctypes.CDLL) -> int:
    number = ctypes.c_int64()
    kernels.answer((ctypes.c_int64 * 1)(ctypes.addressof(number)))
    return number.value


def script(path: Path, text: str) -> Path:
    """A program that runs `text` in a shell; `log` beside it gets a line for each of its calls."""
    path.write_text(f'#!/bin/sh\necho "$*" >> {path.parent}/log\n{text}\n', encoding="utf-8")
    path.chmod(0o755)
    return path


def calls(path: Path) -> list[str]:
    """How a `script` was called, without its trials with a function that does nothing."""
    log = path.parent / "log"
    lines = log.read_text("utf-8").splitlines() if log.exists() else []
    return [line for line in lines if "nothing.cpp" not in line]


def start(code: str) -> subprocess.Popen[str]:
    """Python in another process, in this environment."""
    places = os.pathsep.join([str(TESTS.parent), str(TESTS)])
    return subprocess.Popen(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": places},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
