"""The nonlinear functions that a cell may call: one row for each, and those that packages add."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

from bptt import plugins
from bptt.cells.expression import ONE, ZERO, Call, Expression, Size, Symbol
from bptt.cells.function import Function
from bptt.errors import InputError


def _sigmoid(x: float) -> float:
    small = math.exp(-abs(x))
    return 1 / (1 + small) if x >= 0 else small / (1 + small)


def _exp(x: float) -> float:
    return math.exp(x) if x < 709.78 else math.inf


def _log(x: float) -> float:
    return math.log(x) if x > 0 else -math.inf if x == 0 else math.nan


def _sqrt(x: float) -> float:
    return math.sqrt(x) if x >= 0 else math.nan


def _rsqrt(x: float) -> float:
    return 1 / math.sqrt(x) if x > 0 else math.inf if x == 0 else math.nan


def _sign(x: Any) -> int:
    return int(x > 0) - int(x < 0)


def _step(x: Any) -> int:
    return int(x > 0)


def _smaller(a: Any, b: Any) -> Any:
    return a if a <= b else b


def _larger(a: Any, b: Any) -> Any:
    return a if a > b else b


def step(x: Expression) -> Expression:
    """Return 1 where x > 0, else 0: the derivative at a kink, which is thereby 0 at the kink itself."""
    return Call("step", (x,))


def _minimum_first(y: Expression, a: Expression, b: Expression) -> Expression:
    return ONE - step(a - b)


def _minimum_second(y: Expression, a: Expression, b: Expression) -> Expression:
    return step(a - b)


FUNCTIONS: Mapping[str, Function] = {
    function.name: function
    for function in (
        Function(
            "sigmoid",
            (lambda y, x: y * (1 - y),),
            floats=_sigmoid,
            digits=lambda mpmath, x: 1 / (1 + mpmath.exp(-x)),
            exact=lambda sympy, x: 1 / (1 + sympy.exp(-x)),
            tensors=lambda torch, x: torch.sigmoid(x),
            steepest=0.25,
            saturates=(0.0, 1.0),
            symbol="σ",
            latex=r"\sigma ",
        ),
        Function(
            "tanh",
            (lambda y, x: 1 - y**2,),
            floats=math.tanh,
            digits=lambda mpmath, x: mpmath.tanh(x),
            exact=lambda sympy, x: (sympy.exp(x) - sympy.exp(-x)) / (sympy.exp(x) + sympy.exp(-x)),
            tensors=lambda torch, x: torch.tanh(x),
            steepest=1.0,
            saturates=(-1.0, 1.0),
            letter="τ",
        ),
        Function(
            "relu",
            (lambda y, x: step(y),),
            floats=lambda x: max(x, 0),
            digits=lambda mpmath, x: max(x, 0),
            exact=lambda sympy, x: sympy.Piecewise((x, x > 0), (0, True)),
            tensors=lambda torch, x: torch.relu(x),
            remark="subgradient 0 at 0",
            steepest=1.0,
            rectifies=True,
            symbol="ReLU",
        ),
        Function(
            "exp",
            (lambda y, x: y,),
            floats=_exp,
            digits=lambda mpmath, x: mpmath.exp(x),
            exact=lambda sympy, x: sympy.exp(x),
            tensors=lambda torch, x: torch.exp(x),
        ),
        Function(
            "log",
            (lambda y, x: ONE / x,),
            floats=_log,
            digits=lambda mpmath, x: mpmath.log(x) if x > 0 else mpmath.ninf if x == 0 else mpmath.nan,
            exact=lambda sympy, x: sympy.log(x),
            tensors=lambda torch, x: torch.log(x),
        ),
        Function(
            "sqrt",
            (lambda y, x: 0.5 * y**-1,),
            floats=_sqrt,
            digits=lambda mpmath, x: mpmath.sqrt(x) if x >= 0 else mpmath.nan,
            exact=lambda sympy, x: sympy.sqrt(x),
            tensors=lambda torch, x: torch.sqrt(x),
            layout="root",
        ),
        Function(
            "rsqrt",
            (lambda y, x: -0.5 * y**3,),
            floats=_rsqrt,
            digits=lambda mpmath, x: 1 / mpmath.sqrt(x) if x > 0 else mpmath.inf if x == 0 else mpmath.nan,
            exact=lambda sympy, x: 1 / sympy.sqrt(x),
            tensors=lambda torch, x: torch.rsqrt(x),
            layout="reciprocal root",
        ),
        Function(
            "softplus",
            (lambda y, x: Call("sigmoid", (x,)),),
            floats=lambda x: max(x, 0.0) + math.log1p(math.exp(-abs(x))),
            digits=lambda mpmath, x: mpmath.log1p(mpmath.exp(x)),
            exact=lambda sympy, x: sympy.log(1 + sympy.exp(x)),
            # Exact everywhere, where torch's own turns into x above 20.
            tensors=lambda torch, x: torch.logaddexp(x, torch.zeros_like(x)),
            steepest=1.0,
        ),
        Function(
            "sin",
            (lambda y, x: Call("cos", (x,)),),
            floats=math.sin,
            digits=lambda mpmath, x: mpmath.sin(x),
            exact=lambda sympy, x: sympy.sin(x),
            tensors=lambda torch, x: torch.sin(x),
            steepest=1.0,
        ),
        Function(
            "cos",
            (lambda y, x: -Call("sin", (x,)),),
            floats=math.cos,
            digits=lambda mpmath, x: mpmath.cos(x),
            exact=lambda sympy, x: sympy.cos(x),
            tensors=lambda torch, x: torch.cos(x),
            steepest=1.0,
        ),
        Function(
            "abs",
            (lambda y, x: Call("sign", (x,)),),
            floats=abs,
            digits=lambda mpmath, x: abs(x),
            exact=lambda sympy, x: sympy.Piecewise((x, x > 0), (-x, True)),
            tensors=lambda torch, x: torch.abs(x),
            remark="subgradient 0 at 0",
            steepest=1.0,
            layout="bars",
        ),
        Function(
            "sign",
            (lambda y, x: ZERO,),
            floats=_sign,
            digits=lambda mpmath, x: _sign(x),
            exact=lambda sympy, x: sympy.Piecewise((1, x > 0), (-1, x < 0), (0, True)),
            tensors=lambda torch, x: torch.sign(x),
            steepest=0.0,
            symbol="sgn",
        ),
        Function(
            "step",
            (lambda y, x: ZERO,),
            floats=_step,
            digits=lambda mpmath, x: _step(x),
            exact=lambda sympy, x: sympy.Piecewise((1, x > 0), (0, True)),
            tensors=lambda torch, x: (x > 0).to(x.dtype),
            steepest=0.0,
            layout="indicator",
        ),
        Function(
            "minimum",
            (_minimum_first, _minimum_second),
            ("a", "b"),
            floats=_smaller,
            digits=lambda mpmath, a, b: _smaller(a, b),
            exact=lambda sympy, a, b: sympy.Piecewise((a, a <= b), (b, True)),
            tensors=lambda torch, a, b: torch.minimum(a, b),
            remark="at a tie the first argument counts",
            steepest=1.0,
            symbol="min",
        ),
        Function(
            "maximum",
            (_minimum_second, _minimum_first),
            ("a", "b"),
            floats=_larger,
            digits=lambda mpmath, a, b: _larger(a, b),
            exact=lambda sympy, a, b: sympy.Piecewise((a, a > b), (b, True)),
            tensors=lambda torch, a, b: torch.maximum(a, b),
            remark="at a tie the second argument counts",
            steepest=1.0,
            symbol="max",
        ),
    )
}

# A function over a row makes one number of all its units: ∂y/∂x_j in the output y, x_j and the width.
ROW_FUNCTIONS: Mapping[str, Callable[[Symbol, Symbol, Size], Expression]] = {
    "sum": lambda y, x, width: ONE,
    "mean": lambda y, x, width: ONE / width,
}


def find_function(name: str) -> Function | None:
    """Return the function of a name, of this package or of an installed one, or None.

    Raises InputError if the package that adds it is broken.
    """
    return FUNCTIONS.get(name) or plugins.find(plugins.FUNCTIONS, name, Function)


def get_function(name: str) -> Function:
    """Return the function of a name. Raises InputError if there is none, with the names there are."""
    function = find_function(name)
    if function is None:
        cure = f"Known: {', '.join(function_names())}"
        raise InputError("cell", "unknown function", repr(name), cure)
    return function


def function_names() -> tuple[str, ...]:
    """List all functions of one or two arguments: ours, then those that packages add."""
    return tuple(dict.fromkeys((*FUNCTIONS, *plugins.entries(plugins.FUNCTIONS))))
