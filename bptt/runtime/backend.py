"""What runs a recurrence: torch operations, or kernels compiled for the processor. Chosen here only.

`reference` is torch operations, on any device. `cpu` is kernels, an error where there can be none.
`auto`, the default, is kernels where they can be had, else torch operations, and says so once.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from ctypes import CDLL
from threading import Lock

from bptt.codegen.source import Source
from bptt.errors import InputError, MachineError
from bptt.runtime.build import load
from bptt.runtime.notice import say_once

BACKENDS = ("auto", "cpu", "reference")
VARIABLE = "BPTT_BACKEND"

_here: ContextVar[str | None] = ContextVar("backend", default=None)
# What came of every text that this process has asked for; what failed is not tried again.
_outcomes: dict[Source, CDLL | MachineError] = {}
_building = Lock()


def get_backend() -> str:
    """The backend in force: that of the innermost `with backend(...)`, else that of the process."""
    return _here.get() or _checked(f"environment variable {VARIABLE}", os.environ.get(VARIABLE) or "auto")


def set_backend(name: str) -> None:
    """Choose `auto`, `cpu` or `reference` for this process and those that it starts (`$BPTT_BACKEND`).

    Raises InputError for another name.
    """
    os.environ[VARIABLE] = _checked("set_backend", name)


@contextmanager
def backend(name: str) -> Iterator[None]:
    """Choose `auto`, `cpu` or `reference` for what this thread does inside the `with` block.

    Raises InputError for another name.
    """
    token = _here.set(_checked("backend", name))
    try:
        yield
    finally:
        _here.reset(token)


def kernels_for(make: Callable[[], Source]) -> CDLL | None:
    """The kernels of the text that `make` returns, or None where the reference backend is to run.

    Cheap after the first call if `make` returns the same object again. Raises MachineError if the
    backend is `cpu` and there can be no kernels.
    """
    chosen = get_backend()
    if chosen == "reference":
        return None
    source = make()
    outcome = _outcome(source)
    if isinstance(outcome, CDLL):
        return outcome
    if chosen == "cpu":
        raise outcome.with_traceback(None)
    cost = "cells without a kernel run in torch operations, which takes several times as long"
    say_once("backend", f"bptt: {cost}. No kernel for {source.name}: {outcome}")
    return None


def _outcome(source: Source) -> CDLL | MachineError:
    found = _outcomes.get(source)
    if found is None:
        with _building:
            found = _outcomes.get(source) or _attempt(source)
            _outcomes[source] = found
    return found


def _attempt(source: Source) -> CDLL | MachineError:
    try:
        return load(source)
    except MachineError as error:
        return error


def _checked(where: str, name: str) -> str:
    if name not in BACKENDS:
        raise InputError(where, f"expected one of {', '.join(BACKENDS)}", repr(name))
    return name
