"""The additions of installed packages to this one: cells, functions and other things, by entry points.

A package declares a thing in its own `pyproject.toml`, under the group of its kind and by its name:

    [project.entry-points."bptt.cells"]
    leaky = "leaky_cells:LEAKY"

Nothing is read before a name is asked for that this package does not have, so that starting costs
nothing; and only the entry point of that name is loaded, so that a broken package breaks no other.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping
from functools import cache
from importlib import import_module
from typing import Any, TypeVar

from bptt.errors import InputError

FUNCTIONS, CELLS = "bptt.functions", "bptt.cells"
HEADS, INPUTS = "bptt.heads", "bptt.inputs"

Thing = TypeVar("Thing")


@cache
def entries(group: str) -> Mapping[str, tuple[Any, ...]]:
    """Return the entry points of a group by name, each name with all packages that offer it."""
    # Imported on first use: `importlib.metadata` would take a tenth of the time of `bptt --help`.
    metadata = import_module("importlib.metadata")
    try:
        listed = sorted(metadata.entry_points(group=group), key=lambda entry: (entry.name, entry.value))
    except (OSError, ValueError, TypeError, AttributeError) as error:
        rule = "the entry points of installed packages must be readable"
        got = f"{type(error).__name__}: {error}"
        raise InputError(group, rule, got, "Repair or uninstall the package that is damaged") from error
    found: dict[str, tuple[Any, ...]] = {}
    for entry in listed:
        found[entry.name] = (*found.get(entry.name, ()), entry)
    return found


def find(group: str, name: str, kind: type[Thing]) -> Thing | None:
    """Return what an installed package adds under a name, None if no package does.

    Raises InputError, naming the package, if the entry point cannot be loaded, is not of the type
    `kind`, or has another name inside; and if two packages offer the name.
    """
    offers = entries(group).get(name, ())
    if len(offers) > 1:
        packages = " and ".join(_package(entry) for entry in offers)
        raise InputError(f"{group}: {name}", "a name comes from one package", packages, "Uninstall one")
    return _load(offers[0], kind) if offers else None


def find_all(
    group: str, kind: type[Thing], ours: Collection[str]
) -> tuple[Mapping[str, Thing], tuple[InputError, ...]]:
    """Return all things that packages add to a group, by name, and an error for each broken one.

    A name of `ours` counts as broken: what this package has cannot be replaced.
    """
    found: dict[str, Thing] = {}
    broken: list[InputError] = []
    for name, offers in entries(group).items():
        try:
            if name in ours:
                raise _error(offers[0], "a package cannot replace what bptt has", name, "needs another name")
            thing = find(group, name, kind)
        except InputError as error:
            broken.append(error)
        else:
            found |= {} if thing is None else {name: thing}
    return found, tuple(broken)


@cache
def _imported(entry: Any) -> Any:
    """Import what an entry point names, once: functions are looked up often."""
    return entry.load()


def _load(entry: Any, kind: type[Thing]) -> Thing:
    try:
        thing = _imported(entry)
    except (Exception, SystemExit) as error:
        # A stranger's module may raise anything; only an interruption goes through.
        got = str(error) if isinstance(error, InputError) else f"{type(error).__name__}: {error}"
        raise _error(entry, f"{entry.value} must load", got, "must be repaired or uninstalled") from error
    if not isinstance(thing, kind):
        rule = f"{entry.value} must be a {kind.__name__}"
        raise _error(entry, rule, type(thing).__name__, "must be repaired or uninstalled")
    name = getattr(thing, "name", entry.name)
    if name != entry.name:
        rule = f"{entry.value} must have the name of its entry point"
        raise _error(entry, rule, repr(name), "must be repaired or uninstalled")
    return thing


def _error(entry: Any, rule: str, got: str, cure: str) -> InputError:
    package = _package(entry)
    return InputError(f"{entry.group}: {entry.name} of {package}", rule, got, f"The package {package} {cure}")


def _package(entry: Any) -> str:
    """Return the package that an entry point comes from, as "leaky-cells 1.0"."""
    # A package whose metadata is lost has neither name nor version.
    known = entry.dist and entry.dist.name
    return f"{entry.dist.name} {entry.dist.version}" if known else "an unknown package"
