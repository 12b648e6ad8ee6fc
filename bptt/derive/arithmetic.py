"""Numbers for the interpreter: machine floats, or 50 decimal digits."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import mpmath


@dataclass(frozen=True)
class Arithmetic:
    """How to read a literal, and the functions of `bptt.cells.functions` on one number."""

    number: Callable[[Any], Any]
    functions: Mapping[str, Callable[..., Any]]


def _sigmoid(x: float) -> float:
    small = math.exp(-abs(x))
    return 1 / (1 + small) if x >= 0 else small / (1 + small)


def _exp(x: float) -> float:
    return math.exp(x) if x < 709.78 else math.inf


def _log(x: float) -> float:
    return math.log(x) if x > 0 else -math.inf if x == 0 else math.nan


def _sqrt(x: float) -> float:
    return math.sqrt(x) if x >= 0 else math.nan


def _rsqrt(x: float) -> float:
    return 1 / math.sqrt(x) if x > 0 else math.inf if x == 0 else math.nan


def _sign(x: Any) -> int:
    return int(x > 0) - int(x < 0)


_ORDER: Mapping[str, Callable[..., Any]] = {
    "relu": lambda x: max(x, 0),
    "abs": abs,
    "sign": _sign,
    "step": lambda x: int(x > 0),
    "minimum": lambda a, b: a if a <= b else b,
    "maximum": lambda a, b: a if a > b else b,
}

FLOATS = Arithmetic(
    float,
    {
        **_ORDER,
        "sigmoid": _sigmoid,
        "tanh": math.tanh,
        "exp": _exp,
        "log": _log,
        "sqrt": _sqrt,
        "rsqrt": _rsqrt,
        "softplus": lambda x: max(x, 0.0) + math.log1p(math.exp(-abs(x))),
        "sin": math.sin,
        "cos": math.cos,
    },
)


# As many decimal digits as mpmath is set to: use it inside `with mpmath.workdps(50):`.
DIGITS = Arithmetic(
    mpmath.mpf,
    {
        **_ORDER,
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
