"""Values that callers of scikit-learn pass, checked: parameters, texts, words and labels."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np

from bptt.errors import InputError
from bptt.options.checks import check_share

_HALF_PAIR = re.compile("[\ud800-\udfff]")


def plain(parameters: Mapping[str, Any]) -> dict[str, Any]:
    """Return parameters of an estimator with the numbers of numpy as those of Python, and lists as tuples.

    Raises InputError for a share that is held out of all, or none.
    """
    found = {name: _plain(value) for name, value in parameters.items()}
    if found["held_out"] != 0:
        check_share("held_out", found["held_out"])
    return found


def _plain(value: Any) -> Any:
    if isinstance(value, np.random.RandomState):
        return value
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    return tuple(map(_plain, value)) if isinstance(value, list | tuple) else value


def check_text(value: Any, place: str, what: str = "a text (str)") -> str:
    """Return `value` as a str. Raises InputError that names the place if it is missing, bytes, or no text."""
    if isinstance(value, str):
        return str(value)
    raise InputError(
        place, f"must be {what}", _shown(value), _cure(value, f"Give str(value), if that is {what}")
    )


def check_whole_text(value: Any, place: str) -> str:
    """Return the same for a text that is cut into tokens. Raises InputError for half of a surrogate pair,
    too.
    """
    text = check_text(value, place)
    half = _HALF_PAIR.search(text)
    if half is not None:
        got = f"half of a surrogate pair at character {half.start()}"
        raise InputError(place, "must be a text (str), of whole characters", got, "Take it out")
    return text


def label_values(labels: Iterable[Any], places: Iterable[str]) -> list[Any]:
    """Return labels as values of Python: texts, or numbers. Raises InputError that names the place of one
    that is missing, neither, or of another kind than the first.
    """
    found: list[Any] = []
    for label, place in zip(labels, places, strict=True):
        value = label.item() if isinstance(label, np.generic) else label
        if isinstance(value, bytes | None) or is_missing(value) or not isinstance(value, str | int | float):
            cure = _cure(value, "Give texts or numbers")
            raise InputError(place, "must be a label, a text or a number", _shown(value), cure)
        if found and isinstance(value, str) != isinstance(found[0], str):
            rule = f"labels are all texts or all numbers; the first is {found[0]!r}"
            raise InputError(place, rule, repr(value), "Convert them to one kind")
        found.append(value)
    return found


def check_array(value: Any, place: str) -> None:
    """Raise InputError for an array whose numbers would be read as others, or cannot be read at all."""
    kind = getattr(getattr(value, "dtype", None), "kind", "")
    if isinstance(value, np.ma.MaskedArray):
        got, cure = "a masked array", "Give x.filled(numpy.nan) and missing=True, or x.data"
    elif getattr(value, "requires_grad", False):
        got, cure = "a tensor that requires a gradient", "Give x.detach()"
    elif kind == "c":
        # The words are those that scikit-learn checks for.
        got, cure = "complex numbers", "Complex data not supported: give x.real and x.imag"
    elif kind in ("M", "m", "V"):
        got, cure = str(value.dtype), "Convert it to real numbers"
    else:
        return
    raise InputError(place, "must be an array of numbers", got, cure)


def is_missing(value: Any) -> bool:
    """Return whether a value says that there is none: None, NaN, and what pandas has for it."""
    if value is None:
        return True
    if isinstance(value, list | tuple | np.ndarray):
        return False
    try:
        return bool(value != value)
    except (TypeError, ValueError):
        # NA of pandas is neither equal to itself nor not.
        return type(value).__name__ == "NAType"


def _shown(value: Any) -> str:
    return "a missing value" if is_missing(value) else f"{type(value).__name__} {str(value)[:40]!r}"


def _cure(value: Any, usual: str) -> str:
    if is_missing(value):
        return "Leave the example out, or fill it in"
    return "Decode it: value.decode()" if isinstance(value, bytes) else usual


def check_flag(name: str, value: object) -> bool:
    """Return a parameter that is True or False, of numpy perhaps. Raises InputError for anything else."""
    found = _plain(value)
    if not isinstance(found, bool):
        raise InputError(name, "is true or false", repr(found))
    return found
