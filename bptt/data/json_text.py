"""JSON that strangers wrote: parsed into text that can be printed and saved, or refused with its place."""

from __future__ import annotations

import json
import re
from typing import Any

from bptt.errors import InputError

# An escape of a whole surrogate pair, of half of one, or any other: read from the left, so that a
# backslash that is itself escaped does not begin one.
_ESCAPE = re.compile(
    r"\\(?:u[dD][89abAB][0-9a-fA-F]{2}\\u[dD][c-fC-F][0-9a-fA-F]{2}|(u[dD][89a-fA-F][0-9a-fA-F]{2})|.)",
    re.DOTALL,
)


def parse_json(text: str, place: str, rule: str) -> Any:
    r"""Return the value of a JSON text; half of a surrogate pair (``\ud83d`` alone) is read as U+FFFD.

    These halves are left of an emoji where a text was cut; UTF-8 cannot hold them. Raises
    InputError naming `place` and `rule` if the text is no JSON.
    """
    whole = _ESCAPE.sub(lambda found: r"\ufffd" if found[1] else found[0], text) if "\\u" in text else text
    try:
        return json.loads(whole)
    except (ValueError, RecursionError) as error:
        raise InputError(place, rule, error) from error
