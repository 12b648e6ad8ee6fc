"""Weights, inputs and targets read from JSON or CSV text; each error names the key or the line."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from sys import float_info
from typing import Any, NoReturn

from bptt.derive.evaluate import Vector
from bptt.derive.network_pass import EMBEDDING, OUTPUT, NestedNumbers, Parameters
from bptt.errors import InputError

# Whole numbers of more digits than this are above the largest float.
_MOST_DIGITS = float_info.max_10_exp
Shapes = Mapping[str, Mapping[str, tuple[int, ...]]]
_EXAMPLE = 'For example {"W_h": [[0.1, 0.2]], "b_h": [0.3]}'


@dataclass(frozen=True)
class NumberSource:
    """A text of numbers, and its origin for messages: the name of a file, or of an option."""

    where: str
    text: str
    is_file: bool = True


def key(place: str, name: str, layers: int) -> str:
    """Return the key of a parameter in a file: its name, with its layer if there are several layers."""
    return name if layers == 1 or place in (EMBEDDING, OUTPUT) else f"{name}.{place}"


def read_parameters(source: NumberSource, shapes: Shapes, layers: int) -> Parameters:
    """Read all parameters from JSON. Raises InputError for a missing or unknown key and for another shape."""
    data = _json(source)
    if not isinstance(data, dict):
        raise InputError(source.where, "needs an object of weights by name", _shown(data), _EXAMPLE)
    keys = {key(place, name, layers): (place, name) for place, names in shapes.items() for name in names}
    expected = ", ".join(f"{each} {_shape_text(shapes[place][name])}" for each, (place, name) in keys.items())
    for missing in (each for each in keys if each not in data):
        raise InputError(source.where, f"needs the weights {expected}", f"no {missing!r}")
    for unknown in (each for each in data if each not in keys):
        raise InputError(source.where, f"needs the weights {expected}", repr(unknown), "Remove it")
    return {
        place: {
            name: _array(source, key(place, name, layers), data[key(place, name, layers)], shape)
            for name, shape in names.items()
        }
        for place, names in shapes.items()
    }


def read_rows(source: NumberSource, width: int) -> list[Vector]:
    """Read rows of `width` numbers, one a step, from CSV or a JSON list of lists.

    A single row is one number a step if the width is 1. Raises InputError naming the line.
    """
    rows = _json_rows(source) if source.text.lstrip().startswith("[") else _csv_rows(source)
    if not rows:
        raise InputError(source.where, "needs at least one row of numbers", "none")
    if width == 1 and len(rows) == 1:
        rows = [(rows[0][0], [number]) for number in rows[0][1]]
    for place, row in rows:
        if len(row) != width:
            rule = f"needs {width} number{'' if width == 1 else 's'} in each row"
            raise InputError(place, rule, f"{len(row)}: {', '.join(map(str, row))[:60]}")
    return [[_number(place, each) for each in row] for place, row in rows]


def read_choices(source: NumberSource, count: int) -> list[int]:
    """Read one whole number from 0 to `count` − 1 a step. Raises InputError naming the line."""
    found = [row[0] for row in read_rows(source, 1)]
    for step, number in enumerate(found, 1):
        if number != int(number) or not 0 <= number < count:
            rule = f"needs whole numbers from 0 to {count - 1}"
            raise InputError(f"{source.where}, step {step}", rule, f"{number:g}")
    return list(map(int, found))


def _array(source: NumberSource, name: str, data: Any, shape: Sequence[int]) -> NestedNumbers:
    where, rule = f"{source.where}, {name}", f"needs shape {_shape_text(shape)}"
    vectors = data if len(shape) == 2 else [data]
    if not (isinstance(data, list) and all(isinstance(each, list) for each in vectors)):
        raise InputError(where, rule, _shown(data))
    came = sorted({len(each) for each in vectors})
    if came != [shape[-1]] or (len(shape) == 2 and len(data) != shape[0]):
        lengths = " or ".join(map(str, came))
        raise InputError(where, rule, f"({len(data)}, {lengths})" if len(shape) == 2 else f"({lengths})")
    numbers = [[_number(where, each) for each in vector] for vector in vectors]
    return numbers if len(shape) == 2 else numbers[0]


def _number(where: str, value: Any) -> float:
    """Return a finite number. Raises InputError for NaN, infinity, and anything that is no number."""
    try:
        # Python reads 1_0 as 10.
        if isinstance(value, bool) or "_" in str(value):
            raise ValueError
        number = float(value)
    except (TypeError, ValueError, OverflowError):
        raise InputError(where, "needs numbers", _shown(value)) from None
    if not isfinite(number):
        raise InputError(where, "needs finite numbers", _shown(value))
    return number


def _json(source: NumberSource) -> Any:
    if not source.text.strip():
        raise InputError(source.where, "needs JSON", "an empty file", _EXAMPLE)
    try:
        return json.loads(
            source.text, parse_constant=_Refuse(source), parse_int=_whole, object_pairs_hook=_Unique(source)
        )
    except json.JSONDecodeError as error:
        raise InputError(f"{source.where}:{error.lineno}", "needs JSON", error.msg) from error
    except RecursionError as error:
        raise InputError(source.where, "needs JSON of numbers", "brackets in brackets, too deep") from error


def _whole(digits: str) -> float:
    """Return a whole number: Python refuses to read one of thousands of digits, which is infinite here."""
    return int(digits) if len(digits) <= _MOST_DIGITS else float(digits)


@dataclass(frozen=True)
class _Refuse:
    """Refuses NaN and Infinity, which Python's JSON would read."""

    source: NumberSource

    def __call__(self, literal: str) -> NoReturn:
        raise InputError(self.source.where, "needs finite numbers", literal)


@dataclass(frozen=True)
class _Unique:
    """Refuses an object with the same key twice."""

    source: NumberSource

    def __call__(self, pairs: Sequence[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            names = [name for name, _ in pairs]
            twice = next(name for name in names if names.count(name) > 1)
            raise InputError(self.source.where, "needs every key once", f"{twice!r} twice")
        return found


def _json_rows(source: NumberSource) -> list[tuple[str, list[Any]]]:
    data = _json(source)
    if data and not any(isinstance(row, list) for row in data):
        return [(source.where, data)]
    rows = [(f"{source.where}, row {number}", row) for number, row in enumerate(data, 1)]
    for place, row in rows:
        if not isinstance(row, list):
            raise InputError(place, "needs a list of numbers", _shown(row))
    return rows


def _csv_rows(source: NumberSource) -> list[tuple[str, list[Any]]]:
    lines = source.text.removeprefix("\ufeff").replace(";", "\n").splitlines()
    return [
        (f"{source.where}:{number}", [entry.strip() for entry in line.split(",")])
        for number, line in enumerate(lines, 1)
        if line.strip()
    ]


def _shape_text(shape: Sequence[int]) -> str:
    return f"({', '.join(map(str, shape))})"


def _shown(value: Any) -> str:
    return repr(value)[:60]
