"""A function from text, for those that packages add."""

from __future__ import annotations

import math

from bptt.cells.expression import Expression, MatrixVector, RowCall, rename, symbols, walk
from bptt.cells.function import Function
from bptt.cells.language import parse_equations
from bptt.errors import InputError


def define_function(
    name: str,
    value: str,
    *derivatives: str,
    arguments: str = "x",
    steepest: float = math.inf,
    saturates: tuple[float, float] | None = None,
    symbol: str = "",
    latex: str = "",
    remark: str = "",
) -> Function:
    """Make a function from the text of its value and of its derivative by each argument.

    The texts are expressions of the language of cells in `arguments`; derivatives may also read the value
    as `y`: define_function("softsign", "x / (1 + abs(x))", "(1 - abs(y))**2"). The other arguments are
    fields of `Function`. Where a form of its own is faster or more exact than `value`, put it in with
    `dataclasses.replace`.

    Raises InputError for a text that is no such expression, and for too few or too many derivatives.
    """
    where, names = f"function {name!r}", tuple(arguments.split())
    partials = [_expression(f"{where}, derivative", text, {"y", *names}) for text in derivatives]
    return Function(
        name,
        tuple(_Partial(partial, names) for partial in partials),
        names,
        _expression(f"{where}, value", value, set(names)),
        steepest=steepest,
        saturates=saturates,
        symbol=symbol,
        latex=latex,
        remark=remark,
    )


class _Partial:
    """The derivative by one argument, as `Function.partials` has it."""

    def __init__(self, expression: Expression, names: tuple[str, ...]) -> None:
        self.expression = expression
        self.names = names

    def __call__(self, y: Expression, *arguments: Expression) -> Expression:
        return rename(self.expression, dict(zip(("y", *self.names), (y, *arguments), strict=True)))


def _expression(where: str, text: str, known: set[str]) -> Expression:
    """Read an expression of known names, each of whose operations is element by element."""
    equations = parse_equations(where, f"value = {text}")
    if len(equations) != 1:
        raise InputError(where, "a function has one expression, on one line", repr(text))
    expression = equations[0].expression
    unknown = [symbol for symbol in symbols(expression) if symbol not in known]
    if unknown:
        raise InputError(where, f"an expression in {', '.join(sorted(known))}", f"the name {unknown[0]!r}")
    if any(isinstance(node, RowCall | MatrixVector) for node in walk(expression)):
        raise InputError(where, "a function is computed element by element", repr(text))
    return expression
