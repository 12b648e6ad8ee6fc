"""JSON Schema 2020-12 of types and of options: https://json-schema.org/draft/2020-12."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import MISSING
from enum import Enum
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin

from bptt.options.field import alternatives
from bptt.options.option_set import NamedOption

JsonSchema = dict[str, Any]

_SIMPLE = {str: "string", Path: "string", int: "integer", float: "number", bool: "boolean", NoneType: "null"}


def schema_of(hint: Any, named: Callable[[Any], JsonSchema | None] = lambda hint: None) -> JsonSchema:
    """Return the schema of the JSON values of a type: a simple one, a sequence, a mapping, or alternatives.

    `named` returns the schema of a type that has one of its own, else None. Raises TypeError for a type that
    has none.
    """
    found = named(hint)
    if found is not None:
        return found
    kinds = alternatives(hint)
    if len(kinds) > 1:
        return _any_of([schema_of(each, named) for each in kinds])
    origin, parts = get_origin(hint), get_args(hint)
    if origin is Literal:
        return {"enum": list(parts)}
    if origin in (tuple, list, Sequence):
        return {"type": "array", "items": schema_of(parts[0], named)}
    if origin in (dict, Mapping):
        return {"type": "object", "additionalProperties": schema_of(parts[1], named)}
    if isinstance(hint, type) and issubclass(hint, Enum):
        return {"enum": [each.value for each in hint]}
    if hint not in _SIMPLE:
        raise TypeError(f"{hint}: has no JSON schema")
    return {"type": _SIMPLE[hint]}


def option_schema(option: NamedOption) -> JsonSchema:
    """Return the schema of the values of an option, with its help, bounds and default."""
    about, found = option.about, schema_of(option.hint)
    bounds = found.get("items", found)
    bounds = next((each for each in found.get("anyOf", ()) if each.get("type") != "null"), bounds)
    if about.least is not None:
        bounds["minimum"] = about.least
    if about.most is not None:
        bounds["maximum"] = about.most
    if about.share:
        bounds |= {"minimum": 0, "exclusiveMaximum": 1}
    default = option.default
    if default is not MISSING:
        found["default"] = default.value if isinstance(default, Enum) else default
    usual = f" Default: {about.usual}." if about.usual else ""
    return {**found, "description": f"{about.help}{usual}"}


def _any_of(schemas: Sequence[JsonSchema]) -> JsonSchema:
    """Return the schema of values that one of these takes; simple types are listed."""
    if all(set(each) == {"type"} for each in schemas):
        return {"type": [each["type"] for each in schemas]}
    return {"anyOf": list(schemas)}
