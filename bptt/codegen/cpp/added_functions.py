"""Functions that an installed package adds, in C++.

The functions of this package are in `functions.h`. Another one is defined in the kernel that calls it,
under its name after `f_`, so that it can be taken for nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable

from bptt.cells.expression import Call, Expression, walk
from bptt.cells.functions import FUNCTIONS, get_function
from bptt.codegen.cpp.cpp_names import formula
from bptt.errors import InputError

DIALECT = "cpp"


def definitions(expressions: Iterable[Expression]) -> str:
    """Write the functions that expressions call and `functions.h` lacks, each after those it calls.

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
