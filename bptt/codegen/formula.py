"""Expressions as infix text: a visitor with a white list, which keeps the order of terms.

The dialect supplies the words that differ: numbers, sizes, calls and powers.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

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


class Words(Protocol):
    """The parts of an expression that differ from language to language."""

    def number(self, value: float) -> str:
        """Return a literal."""
        ...

    def size(self, letter: str) -> str:
        """Return the number of units that a letter stands for."""
        ...

    def call(self, function: str, arguments: Sequence[str]) -> str:
        """Return the call of a function of `bptt.cells.functions`."""
        ...

    def power(self, base: str, exponent: int) -> str:
        """Return a positive whole power of what is no single variable, written once."""
        ...


def formula(expression: Expression, read: Callable[[str], str], words: Words) -> str:
    """Return the text of an expression; `read` gives that of a named value."""
    match expression:
        case Number(value):
            return words.number(float(value))
        case Size(letter):
            return words.size(letter)
        case Symbol(name):
            return read(name)
        case Call(function, arguments):
            return words.call(function, [formula(a, read, words) for a in arguments])
        case Sum(terms):
            return _sum(terms, read, words)
        case Product() | Power():
            return _product(expression, read, words)
    raise InternalError("codegen.formula", "no rule for", repr(expression))


def _sum(terms: tuple[Expression, ...], read: Callable[[str], str], words: Words) -> str:
    text = ""
    for k, term in enumerate(terms):
        negative, body = split_sign(term)
        sign = ("-" if negative else "") if k == 0 else (" - " if negative else " + ")
        text += sign + (_factor(body, read, words) if negative else formula(body, read, words))
    return text


def _product(expression: Product | Power, read: Callable[[str], str], words: Words) -> str:
    negative, body = split_sign(expression)
    if negative:
        return f"-{_factor(body, read, words)}"
    above, below = split_quotient(expression)
    if below != ONE:
        return f"{_factor(above, read, words)} / {_factor(below, read, words)}"
    if isinstance(expression, Power):
        base = _factor(expression.base, read, words)
        if isinstance(expression.base, Symbol):
            return " * ".join([base] * expression.exponent)
        # Written once: powers of powers would multiply their text.
        return words.power(base, expression.exponent)
    return " * ".join(_factor(f, read, words) for f in expression.factors)


def _factor(expression: Expression, read: Callable[[str], str], words: Words) -> str:
    text = formula(expression, read, words)
    return f"({text})" if isinstance(expression, Sum | Product | Power) else text
