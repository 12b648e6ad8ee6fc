"""Options in frozen dataclasses, as JSON and back: every field, no more and no fewer.

A field that came later than the first run folders is marked ADDED. It is written only where it differs from
its default, which is what runs without it were made with: they are read, and gone on with, as ever.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import asdict, fields
from types import UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin

from bptt.errors import InputError
from bptt.options.field import Dataclass, hints_of, is_added

Options = TypeVar("Options", bound=Dataclass)

_CURE = "Restore the file, or train again"


def to_section(options: Dataclass) -> dict[str, Any]:
    """Return the fields as plain data."""
    usual = {each.name: each.default for each in fields(options) if is_added(each)}
    return {name: v for name, v in asdict(options).items() if name not in usual or v != usual[name]}


def is_optional(kind: type[Dataclass]) -> bool:
    """Return whether older files lack a section: each of its fields came later."""
    return all(map(is_added, fields(kind)))


def section(config: Mapping[str, Any], name: str, where: str) -> Mapping[str, Any]:
    """Return the object under `name`. Raises InputError if there is none."""
    found = config.get(name)
    if not isinstance(found, dict):
        raise InputError(where, f'"{name}" must be an object', type(found).__name__, _CURE)
    return found


def check_keys(
    found: Mapping[str, Any], wanted: set[str], where: str, optional: Set[str] = frozenset()
) -> None:
    """Raise InputError unless `found` has exactly the keys `wanted`, or lacks but some `optional` ones."""
    missing, unknown = sorted(wanted - optional - found.keys()), sorted(found.keys() - wanted)
    if missing:
        raise InputError(where, f"needs {', '.join(missing)}", "no such keys", _CURE)
    if unknown:
        cure = "Was it written by a newer version of bptt?"
        raise InputError(where, f"has the keys {', '.join(sorted(wanted))}", ", ".join(unknown), cure)


def read_section(kind: type[Options], config: Mapping[str, Any], name: str, where: str) -> Options:
    """Read a dataclass of numbers, texts and choices from the object under `name`; a list becomes a tuple.

    Raises InputError naming the key: one too many or too few, a value of the wrong kind, or one
    that the dataclass refuses.
    """
    place, hints = f"{where}: {name}", hints_of(kind)
    found = {} if is_optional(kind) and name not in config else section(config, name, where)
    check_keys(found, set(hints), place, {each.name for each in fields(kind) if is_added(each)})
    values = {key: tuple(v) if isinstance(v, list) else v for key, v in found.items()}
    for key, value in values.items():
        if not _fits(value, hints[key]):
            raise InputError(place, f'"{key}" must be {_name(hints[key])}', repr(found[key]), _CURE)
    try:
        return kind(**values)
    except InputError as error:
        raise InputError(f"{place}.{error.where}", error.rule, error.got, _CURE) from error


def _fits(value: object, hint: Any) -> bool:
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Literal:
        return value in inner
    if origin in (Union, UnionType):
        return any(_fits(value, each) for each in inner)
    if origin is tuple:
        return isinstance(value, tuple) and all(_fits(each, inner[0]) for each in value)
    if isinstance(value, bool):
        return hint is bool
    return isinstance(value, int | float if hint is float else hint)


def _name(hint: Any) -> str:
    """Describe the values that a hint allows, as the file spells them."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Literal:
        return f"one of {', '.join(map(str, inner))}"
    if origin in (Union, UnionType):
        return " or ".join(map(_name, inner))
    if origin is tuple:
        return f"a list of {_name(inner[0])}"
    return "null" if hint is type(None) else str(hint.__name__)
