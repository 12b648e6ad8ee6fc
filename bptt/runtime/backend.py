"""The backends by name, and the choice among them.

`reference` runs torch operations, on any device. `cpu` runs kernels compiled for the processor, and `triton`
kernels on a GPU; they raise an error if these cannot be built. `auto`, the default, runs the kernels for the
device if they can be built, else torch operations, and then prints a notice once. Other packages add backends
under the entry point group `bptt.backends`.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from contextvars import ContextVar
from functools import cache

from bptt.deferred import imported
from bptt.errors import InputError, InternalError
from bptt.plugins import entries, find
from bptt.runtime.protocol import Backend

AUTO = "auto"
VARIABLE = "BPTT_BACKEND"
GROUP = "bptt.backends"

# Each is imported when it is used.
_BUILT_IN: Mapping[str, Callable[[], Backend]] = {
    "cpu": lambda: imported("bptt.runtime.kernels.kernel_backend", "KERNELS"),
    "reference": lambda: imported("bptt.runtime.reference.reference_backend", "REFERENCE"),
    "triton": lambda: imported("bptt.runtime.gpu.triton_backend", "TRITON"),
}

# The dictionary behind `os.environ`, which raises two exceptions where a variable is missing: microseconds
# at every call of a layer.
_variables: Mapping[object, object] = os.environ._data  # type: ignore[attr-defined]
_KEY = os.environ.encodekey(VARIABLE)

_here: ContextVar[str | None] = ContextVar("backend", default=None)


def get_backend() -> str:
    """Return the backend in force: that of the innermost `with backend(...)`, else `$BPTT_BACKEND`.

    Raises InputError if the environment variable names no backend.
    """
    return _here.get() or _checked(f"environment variable {VARIABLE}", os.environ.get(VARIABLE) or AUTO)


def backend_asked() -> object:
    """Return the choice that `get_backend` checks: while it is equal, the backend is the same."""
    return _here.get() or _variables.get(_KEY)


def set_backend(name: str) -> None:
    """Choose a backend for this process and its child processes (by setting `$BPTT_BACKEND`).

    `name` is `auto`, `cpu`, `triton`, `reference`, or that of an installed package. Raises InputError for
    another name.
    """
    os.environ[VARIABLE] = _checked("set_backend", name)


@contextmanager
def backend(name: str) -> Iterator[None]:
    """Choose a backend for this thread inside the `with` block: see `set_backend`.

    Raises InputError for another name.
    """
    token = _here.set(_checked("backend", name))
    try:
        yield
    finally:
        _here.reset(token)


def backend_named(name: str) -> Backend:
    """Return the backend with a name that `get_backend` returned, other than `auto`."""
    found = _BUILT_IN[name]() if name in _BUILT_IN else _outside(name)
    if found is None:
        raise InternalError("backend", "a name is checked before it is used", repr(name))
    return found


def empty_cache() -> None:
    """Free the memory that backends keep for later calls: work blocks and packed weights.

    Later calls allocate it again. Results do not change.
    """
    for built_in in _BUILT_IN.values():
        built_in().empty_cache()
    if (chosen := get_backend()) not in (AUTO, *_BUILT_IN):
        backend_named(chosen).empty_cache()


# Unbounded: a process asks for few names. A name that no package has is remembered as None.
@cache
def _outside(name: str) -> Backend | None:
    return find(GROUP, name, Backend)  # type: ignore[type-abstract]


def _checked(where: str, name: str) -> str:
    # A list, say, cannot be looked up.
    if not isinstance(name, str) or (name != AUTO and name not in _BUILT_IN and _outside(name) is None):
        names = (AUTO, *_BUILT_IN, *entries(GROUP))
        raise InputError(where, f"expected one of {', '.join(names)}", repr(name))
    return name
