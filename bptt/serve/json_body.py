"""The JSON object in the body of a request."""

from __future__ import annotations

import json
from collections import Counter
from typing import Any, NoReturn

from bptt.options.checks import shown
from bptt.serve.http_problem import HttpProblem


def read_json(body: bytes) -> dict[str, Any]:
    """Return the object that a body holds.

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
        raise HttpProblem(400, f"body: must be a JSON object, got {type(found).__name__}")
    return found


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
