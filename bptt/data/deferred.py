"""Things of modules that are imported when they are first used."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any


def deferred(module: str, name: str) -> Callable[..., Any]:
    """Return the function `name` of a module without importing the module yet.

    A program that reads one form of file loads the reader of that form alone. Name whole modules of this
    package only: the string is an import like any other, and `tests/test_rooms.py` reads it as one.
    """

    def call(*arguments: Any) -> Any:
        return imported(module, name)(*arguments)

    return call


def imported(module: str, name: str) -> Any:
    """Return what a module has under a name, importing it now."""
    return getattr(import_module(module), name)
