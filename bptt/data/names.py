"""Lists of names, such as labels, words or characters, as JSON: whatever text a name is, it comes back."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from bptt.data.reading import read_bytes
from bptt.errors import InputError

_CURE = "Restore the file, or train again"


def names_to_bytes(names: Sequence[str]) -> bytes:
    """Write a JSON list with a name a line. Raises InputError for a name that JSON joins to another: it holds
    both halves of a character, each by itself.
    """
    text = json.dumps(list(names), ensure_ascii=False, indent=0)
    # Half a character has no UTF-8. Python's escape for it is also that of JSON.
    data = text.encode("utf-8", "backslashreplace") + b"\n"
    for name, back in zip(names, json.loads(data), strict=True):
        if name != back:
            raise InputError("text", "must not hold characters in two halves", repr(name), "Save it as UTF-8")
    return data


def read_names(path: Path) -> tuple[str, ...]:
    """Read a list that `names_to_bytes` wrote. Raises InputError if it is missing, damaged, or has a name
    twice.
    """
    return parse_names(read_bytes(path, _CURE), str(path))


def parse_names(data: bytes, where: str) -> tuple[str, ...]:
    """Return the names in the content of a file. Raises InputError if it is damaged, or has a name twice."""
    try:
        names = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise InputError(where, "must be JSON in UTF-8", error, _CURE) from error
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise InputError(where, "must be a list of texts", type(names).__name__, _CURE)
    if len(set(names)) < len(names):
        raise InputError(where, "must hold each text once", f"{len(names)} texts", _CURE)
    return tuple(names)


def kept_in(run: Path, name: str) -> Path:
    """Return the path of `name`.json in a run folder, or of `name`.txt, a name a line, if version 0.1.0 wrote
    it.
    """
    older = run / f"{name}.txt"
    return older if older.exists() and not (run / f"{name}.json").exists() else run / f"{name}.json"
