"""Functions that an installed package adds, for any target language."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from bptt.cells.expression import Call, Expression, walk
from bptt.cells.function import Function
from bptt.cells.functions import FUNCTIONS, get_function
from bptt.errors import InputError

Formula = Callable[[Expression, Callable[[str], str]], str]


def added_functions(
    expressions: Iterable[Expression], dialect: str, formula: Formula, rule: str, cure: str = ""
) -> dict[Function, str]:
    """Return the functions that expressions call and this package lacks, each after those that it calls, with
    its body in a language: its own text in `dialect`, else its value by `formula`.

    Raises InputError with `rule` for a function that has neither; `cure` follows the usual one.
    """
    found: dict[Function, str] = {}

    def add(expression: Expression) -> None:
        for node in walk(expression):
            if not isinstance(node, Call) or node.function in FUNCTIONS:
                continue
            function = get_function(node.function)
            if function in found:
                continue
            body = function.text.get(dialect)
            if body is None and function.value is None:
                advice = f'Give it text={{"{dialect}": ...}}{cure}'
                raise InputError(f"function {function.name!r}", rule, "neither", advice)
            if body is None:
                value = function.applied(*function.symbols)
                add(value)
                body = formula(value, lambda name: name)
            found[function] = body

    for expression in expressions:
        add(expression)
    return found
