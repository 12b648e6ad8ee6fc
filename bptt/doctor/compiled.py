"""The compiler, the cache of kernels, and whether a kernel is compiled, loaded and run on this machine."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Iterator
from contextlib import suppress

from bptt.bench.peak import Peak
from bptt.cells.catalogue import CATALOGUE
from bptt.codegen.cpp.emit import REALS, source
from bptt.codegen.plan import plan
from bptt.doctor.observation import Observation
from bptt.errors import InputError, MachineError, counted
from bptt.files import CACHE, cache_folder
from bptt.runtime import prebuilt
from bptt.runtime.backend import AUTO, get_backend
from bptt.runtime.build import WANTED, entry_of
from bptt.runtime.cache import check_writable
from bptt.runtime.compiler import Compiler, find

_OPENMP = "-fopenmp"
_SLOWER = "cells without a compiled kernel run in torch operations, several times slower"
# Seconds for a compiler that says its version.
_PATIENCE = 20.0
_UNKNOWN = "version unknown"


def kernels() -> Iterator[Observation]:
    """Observe backend, compiler, cache and kernels; compile and run a tiny one."""
    yield _backend()
    found: Compiler | MachineError
    try:
        found = find()
        accepted = found.accepted(*WANTED)
    except MachineError as error:
        found, accepted = error, ()
    yield _compiler(found, accepted)
    yield _cache()
    yield _libraries(found)
    yield _tiny(found)


def _backend() -> Observation:
    try:
        chosen = get_backend()
    except InputError as error:
        return Observation("backend", f"{error.rule}, got {error.got}", "broken", "unset BPTT_BACKEND")
    text = f"{chosen}: kernels where they can be built" if chosen == AUTO else chosen
    return Observation("backend", text)


def _compiler(found: Compiler | MachineError, accepted: tuple[str, ...]) -> Observation:
    if isinstance(found, MachineError):
        # Not found is slow; found, but unable to compile, is broken.
        missing = "on the path" in found.rule
        text = f"none, got {found.got}: {_SLOWER}" if missing else f"{found.rule}, got {_first(found)}"
        return Observation("compiler", text, "warning" if missing else "broken", found.cure)
    text = f"{' '.join(found.command)}: {_version(found)}"
    if _OPENMP not in accepted:
        cure = "install OpenMP for it (Debian, Ubuntu: apt install libomp-dev), or name another one in CXX"
        return Observation("compiler", f"{text}; no OpenMP: kernels run on one thread", "warning", cure)
    return Observation("compiler", f"{text}; compiles, with {' '.join(accepted)}")


def _version(found: Compiler) -> str:
    """Return the line in which the compiler, asked with -v, states its version."""
    with suppress(OSError, subprocess.TimeoutExpired):
        said = subprocess.run(
            [*found.command, "-v"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=_PATIENCE,
            check=False,
        )
        lines = (said.stderr + said.stdout).decode("utf-8", "replace").splitlines()
        return next((line.strip() for line in lines if " version " in line), _UNKNOWN)
    return _UNKNOWN


def _cache() -> Observation:
    folder = cache_folder()
    try:
        check_writable(folder)
    except MachineError as error:
        return Observation("cache", f"{folder}: {error.rule}, got {error.got}", "warning", error.cure)
    except OSError as error:
        text = f"{folder}: cannot be written ({error.strerror}), so each process compiles anew"
        return Observation("cache", text, "warning", f"name a folder that can be written in {CACHE}")
    sizes = [path.stat().st_size for path in folder.glob("*.so")]
    text = f"{folder}: can be written, {counted(len(sizes), 'kernels')}, {sum(sizes) / 2**20:.1f} MiB"
    return Observation("cache", text, numbers={"kernels": len(sizes), "bytes": sum(sizes)})


def _libraries(found: Compiler | MachineError) -> Observation:
    """Count the kernels of the catalogue that need not be compiled on this machine any more."""
    sources = [source(plan(cell), dtype) for cell in CATALOGUE.values() for dtype in REALS]
    shipped = sum(prebuilt.find(each) is not None for each in sources)
    text = f"of {len(sources)} of the catalogue {shipped} came with the package"
    if isinstance(found, MachineError):
        return Observation("kernels", text)
    own = sum(prebuilt.find(each) is None and entry_of(each, found).exists for each in sources)
    text = f"{text}, {own} in the cache were compiled for this machine"
    return Observation("kernels", text, numbers={"shipped": shipped, "cached": own})


def _tiny(found: Compiler | MachineError) -> Observation:
    if isinstance(found, MachineError):
        return Observation("tiny kernel", "not compiled without a compiler", "absent")
    start = time.perf_counter()
    try:
        peak = Peak()
    except MachineError as error:
        cure = "report this with the output of `bptt check lstm`"
        return Observation("tiny kernel", f"{error.rule}, got {_first(error)}", "broken", error.cure or cure)
    loaded = time.perf_counter() - start
    peak.step()
    return Observation("tiny kernel", f"built or found in {loaded:.2f} s; loads and runs")


def _first(error: MachineError) -> str:
    """Return the first line of what came, or of a compiler's words the line that states the error."""
    lines = [line.strip() for line in str(error.got).splitlines() if line.strip()] or ["nothing"]
    return next((line for line in lines if "error" in line.lower()), lines[0])
