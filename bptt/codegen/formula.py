"""Expressions as C++ text on vectors: a visitor with a white list, which keeps the order of terms."""

from __future__ import annotations

from collections.abc import Callable

from bptt.cells.expression import (
    ONE,
    Call,
    Expression,
    Number,
    Power,
    Product,
    Size,
    Sum,
    Symbol,
    split_quotient,
    split_sign,
)
from bptt.errors import InternalError


def formula(expression: Expression, read: Callable[[str], str]) -> str:
    """The text of an expression; `read` gives that of a named value."""
    match expression:
        case Number(value):
            return f"broadcast(real({float(value)!r}))"
        case Size(letter):
            return f"broadcast(real(a.size[Shape::{'ONE' if letter == '1' else letter}]))"
        case Symbol(name):
            return read(name)
        case Call(function, arguments):
            return f"function::{function}({', '.join(formula(a, read) for a in arguments)})"
        case Sum(terms):
            return _sum(terms, read)
        case Product() | Power():
            return _product(expression, read)
    raise InternalError("codegen.formula", "no rule for", repr(expression))


def _sum(terms: tuple[Expression, ...], read: Callable[[str], str]) -> str:
    text = ""
    for k, term in enumerate(terms):
        negative, body = split_sign(term)
        sign = ("-" if negative else "") if k == 0 else (" - " if negative else " + ")
        text += sign + (_factor(body, read) if negative else formula(body, read))
    return text


def _product(expression: Product | Power, read: Callable[[str], str]) -> str:
    negative, body = split_sign(expression)
    if negative:
        return f"-{_factor(body, read)}"
    above, below = split_quotient(expression)
    if below != ONE:
        return f"{_factor(above, read)} / {_factor(below, read)}"
    if isinstance(expression, Power):
        base = _factor(expression.base, read)
        if isinstance(expression.base, Symbol):
            return " * ".join([base] * expression.exponent)
        # Written once: powers of powers would multiply their text.
        return f"function::power<{expression.exponent}>{base if base[0] == '(' else f'({base})'}"
    return " * ".join(_factor(f, read) for f in expression.factors)


def _factor(expression: Expression, read: Callable[[str], str]) -> str:
    text = formula(expression, read)
    return f"({text})" if isinstance(expression, Sum | Product | Power) else text
