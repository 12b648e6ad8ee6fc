"""Values, slots and expressions in C++."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from bptt.cells.expression import Expression
from bptt.cells.functions import FUNCTIONS
from bptt.codegen import formula as infix
from bptt.codegen.slots import Area, Slot
from bptt.codegen.statements import SCALAR
from bptt.derive.adjoint import DELTA

_MARKS = str.maketrans("⁰¹", "01")
# The enumerators of Shape, in the template of `shape.py`; the other areas have that of their own name.
_AREAS = {Area.KEPT: "KEPT_AT", Area.SUM: "SUM_AT", Area.SCRATCH: "SCRATCH_AT"}
_SINGLE = (Area.X, Area.INPUT, Area.OUTPUT)


def identifier(name: str) -> str:
    """Return a C++ name for a value; different names have different ones."""
    # The author's names are ASCII or not, end in digits or not: marks go in front, where no name begins.
    kind, text = ("d", name.removeprefix(DELTA)) if name.startswith(DELTA) else ("v", name)
    stem = text.rstrip("⁰¹")
    marks = text[len(stem) :].translate(_MARKS)
    if not stem.isascii():
        kind, stem = kind + "u", "".join(c if c.isascii() and c != "u" else f"u{ord(c):x}_" for c in stem)
    return f"{kind}{marks}_{stem}"


def letter(name: str) -> str:
    """Return the enumerator of a size."""
    return "ONE" if name == SCALAR else name


def index_of(slot: Slot) -> str:
    """Return the index of a slot in Block::at."""
    area = f"Shape::{_AREAS.get(slot.area, slot.area.name)}"
    return area if slot.area in _SINGLE else f"{area} + {slot.index}"


def address(slot: Slot) -> str:
    """Return the address of a slot in row r."""
    return f"a.vector[{slot.index}]" if slot.area is Area.PARAMETER else f"block.at[{index_of(slot)}][r]"


def read(slot: Slot, scalar: bool) -> str:
    """Return the vector that is read from a slot."""
    return f"broadcast(*{address(slot)})" if scalar else f"load({address(slot)} + j, lanes)"


def number(value: float) -> str:
    """Return a literal in every lane of a vector."""
    return f"broadcast(real({value!r}))"


class _CppWords:
    """The words of expressions of vectors."""

    def number(self, value: float) -> str:
        return number(value)

    def size(self, name: str) -> str:
        return f"broadcast(real(a.size[Shape::{letter(name)}]))"

    def call(self, function: str, arguments: Sequence[str]) -> str:
        # Functions that a package adds are defined in the kernel itself, under a name of their own.
        name = function if function in FUNCTIONS else f"f_{function}"
        return f"function::{name}({', '.join(arguments)})"

    def power(self, base: str, exponent: int) -> str:
        return f"function::power<{exponent}>{base if base[0] == '(' else f'({base})'}"


_WORDS = _CppWords()


def formula(expression: Expression, read: Callable[[str], str]) -> str:
    """Return the text of an expression; `read` gives that of a named value."""
    return infix.formula(expression, read, _WORDS)
