"""Expressions as C++ text on vectors: a visitor with a white list, which keeps the order of terms.

The functions of this package are in `cpp/functions.h`. One that an installed package adds is defined in
the kernel that calls it, under its name after `f_`, so that it can be taken for nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

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
    walk,
)
from bptt.cells.functions import FUNCTIONS, get_function
from bptt.errors import InputError, InternalError

DIALECT = "cpp"


def formula(expression: Expression, read: Callable[[str], str]) -> str:
    """Write an expression; `read` gives the text of a named value."""
    match expression:
        case Number(value):
            return f"broadcast(real({float(value)!r}))"
        case Size(letter):
            return f"broadcast(real(a.size[Shape::{'ONE' if letter == '1' else letter}]))"
        case Symbol(name):
            return read(name)
        case Call(function, arguments):
            name = function if function in FUNCTIONS else f"f_{function}"
            return f"function::{name}({', '.join(formula(a, read) for a in arguments)})"
        case Sum(terms):
            return _sum(terms, read)
        case Product() | Power():
            return _product(expression, read)
    raise InternalError("codegen.formula", "no rule for", repr(expression))


def definitions(expressions: Iterable[Expression]) -> str:
    """Define the functions that expressions call and `functions.h` lacks, each after those it calls.

    Raises InputError for a function that has neither a value nor a text in C++.
    """
    found: dict[str, str] = {}
    for expression in expressions:
        _define_called(expression, found)
    if not found:
        return ""
    return "".join(["\nnamespace function {\n", *found.values(), "}  // namespace function\n"])


def _define_called(expression: Expression, found: dict[str, str]) -> None:
    for node in walk(expression):
        if isinstance(node, Call) and node.function not in {*FUNCTIONS, *found}:
            function = get_function(node.function)
            body = function.text.get(DIALECT)
            if body is None and function.value is None:
                rule = "a kernel needs the value of a function as an expression, or its text in C++"
                cure = f'Give it text={{"{DIALECT}": ...}}, or run it by the reference backend'
                raise InputError(f"function {function.name!r}", rule, "neither", cure)
            if body is None:
                value = function.applied(*function.symbols)
                _define_called(value, found)
                body = formula(value, lambda name: name)
            parameters = ", ".join(f"Vector {argument}" for argument in function.arguments)
            found[function.name] = f"INLINE Vector f_{function.name}({parameters}) {{ return {body}; }}\n"


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
