"""Options in frozen dataclasses, read back from JSON: every field, no more and no fewer."""

from __future__ import annotations

from collections.abc import Mapping
from types import UnionType
from typing import Any, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from bptt.errors import InputError

Options = TypeVar("Options")

_CURE = "Restore the file, or train again"


def section(config: Mapping[str, Any], name: str, where: str) -> Mapping[str, Any]:
    """The object under `name`. Raises InputError if there is none."""
    found = config.get(name)
    if not isinstance(found, dict):
        raise InputError(where, f'"{name}" must be an object', type(found).__name__, _CURE)
    return found


def check_keys(found: Mapping[str, Any], wanted: set[str], where: str) -> None:
    """Raise InputError unless `found` has exactly the keys `wanted`."""
    missing, unknown = sorted(wanted - found.keys()), sorted(found.keys() - wanted)
    if missing:
        raise InputError(where, f"needs {', '.join(missing)}", "no such keys", _CURE)
    if unknown:
        cure = "Was it written by a newer version of bptt?"
        raise InputError(where, f"has the keys {', '.join(sorted(wanted))}", ", ".join(unknown), cure)


def read_section(kind: type[Options], config: Mapping[str, Any], name: str, where: str) -> Options:
    """A dataclass of numbers, texts and choices from the object under `name`; a list becomes a tuple.

    Raises InputError naming the key: one too many or too few, a value of the wrong kind, or one
    that the dataclass refuses.
    """
    found, place = section(config, name, where), f"{where}: {name}"
    hints = get_type_hints(kind)
    check_keys(found, set(hints), place)
    values = {key: tuple(v) if isinstance(v, list) else v for key, v in found.items()}
    for key, value in values.items():
        if not _fits(value, hints[key]):
            raise InputError(place, f'"{key}" must be {_name(hints[key])}', repr(value), _CURE)
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
    return hint.__name__ if isinstance(hint, type) else str(hint)
