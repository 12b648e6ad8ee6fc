"""Values, sizes, functions and expressions in Triton's Python."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence

from bptt.cells.expression import Expression
from bptt.cells.functions import FUNCTIONS
from bptt.codegen import formula as infix
from bptt.codegen.added_functions import added_functions
from bptt.codegen.cpp.cpp_names import identifier as identifier
from bptt.codegen.statements import SCALAR

DIALECT = "triton"

_LITERAL = re.compile(r"[\d.eE+\-*/() ]+")

# Comparisons with NaN are false: each leads NaN to the branch that returns it. Near 0 tanh is a polynomial
# (Moshier's Cephes, tanhf.c), as the quotient of exponentials loses digits there.
FUNCTION_TEXTS = {
    "sigmoid": "    return 1.0 / (1.0 + tl.exp(-x))",
    "tanh": """    y = x * x
    near = -5.70498872745e-3 * y + 2.06390887954e-2
    near = (near * y - 5.37397155531e-2) * y + 1.33314422036e-1
    near = x + x * y * (near * y - 3.33332819422e-1)
    size = tl.abs(x)
    far = 1.0 - 2.0 / (tl.exp(2.0 * size) + 1.0)
    return tl.where(size < 0.625, near, tl.where(x < 0.0, -far, far))""",
    "relu": "    return tl.where(x < 0.0, 0.0, x)",
    "exp": "    return tl.exp(x)",
    "log": "    return tl.log(x)",
    "sqrt": "    return tl.sqrt_rn(x)",
    "rsqrt": "    return 1.0 / tl.sqrt_rn(x)",
    "softplus": """    u = tl.exp(-tl.abs(x))
    w = u + 1.0
    return tl.where(x < 0.0, 0.0, x) + (tl.log(w) + (u - (w - 1.0)) / w)""",
    "sin": "    return tl.sin(x)",
    "cos": "    return tl.cos(x)",
    "abs": "    return tl.abs(x)",
    "sign": "    return tl.where(x > 0.0, 1.0, 0.0) - tl.where(x < 0.0, 1.0, 0.0)",
    "step": "    return tl.where(x > 0.0, 1.0, 0.0)",
    "minimum": "    return tl.where((a < b) | (a != a), a, b)",
    "maximum": "    return tl.where((a > b) | (a != a), a, b)",
}


def size(letter: str) -> str:
    """Return the argument that holds a size."""
    return "1" if letter == SCALAR else f"n_{letter}"


def constant(value: float) -> str:
    """Return a literal in a tile of its own."""
    return f"tl.full([1, 1], {value!r}, tl.float32)"


def is_literal(text: str) -> bool:
    """Return whether a text has numbers alone, which functions of tiles do not take."""
    return _LITERAL.fullmatch(text) is not None


class _Words:
    """The words of expressions of tiles."""

    def number(self, value: float) -> str:
        return f"({value!r})" if value < 0 else repr(value)

    def size(self, letter: str) -> str:
        return "1.0" if letter == SCALAR else f"size_{letter}"

    def call(self, function: str, arguments: Sequence[str]) -> str:
        given = [f"tl.full([1, 1], {a}, tl.float32)" if is_literal(a) else a for a in arguments]
        return f"f_{function}({', '.join(given)})"

    def power(self, base: str, exponent: int) -> str:
        given = f"tl.full([1, 1], {base}, tl.float32)" if is_literal(base) else base
        return f"power({given}, {exponent})"


_WORDS = _Words()


def formula(expression: Expression, read: Callable[[str], str]) -> str:
    """Return the text of an expression; `read` gives that of a named value."""
    return infix.formula(expression, read, _WORDS)


def definitions(expressions: Iterable[Expression]) -> str:
    """Write the functions of this package, and those of others that expressions call, each after its own.

    Raises InputError for a function that has neither a value nor a text in Triton.
    """
    texts = [_define(name, FUNCTIONS[name].arguments, body) for name, body in FUNCTION_TEXTS.items()]
    rule = "a kernel needs the value of a function as an expression, or its text in Triton"
    cure = ", or run it by the reference backend"
    added = added_functions(expressions, DIALECT, formula, rule, cure)
    texts += [_define(f.name, f.arguments, f"    return {body}") for f, body in added.items()]
    return "\n\n".join(texts)


def _define(name: str, arguments: Sequence[str], body: str) -> str:
    return f"@triton.jit\ndef f_{name}({', '.join(arguments)}):\n{body}\n"
