"""A nonlinear function as one row of a table: everything that any room needs to know of it."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from bptt.cells.expression import Expression, Symbol, rename
from bptt.errors import InputError

# How a call is written on paper: f(x), |x|, √x, 1/√x, [x > 0].
CallStyle = Literal["call", "bars", "root", "reciprocal root", "indicator"]

# Names go into generated code and after an underscore into names of helpers.
_NAME = re.compile("[a-z][a-z0-9_]{0,40}")


@dataclass(frozen=True, eq=False)
class Function:
    """A function that a cell may call, element by element, on one or two arguments.

    `partials[k](y, *arguments)` is ∂y/∂argument k, as an expression in the output y where possible: the
    output is known from the forward pass, and the derivative of a formula such as 1/(1+exp(-x))
    overflows where the function does not.

    The value is written once, as an expression in other functions (`value`, in the names `arguments`),
    or where that is not possible or not exact enough, once for each kind of number: `floats` on Python's
    floats, without an exception; `digits(mpmath, x)` and `exact(sympy, x)`; `tensors(torch, x)`. A function
    gets the module that it calculates with, so that this room imports none of them. `text` has the
    function by dialect of generated code, as an expression in the names `arguments`. A form
    that is given goes before `value`. Functions of this package have their C++ in
    `codegen/cpp/functions.h` under their own names, and no text here.
    """

    name: str
    partials: tuple[Callable[..., Expression], ...]
    arguments: tuple[str, ...] = ("x",)
    value: Expression | None = None
    floats: Callable[..., float] | None = None
    digits: Callable[..., Any] | None = None
    exact: Callable[..., Any] | None = None
    tensors: Callable[..., Any] | None = None
    text: Mapping[str, str] = field(default_factory=dict)
    # A sentence about the derivative where there is a choice.
    remark: str = ""
    # The largest |∂y/∂argument| anywhere: β_f in the bound (β_W β_f)^lag on a gradient through time.
    steepest: float = math.inf
    # The limits at −∞ and ∞ of a function that saturates at both; (0, 1) makes a gate of its value.
    saturates: tuple[float, float] | None = None
    # Whether it is zero, and its derivative too, for every negative argument.
    rectifies: bool = False
    # On paper: the symbol (its name if empty), its LaTeX (an operator of that symbol if empty), the layout of
    # a call, and the letter of a value of it that has no name in the cell, as τ_c for tanh(c).
    symbol: str = ""
    latex: str = ""
    layout: CallStyle = "call"
    letter: str = ""

    def __post_init__(self) -> None:
        where = f"function {self.name!r}"
        if not _NAME.fullmatch(self.name):
            raise InputError(where, "a name has up to 41 of a-z, 0-9 and _, a letter first", repr(self.name))
        if not 0 < len(self.arguments) == len(self.partials) <= 2:
            rule = "a function has one or two arguments, and a derivative by each"
            raise InputError(where, rule, f"{len(self.arguments)} and {len(self.partials)}")
        forms = ("floats", "digits", "exact", "tensors")
        missing = [form for form in forms if getattr(self, form) is None]
        if self.value is None and missing:
            rule = "a function has a value, or all of floats, digits, exact and tensors"
            raise InputError(where, rule, f"no {', '.join(missing)}")

    @property
    def arity(self) -> int:
        """The number of arguments."""
        return len(self.partials)

    def applied(self, *arguments: Expression) -> Expression:
        """Return `value` of these arguments. Raises InputError for a function without one."""
        if self.value is None:
            raise InputError(f"function {self.name!r}", "this needs its value as an expression", "none")
        return rename(self.value, dict(zip(self.arguments, arguments, strict=True)))

    @property
    def is_gate(self) -> bool:
        """Whether its values open and shut: they lie between 0 and 1 and reach both."""
        return self.saturates == (0.0, 1.0)

    @property
    def symbols(self) -> tuple[Symbol, ...]:
        """The arguments as symbols."""
        return tuple(map(Symbol, self.arguments))
