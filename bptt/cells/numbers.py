"""The value of an expression, or of a part of it, that holds only numbers."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping

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
from bptt.cells.function import Function
from bptt.cells.functions import get_function


def call(function: Function, *numbers: float) -> float:
    """Compute a function on floats: infinite or NaN where the processor's arithmetic says so."""
    if function.floats is not None:
        return float(function.floats(*numbers))
    named = dict(zip(function.arguments, numbers, strict=True))
    # The whole expression comes last.
    *_, (_, value) = constant_values(function.applied(*function.symbols), named)
    return math.nan if value is None else value


def constant_values(
    expression: Expression, constants: Mapping[str, float]
) -> Iterator[tuple[Expression, float | None]]:
    """Yield every part of an expression, the innermost first, with its value if it is made of numbers alone.

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
                return call(get_function(function), *parts)
    except (OverflowError, ZeroDivisionError):
        return math.inf
    return math.nan
