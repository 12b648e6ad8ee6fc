"""A cell as plain data, as a run folder keeps it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from bptt.cells.definition import Definition
from bptt.errors import InputError

FIELDS = "expected the fields that Cell.to_dict writes"


def definition_record(cell: Definition) -> dict[str, Any]:
    """Return a cell's definition as plain data; the equations are the text they were written in."""
    return {
        "name": cell.name,
        "title": cell.title,
        "source": cell.source,
        "equations": [equation.text for equation in cell.equations],
        "states": list(cell.states),
        "output": cell.output,
        "inputs": list(cell.inputs),
        "widths": dict(cell.widths),
        "constants": dict(cell.constants),
        "init": dict(cell.init),
    }


def read_text(value: object) -> str:
    """Return a text. Raises InputError for any other value."""
    if not isinstance(value, str):
        raise InputError("cell", FIELDS, f"{value!r} for a text")
    return value


def read_texts(value: object) -> list[str]:
    """Return a list of texts. Raises InputError for any other value."""
    if not isinstance(value, list):
        raise InputError("cell", FIELDS, f"{value!r} for a list of texts")
    return [read_text(item) for item in value]


def read_mapping(value: object) -> Mapping[Any, Any]:
    """Return a mapping. Raises InputError for any other value."""
    if not isinstance(value, Mapping):
        raise InputError("cell", FIELDS, f"{value!r} for an object")
    return value


def read_number(value: Any) -> float:
    """Return a number as a float. Raises InputError for a value that is no number."""
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError) as error:
        raise InputError("cell", FIELDS, f"{value!r} for a number") from error
