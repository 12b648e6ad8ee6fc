"""Numbers for the interpreter: machine floats, or 50 decimal digits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import Any

import mpmath

from bptt.cells.function import Function


@dataclass(frozen=True)
class Arithmetic:
    """How to read a literal, and how to get the form of a function on one such number.

    A function that has no form of its own (None) is computed as its `value`.
    """

    number: Callable[[Any], Any]
    form: Callable[[Function], Callable[..., Any] | None]


def _in_digits(function: Function) -> Callable[..., Any] | None:
    return None if function.digits is None else partial(function.digits, mpmath)


FLOATS = Arithmetic(float, lambda function: function.floats)

# As many decimal digits as mpmath is set to: use it inside `with mpmath.workdps(50):`.
DIGITS = Arithmetic(mpmath.mpf, _in_digits)
