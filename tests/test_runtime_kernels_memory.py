"""Kernels on memory of exactly the right size, watched by the compiler's sanitizers, and over many calls."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from drawn import draw
from outcomes import How, outcome
from user_cells import CELLS as OWN

from bptt.cells import CATALOGUE
from bptt.codegen.cpp.emit import source
from bptt.codegen.plan import plan
from bptt.runtime import compiler

DRIVER = Path(__file__).parent / "kernel_driver.cpp"
MEMORY = ("-fsanitize=address,undefined", "-fno-sanitize-recover=all", "-fopenmp")
RACES = ("-fsanitize=thread", "-pthread")
# The loop of `in_parallel`: a sanitizer does not know how OpenMP's threads wait for each other.
LOOP = re.compile(r"#pragma omp parallel for[^\n]*\n *(for \([^\n]*\)) \{(.*?)\n    \}", re.DOTALL)
THREADS = r"""std::vector<std::thread> team;
    \1 team.emplace_back([&, k] {\2
    });
    for (auto& one : team) one.join();"""


def build(text: str, folder: Path, *flags: str, headers: Path = compiler.HEADERS) -> Path:
    """The driver around a kernel. Plain vectors load and store nothing past the compiler."""
    (folder / "kernel.h").write_text(text, encoding="utf-8")
    program = folder / "program"
    call = [*compiler.find().command, "-std=c++17", "-g", "-w", "-fno-math-errno", *flags]
    places = [f"-I{headers}", f'-DKERNEL="{folder / "kernel.h"}"', str(DRIVER), "-o", str(program)]
    done = subprocess.run([*call, *places], capture_output=True, text=True)
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


def watch(program: Path) -> None:
    done = subprocess.run([str(program)], capture_output=True, text=True, timeout=120)
    assert (done.returncode, done.stdout) == (0, "0 numbers were not written\n"), done.stderr[:3000]


@pytest.mark.parametrize(
    ("name", "kind", "width"),
    [
        ("lstm", "float32", "-march=native"),
        ("lstm-layernorm", "float32", "-march=native"),
        ("gru", "bfloat16", "-march=native"),
        ("lstm", "int8", "-march=native"),
        ("gru", "int8", "-DNARROW"),
        ("an output that is no state", "float64", "-DNARROW"),
    ],
)
def test_no_access_out_of_bounds_and_nothing_undefined(
    name: str, kind: str, width: str, tmp_path: Path
) -> None:
    needs(tmp_path, *MEMORY)
    text = source(plan({**CATALOGUE, **OWN}[name]), kind).text
    watch(build(text, tmp_path, *MEMORY, width))


@pytest.mark.parametrize(
    ("name", "kind"), [("lstm-layernorm", "float32"), ("a matrix in two equations", "float64")]
)
def test_threads_never_write_where_others_are(name: str, kind: str, tmp_path: Path) -> None:
    needs(tmp_path, *RACES)
    headers = Path(shutil.copytree(compiler.HEADERS, tmp_path / "headers"))
    loops = headers / "recurrence.h"
    text, count = LOOP.subn(THREADS, loops.read_text("utf-8"))
    assert count == 1
    loops.write_text(f"#include <thread>\n{text}", encoding="utf-8")
    watch(build(source(plan({**CATALOGUE, **OWN}[name]), kind).text, tmp_path, *RACES, headers=headers))


def resident() -> int:
    """Bytes of memory that this process has."""
    pages = Path("/proc/self/statm").read_text("ascii").split()[1]
    return int(pages) * os.sysconf("SC_PAGE_SIZE")


@pytest.mark.skipif(sys.platform != "linux", reason="the size of a process is read from /proc")
@pytest.mark.parametrize("storage", ["keep", "segments"])
def test_memory_does_not_grow(storage: str) -> None:
    """A call takes half a megabyte; were a hundredth of it lost, 300 calls would lose more than one."""
    drawn = draw(CATALOGUE["lstm-layernorm"], 20, 16, {"I": 32, "H": 64}, torch.float32)
    how = How(torch.arange(16) % 21, storage=storage)
    for _ in range(20):
        outcome(drawn, how)
    before = resident()
    for _ in range(300):
        outcome(drawn, how)
    assert resident() - before < 1 << 20
