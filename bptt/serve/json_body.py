"""The JSON object in the body of a request."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from typing import Any, NoReturn

from bptt.files import to_json
from bptt.options.checks import shown
from bptt.serve.http_problem import HttpProblem

# Booleans first: to Python they are numbers, too.
_KINDS: Sequence[tuple[Any, str]] = (
    (bool, "a boolean"),
    (str, "a string"),
    (list, "an array"),
    (dict, "an object"),
    (int | float, "a number"),
)
_LONGEST = 60


def read_json(body: bytes) -> dict[str, Any]:
    """Return the object that a body holds. A byte order mark before it is ignored.

    Raises HttpProblem 400 if it is no JSON object in UTF-8, or a name comes twice in an object (RFC 8259).
    """
    try:
        # Bytes of UTF-16 and UTF-32 would be read, too.
        text = body.decode("utf-8-sig")
        found = _DECODER.decode(text)
    # Python's own limits: of nested brackets, and of digits.
    except (ValueError, RecursionError) as error:
        raise HttpProblem(
            400, f"body: must be JSON in UTF-8, got {str(error) or type(error).__name__}"
        ) from error
    if not isinstance(found, dict):
        raise HttpProblem(400, f"body: must be a JSON object, got {json_kind(found)}")
    return found


def json_kind(value: object) -> str:
    """Return the name that JSON has for the type of a value."""
    return next((name for kind, name in _KINDS if isinstance(value, kind)), "null")


def shown_json(value: object) -> str:
    """Return a value as JSON, if that is short, else the name of its type."""
    try:
        text = to_json(value)
    except ValueError:
        # An int of more digits than Python writes.
        text = ""
    return text if 0 < len(text) <= _LONGEST else json_kind(value)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Return the members of an object. Raises ValueError for a name that comes twice."""
    found = dict(pairs)
    if len(found) < len(pairs):
        ((again, _),) = Counter(name for name, _ in pairs).most_common(1)
        raise ValueError(f"{shown(again)} twice in an object")
    return found


def _refuse(name: str) -> NoReturn:
    raise ValueError(f"{name}, which JSON does not have")


_DECODER = json.JSONDecoder(parse_constant=_refuse, object_pairs_hook=_unique)
