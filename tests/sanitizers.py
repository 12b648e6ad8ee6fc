"""Programs in C++ that watch themselves: built around the kernels' headers with the compiler's sanitizers."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from bptt.runtime import compiler

MEMORY = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all")
RACES = ("-fsanitize=thread", "-pthread")


def build(driver: Path, folder: Path, *flags: str, headers: Path = compiler.HEADERS) -> Path:
    """The program of a driver. Plain vectors load and store nothing past the compiler."""
    program = folder / "program"
    call = [*compiler.find().command, "-std=c++17", "-g", "-w", "-fno-math-errno", *flags]
    done = subprocess.run(
        [*call, f"-I{headers}", str(driver), "-o", str(program)], capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return program


def needs(folder: Path, *flags: str) -> None:
    """Skip where not even a program that does nothing is built and runs so."""
    nothing, program = folder / "nothing.cpp", folder / "nothing"
    nothing.write_text("int main() {}", encoding="utf-8")
    try:
        call = [*compiler.find().command, *flags, str(nothing), "-o", str(program)]
        for command in (call, [str(program)]):
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode:
                pytest.skip(f"no {flags[0]} here: {done.stderr.strip()[-200:]}")
    except compiler.BuildError as error:
        pytest.skip(str(error))


def watch(program: Path, last_words: str) -> None:
    """Run a program, which must end with these words."""
    done = subprocess.run([str(program)], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (0, last_words), done.stderr[:3000]
