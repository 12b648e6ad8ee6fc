"""Values and expressions in JavaScript."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from bptt.cells.expression import Expression
from bptt.cells.functions import FUNCTIONS
from bptt.codegen import formula as infix
from bptt.codegen.added_functions import added_functions

DIALECT = "javascript"

# Marks of generated names, as JavaScript allows them; no cell has a `$` in a name.
_MARKS = str.maketrans({"⁰": "$0", "¹": "$1", "′": "$"})
# Words of the language, the globals that the text uses, and the variables of the text itself.
TAKEN = frozenset(
    "arguments await break case catch class const continue debugger default delete do else enum eval export "
    "extends false finally for function if implements import in instanceof interface let new null package "
    "private protected public return static super switch this throw true try typeof var void while with "
    "yield async of undefined Infinity NaN Math "
    "t j sizes values deltas parameters gradients first last row addProduct addTransposed addOuter".split()
)


def identifier(name: str) -> str:
    """Return a JavaScript name for a value; different names have different ones."""
    text = name.translate(_MARKS)
    return f"${text}" if text in TAKEN or text in FUNCTIONS else text


def size(letter: str) -> str:
    """Return the variable that holds a size, which a cell names by one letter."""
    # No name of a cell has a `$`, and a mark of a generated one does not follow these words.
    return f"size${letter}"


def place_at(when: str, letter: str) -> str:
    """Return the variable that holds where the numbers of a width begin, of this step or the next."""
    return f"{when}${letter}"


def number(value: float) -> str:
    """Return a literal that may follow a minus."""
    text = repr(value).removesuffix(".0")
    return f"({text})" if value < 0 else text


def parameter_array(family: str) -> str:
    """Return the variable of a family of parameters."""
    return f"p${family}"


def gradient_array(family: str) -> str:
    """Return the variable of the gradient of a family."""
    return f"g${family}"


class _Words:
    """The words of expressions of numbers."""

    def number(self, value: float) -> str:
        return number(value)

    def size(self, name: str) -> str:
        return "1" if name == "1" else size(name)

    def call(self, function: str, arguments: Sequence[str]) -> str:
        return f"{called(function)}({', '.join(arguments)})"

    def power(self, base: str, exponent: int) -> str:
        return f"({base}) ** {exponent}"


_WORDS = _Words()


def called(function: str) -> str:
    """Return the name by which a function is called; those that packages add have a mark."""
    return function if function in FUNCTIONS else f"f${function}"


def formula(expression: Expression, read: Callable[[str], str]) -> str:
    """Return the text of an expression; `read` gives that of a named value."""
    return infix.formula(expression, read, _WORDS)


def definitions(expressions: Iterable[Expression]) -> list[str]:
    """Write the functions that packages add and expressions call, each after those that it calls.

    Raises InputError for a function that has neither a value nor a text in JavaScript.
    """
    rule = "JavaScript needs the value of a function as an expression, or its text"
    return [
        f"const {called(function.name)} = ({', '.join(function.arguments)}) => {body};"
        for function, body in added_functions(expressions, DIALECT, formula, rule).items()
    ]
