"""The functions of a cell on single floats, and the value of an expression that holds only numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from bptt.cells.expression import (
    Call,
    Expression,
    Number,
    Power,
    Product,
    Sum,
    Symbol,
    children,
)


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


# Those that only compare and copy, for numbers of any kind.
ORDER: Mapping[str, Callable[..., Any]] = {
    "relu": lambda x: max(x, 0),
    "abs": abs,
    "sign": _sign,
    "step": lambda x: int(x > 0),
    "minimum": lambda a, b: a if a <= b else b,
    "maximum": lambda a, b: a if a > b else b,
}

ON_FLOATS: Mapping[str, Callable[..., Any]] = {
    **ORDER,
    "sigmoid": _sigmoid,
    "tanh": math.tanh,
    "exp": _exp,
    "log": _log,
    "sqrt": _sqrt,
    "rsqrt": _rsqrt,
    "softplus": lambda x: max(x, 0.0) + math.log1p(math.exp(-abs(x))),
    "sin": math.sin,
    "cos": math.cos,
}


def constant_values(
    expression: Expression, constants: Mapping[str, float]
) -> Iterator[tuple[Expression, float | None]]:
    """Every part of an expression, the innermost first, with its value if it is made of numbers alone.

    `constants` are names that have a value. One is infinite or NaN where the processor's arithmetic says so.
    """
    parts: list[float] = []
    for child in children(expression):
        value = None
        for node, value in constant_values(child, constants):
            yield node, value
        parts += [] if value is None else [value]
    match expression:
        case Number(number):
            yield expression, float(number)
        case Symbol(name):
            yield expression, constants.get(name)
        case Sum() | Product() | Power() | Call() if len(parts) == len(children(expression)):
            yield expression, _combined(expression, parts)
        case _:
            yield expression, None


def _combined(expression: Expression, parts: list[float]) -> float:
    try:
        match expression:
            case Sum():
                return sum(parts)
            case Product():
                return math.prod(parts)
            case Power(_, exponent):
                return float(parts[0] ** exponent)
            case Call(function, _):
                return float(ON_FLOATS[function](*parts))
    except (OverflowError, ZeroDivisionError):
        return math.inf
    return math.nan
