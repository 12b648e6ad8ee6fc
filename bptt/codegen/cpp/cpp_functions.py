"""Functions that an installed package adds, in C++.

The functions of this package are in `functions.h`. Another one is defined in the kernel that calls it,
under its name after `f_`, so that it can be taken for nothing else.
"""

from __future__ import annotations

from collections.abc import Iterable

from bptt.cells.expression import Expression
from bptt.cells.function import Function
from bptt.codegen.added_functions import added_functions
from bptt.codegen.cpp.cpp_names import formula

DIALECT = "cpp"


def definitions(expressions: Iterable[Expression]) -> str:
    """Write the functions that expressions call and `functions.h` lacks, each after those it calls.

    Raises InputError for a function that has neither a value nor a text in C++.
    """
    rule = "a kernel needs the value of a function as an expression, or its text in C++"
    found = added_functions(expressions, DIALECT, formula, rule, ", or run it by the reference backend")
    if not found:
        return ""
    return "".join(
        ["\nnamespace function {\n", *map(_define, found, found.values()), "}  // namespace function\n"]
    )


def _define(function: Function, body: str) -> str:
    parameters = ", ".join(f"Vector {argument}" for argument in function.arguments)
    return f"INLINE Vector f_{function.name}({parameters}) {{ return {body}; }}\n"
