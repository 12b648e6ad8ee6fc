"""Numbers for the interpreter: machine floats, or 50 decimal digits."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import mpmath

from bptt.cells.numbers import ON_FLOATS, ORDER


@dataclass(frozen=True)
class Arithmetic:
    """How to read a literal, and the functions of `bptt.cells.functions` on one number."""

    number: Callable[[Any], Any]
    functions: Mapping[str, Callable[..., Any]]


FLOATS = Arithmetic(float, ON_FLOATS)


# As many decimal digits as mpmath is set to: use it inside `with mpmath.workdps(50):`.
DIGITS = Arithmetic(
    mpmath.mpf,
    {
        **ORDER,
        "sigmoid": lambda x: 1 / (1 + mpmath.exp(-x)),
        "tanh": mpmath.tanh,
        "exp": mpmath.exp,
        "log": lambda x: mpmath.log(x) if x > 0 else mpmath.ninf if x == 0 else mpmath.nan,
        "sqrt": lambda x: mpmath.sqrt(x) if x >= 0 else mpmath.nan,
        "rsqrt": lambda x: 1 / mpmath.sqrt(x) if x > 0 else mpmath.inf if x == 0 else mpmath.nan,
        "softplus": lambda x: mpmath.log1p(mpmath.exp(x)),
        "sin": mpmath.sin,
        "cos": mpmath.cos,
    },
)
