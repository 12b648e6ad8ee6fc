"""Things of modules that are imported when they are first used."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def deferred(module: str, name: str) -> Callable[..., Any]:
    """Return the function `name` of a module without importing the module yet.

    A program that reads one form of file loads the reader of that form alone. Name whole modules of this
    package only: the string is an import like any other, and `tests/test_rooms.py` reads it as one.
    """

    def call(*arguments: Any, **named: Any) -> Any:
        return imported(module, name)(*arguments, **named)

    return call


def imported(module: str, name: str) -> Any:
    """Return what a module has under a name, importing it now."""
    return getattr(import_module(module), name)


def exports(
    package: str, public: Mapping[str, str]
) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """Return `__getattr__` and `__dir__` of a package that imports its public names on first use (PEP 562).

    `public` maps modules to the names in them, separated by spaces; a name of the package itself is one of
    its modules. The types of the names are in `__init__.pyi`, which `tests/stub.py` writes from this list.
    """
    homes = {name: module for module, names in public.items() for name in names.split()}

    def get(name: str) -> object:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        home = homes[name]
        return import_module(f"{package}.{name}") if home == package else imported(home, name)

    def names() -> list[str]:
        return sorted([*vars(sys.modules[package]), *homes])

    return get, names
