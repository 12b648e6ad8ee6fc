"""Marks that torch.compile reads on functions, set without importing it.

The decorators of `torch.compiler` import the compiler and sympy at once, half of the time in which a command
starts. A process that compiles has imported it before these functions run.
"""

from __future__ import annotations

import sys
from collections.abc import Callable
from functools import wraps
from typing import ParamSpec, TypeVar

import torch

P = ParamSpec("P")
R = TypeVar("R")


def constant_result(function: Callable[P, R]) -> Callable[P, R]:
    """Mark a function that is called when it is compiled, with a result that is a constant of the graph.

    The same as `torch.compiler.assume_constant_result`.
    """
    function._dynamo_marked_constant = True  # type: ignore[attr-defined]
    return function


def not_compiled(reason: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Return a decorator like `torch.compiler.disable` with a `reason`."""

    def decorate(function: Callable[P, R]) -> Callable[P, R]:
        made: list[Callable[P, R]] = []

        @wraps(function)
        def apart(*args: P.args, **kwargs: P.kwargs) -> R:
            if "torch._dynamo" not in sys.modules:
                return function(*args, **kwargs)
            if not made:
                made.append(torch.compiler.disable(function, reason=reason))  # type: ignore[no-untyped-call]
            return made[0](*args, **kwargs)

        return apart

    return decorate
