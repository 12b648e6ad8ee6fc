"""The nonlinear functions that a cell may call, each with its derivative.

A function is opaque: its derivative is written in its own output `y` where that is possible, because
the output is known from the forward pass (B6) and because the derivative of a formula such as
1/(1+exp(-x)) overflows where the function itself does not.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from bptt.cells.expression import ONE, ZERO, Call, Expression, Size, Symbol


@dataclass(frozen=True)
class Function:
    """A function of one or two arguments; `partials[k](y, *arguments)` is ∂y/∂argument k.

    `steepest` is the largest |∂y/∂argument| anywhere: β_f in the bound (β_W β_f)^lag on a gradient (R6).
    """

    name: str
    partials: tuple[Callable[..., Expression], ...]
    remark: str = ""
    steepest: float = math.inf

    @property
    def arity(self) -> int:
        """The number of arguments."""
        return len(self.partials)


def step(x: Expression) -> Expression:
    """1 where x > 0, else 0: the derivative at a kink, which is thereby 0 at the kink itself."""
    return Call("step", (x,))


def _minimum_first(y: Expression, a: Expression, b: Expression) -> Expression:
    return ONE - step(a - b)


def _minimum_second(y: Expression, a: Expression, b: Expression) -> Expression:
    return step(a - b)


FUNCTIONS: Mapping[str, Function] = {
    function.name: function
    for function in (
        Function("sigmoid", (lambda y, x: y * (1 - y),), steepest=0.25),
        Function("tanh", (lambda y, x: 1 - y**2,), steepest=1.0),
        Function("relu", (lambda y, x: step(y),), "subgradient 0 at 0", steepest=1.0),
        Function("exp", (lambda y, x: y,)),
        Function("log", (lambda y, x: ONE / x,)),
        Function("sqrt", (lambda y, x: 0.5 * y**-1,)),
        Function("rsqrt", (lambda y, x: -0.5 * y**3,)),
        Function("softplus", (lambda y, x: Call("sigmoid", (x,)),), steepest=1.0),
        Function("sin", (lambda y, x: Call("cos", (x,)),), steepest=1.0),
        Function("cos", (lambda y, x: -Call("sin", (x,)),), steepest=1.0),
        Function("abs", (lambda y, x: Call("sign", (x,)),), "subgradient 0 at 0", steepest=1.0),
        Function("sign", (lambda y, x: ZERO,), steepest=0.0),
        Function("step", (lambda y, x: ZERO,), steepest=0.0),
        Function(
            "minimum", (_minimum_first, _minimum_second), "at a tie the first argument counts", steepest=1.0
        ),
        Function(
            "maximum", (_minimum_second, _minimum_first), "at a tie the second argument counts", steepest=1.0
        ),
    )
}

# A function over a row makes one number of all its units: ∂y/∂x_j in the output y, x_j and the width.
ROW_FUNCTIONS: Mapping[str, Callable[[Symbol, Symbol, Size], Expression]] = {
    "sum": lambda y, x, width: ONE,
    "mean": lambda y, x, width: ONE / width,
}
