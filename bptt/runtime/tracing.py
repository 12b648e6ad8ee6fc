"""How torch treats operations now: it runs, records or transforms them; and how it is to compile ours."""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import wraps
from typing import ParamSpec, TypeVar

import torch
from torch import Tensor
from torch.autograd import forward_ad

P = ParamSpec("P")
R = TypeVar("R")


def is_transformed() -> bool:
    """Return whether torch.func or forward mode is active; both support torch's own operations only."""
    # Torch has no public test for either.
    transforms: bool = torch._C._are_functorch_transforms_active()
    return transforms or forward_ad._current_level >= 0


def is_traced() -> bool:
    """Return whether torch.jit.trace records torch's operations."""
    return bool(torch.jit.is_tracing())  # type: ignore[attr-defined,no-untyped-call]


def is_recorded() -> bool:
    """Return whether torch.compile, torch.export or another tracer records torch's operations."""
    if torch.compiler.is_compiling():
        return True
    # Torch has no public test for modes that intercept every operation (FakeTensor, make_fx).
    return torch._C._len_torch_dispatch_stack() > 0 or is_traced()


def is_eager() -> bool:
    """Return whether torch neither records nor transforms operations, nor runs them under autocast."""
    # In one expression: evaluated at every call of a layer. `is_tracing` is a call of this private function.
    return not (
        torch.compiler.is_compiling()
        or torch._C._len_torch_dispatch_stack() > 0
        or torch._C._is_tracing()
        or torch._C._are_functorch_transforms_active()
        or forward_ad._current_level >= 0
        or torch._C._is_any_autocast_enabled()
    )


def are_plain(tensors: Sequence[Tensor]) -> bool:
    """Return whether all tensors are plain memory: neither distributed, nor fake, nor wrapped."""
    return all(type(t).__torch_dispatch__ is Tensor.__torch_dispatch__ for t in tensors)


def constant_result(function: Callable[P, R]) -> Callable[P, R]:
    """Mark a function that is called when it is compiled, with a result that is a constant of the graph.

    The same as `torch.compiler.assume_constant_result`, which imports the compiler and sympy at once: half of
    the time in which a command starts.
    """
    function._dynamo_marked_constant = True  # type: ignore[attr-defined]
    return function


def not_compiled(reason: str) -> Callable[[Callable[P, R]], Callable[P, R]]:
    """Return a decorator like `torch.compiler.disable` with a `reason`, without importing the compiler.

    A process that compiles has imported it before the function runs.
    """

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
