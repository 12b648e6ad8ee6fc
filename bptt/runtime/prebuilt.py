"""Prebuilt kernels in a wheel: one folder for each level of processors."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from ctypes import CDLL
from pathlib import Path

from bptt.deferred import deferred
from bptt.runtime.compiler import Compiler, file_stem
from bptt.runtime.fingerprint import SourceText, content
from bptt.runtime.notice import say_once
from bptt.runtime.ownership import OwnershipError, check_ours
from bptt.runtime.processor import BASELINE, LEVELS, processor

_scratch = deferred("bptt.runtime.scratch", "scratch")

FOLDER = Path(__file__).parent / "libraries"


def find(source: SourceText) -> CDLL | None:
    """Return the prebuilt library of exactly this source for the best level of this processor, else None."""
    for level in processor().levels:
        library = FOLDER / level / _file(source)
        if library.exists():
            # A library that needs a newer system, or that others may have written, is skipped.
            with suppress(OSError):
                _check_ours(library)
                return CDLL(str(library))
    return None


def _check_ours(library: Path) -> None:
    """Raise OwnershipError unless only the users that may write the package's code may write the library."""
    code = Path(__file__).stat()
    try:
        for path in (library, library.parent, library.parent.parent):
            check_ours(path, like=code)
    except OwnershipError as error:
        say_once(str(library), f"bptt: ignoring a prebuilt kernel: {error}")
        raise


def build(sources: Iterable[SourceText], compiler: Compiler, folder: Path) -> None:
    """Compile for every level that the compiler accepts, and replace the content of `folder`.

    Raises BuildError if a source does not compile.
    """
    shutil.rmtree(folder, ignore_errors=True)
    flags = {level: () if level == BASELINE else (f"-march={level}",) for level in LEVELS}
    known = [level for level in LEVELS if compiler.accepted(*flags[level]) == flags[level]]
    openmp = compiler.accepted("-fopenmp")

    def one(source: SourceText, level: str) -> None:
        with _scratch() as private:
            part = objects.get((source.shared, level))
            library = compiler.build(source, (*flags[level], *openmp), private, part.result if part else None)
            shutil.copyfile(library, folder / level / _file(source))

    for level in known:
        (folder / level).mkdir(parents=True)
    sources = list(sources)
    with _scratch() as common, ThreadPoolExecutor(os.cpu_count()) as pool:
        # Begun before all that waits for them.
        objects: dict[tuple[SourceText | None, str], Future[Path]] = {}
        for shared in dict.fromkeys(source.shared for source in sources if source.shared):
            for level in known:
                (common / level).mkdir(exist_ok=True)
                wanted = (*flags[level], *openmp)
                objects[shared, level] = pool.submit(compiler.build_object, shared, wanted, common / level)
        for job in [pool.submit(one, source, level) for source in sources for level in known]:
            job.result()


def _file(source: SourceText) -> str:
    return f"{file_stem(source.name)}-{content(source)}.so"
