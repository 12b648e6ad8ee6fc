"""Kernels on memory of exactly the right size, watched by the compiler's sanitizers, and over many calls."""

from __future__ import annotations

import os
import re
import shutil
import sys
from pathlib import Path

import pytest
import torch
from drawn import draw
from outcomes import How, outcome
from sanitizers import MEMORY, RACES, build, needs, watch
from user_cells import CELLS as OWN

from bptt.cells import CATALOGUE
from bptt.codegen.cpp.emit import source
from bptt.codegen.plan import plan
from bptt.runtime import compiler

DRIVER = Path(__file__).parent / "kernel_driver.cpp"
WRITTEN = "0 numbers were not written\n"
# Few rows share out their units even where these are few, and few kept values go past the caches.
SHARED = ("-DSHARE=1", "-DFEW_PRODUCTS=1", "-DSTREAMED=0", "-pthread")
# The loop of `in_parallel`: a sanitizer does not know how OpenMP's threads wait for each other.
LOOP = re.compile(r"#pragma omp parallel for[^\n]*\n *(for \([^\n]*\)) \{(.*?)\n    \}", re.DOTALL)
THREADS = r"""std::vector<std::thread> team;
    \1 team.emplace_back([&, k] {\2
    });
    for (auto& one : team) one.join();"""


def kernel(text: str, folder: Path) -> str:
    """The flag by which the driver finds the text of a kernel."""
    (folder / "kernel.h").write_text(text, encoding="utf-8")
    return f'-DKERNEL="{folder / "kernel.h"}"'


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
    flags = (*MEMORY, "-fopenmp", *SHARED, width, kernel(text, tmp_path))
    watch(build(DRIVER, tmp_path, *flags), WRITTEN)


@pytest.mark.parametrize(
    ("name", "kind"),
    [("lstm-layernorm", "float32"), ("gru", "float32"), ("a matrix in two equations", "float64")],
)
def test_threads_never_write_where_others_are(name: str, kind: str, tmp_path: Path) -> None:
    needs(tmp_path, *RACES)
    headers = Path(shutil.copytree(compiler.HEADERS, tmp_path / "headers"))
    loops = headers / "thread_pieces.h"
    text, count = LOOP.subn(THREADS, loops.read_text("utf-8"))
    assert count == 1
    loops.write_text(f"#include <thread>\n{text}", encoding="utf-8")
    found = source(plan({**CATALOGUE, **OWN}[name]), kind).text
    watch(build(DRIVER, tmp_path, *RACES, *SHARED, kernel(found, tmp_path), headers=headers), WRITTEN)


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
