"""A value for each option that is not its default, by the type and the bounds of its field."""

from __future__ import annotations

from enum import Enum
from pathlib import Path
from types import NoneType
from typing import Any, Literal, get_args, get_origin

from bptt.options.field import alternatives
from bptt.options.option_set import NamedOption

# Quotes of both kinds, backslashes, control characters, letters of three scripts and one beyond 16 bits.
HARD_TEXT = "a \"b\" 'c' \\d\\u0041 é北𝄞 \t\n\r\x00\x1b\x7f\u0085\u2028 #]"


def other_value(each: NamedOption) -> Any:
    """Return a value of the option that is not its default, as hard to write as its type allows."""
    return _other(next(kind for kind in alternatives(each.hint) if kind is not NoneType), each)


def _other(kind: Any, each: NamedOption) -> Any:
    usual = each.default
    if get_origin(kind) is Literal:
        return next(value for value in reversed(get_args(kind)) if value != usual)
    if get_origin(kind) is tuple:
        item = get_args(kind)[0]
        return (_other(item, each), _other(item, each))
    if kind is bool:
        return usual is not True
    if kind is int:
        return int(each.about.least or 0) + (5 if usual == int(each.about.least or 0) + 3 else 3)
    if kind is float:
        # No short binary fraction, and one that is written with an exponent.
        step = 3e-5 if usual == 1e-5 else 1e-5
        return step if each.about.share or (each.about.least or 0) <= 0 else each.about.least + step
    if kind is Path:
        return Path(HARD_TEXT.replace("\x00", ""))
    if isinstance(kind, type) and issubclass(kind, Enum):
        return list(kind)[-1]
    assert kind is str, kind
    return HARD_TEXT
