"""From the source text of a kernel to a loaded library: prebuilt, cached, or compiled for this machine."""

from __future__ import annotations

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from ctypes import CDLL
from pathlib import Path

from bptt.deferred import deferred
from bptt.files import cache_folder
from bptt.runtime import prebuilt
from bptt.runtime.cache import DamagedError, Entry
from bptt.runtime.compiler import FLAGS, BuildError, Compiler, check_size, file_stem, find
from bptt.runtime.fingerprint import SourceText, content, fingerprint
from bptt.runtime.notice import say, say_once
from bptt.runtime.processor import processor

_scratch = deferred("bptt.runtime.scratch", "scratch")

# Optional: left out if the compiler does not accept them.
WANTED = ("-march=native", "-fopenmp")


def load(source: SourceText) -> CDLL:
    """Return the library of a kernel source, compiled only if this machine has not compiled it before.

    Looked for in this order: prebuilt for this kind of processor, in the cache; else it is compiled. Raises
    BuildError if there is no C++ compiler, the text is too long or does not compile, or the library cannot
    be written or loaded.
    """
    ready = prebuilt.find(source)
    if ready is not None:
        return ready
    compiler = find()
    entry = entry_of(source, compiler)
    try:
        return entry.open(source)
    except DamagedError as error:
        say(f"bptt: recompiling a cached kernel: {error}")
    except OSError:
        pass
    with entry.locked():
        # Another process may have built it while this one waited for the lock.
        with suppress(OSError):
            return entry.open(source)
        check_size(source)
        try:
            return _build(source, compiler, entry)
        except BuildError:
            raise
        except OSError as error:
            raise BuildError(f"kernel {source.name}", "must be written and loaded", error) from error


def entry_of(source: SourceText, compiler: Compiler, suffix: str = ".so") -> Entry:
    """Return the entry of a source in the cache for this compiler and processor; it need not be there."""
    key = fingerprint(content(source), compiler.identity, *FLAGS, *WANTED, processor().identity)
    return Entry(cache_folder(), f"{file_stem(source.name)}-{key}", suffix)


def _build(source: SourceText, compiler: Compiler, entry: Entry) -> CDLL:
    """Compile, publish in the cache, and load; if the cache cannot be written, load for this process only."""
    with _scratch() as private:
        flags = compiler.accepted(*WANTED)
        shared = source.shared
        with (
            _timed(f"bptt: compiling {source.name}{source.remark} for this machine (once)"),
            # Both are compiled at the same time.
            ThreadPoolExecutor(1) as pool,
        ):
            part = pool.submit(_shared_object, shared, compiler, flags, private) if shared else None
            library = compiler.build(source, flags, private, part.result if part else None)
        try:
            entry.publish(library)
            return entry.open(source)
        except OSError as error:
            cure = "name a folder in BPTT_CACHE"
            say_once("cache", f"bptt: kernels are not kept for the next process ({cure}): {error}")
            return CDLL(str(library))


def _shared_object(source: SourceText, compiler: Compiler, flags: tuple[str, ...], private: Path) -> Path:
    """Return what kernels have in common as a file in `private`: from the cache, else compiled."""
    entry = entry_of(source, compiler, ".o")
    copied = private / f"{file_stem(source.name)}.o"
    with suppress(OSError, DamagedError):
        copied.write_bytes(entry.read())
        return copied
    with entry.locked():
        # Another process may have built it while this one waited for the lock.
        with suppress(OSError, DamagedError):
            copied.write_bytes(entry.read())
            return copied
        made = compiler.build_object(source, flags, private)
        with suppress(OSError):
            entry.publish(made)
        return made


@contextmanager
def _timed(text: str) -> Iterator[None]:
    start = time.monotonic()
    say(f"{text} ... ", end="")
    outcome = "failed"
    try:
        yield
        outcome = f"{time.monotonic() - start:.1f} s"
    finally:
        say(outcome)
