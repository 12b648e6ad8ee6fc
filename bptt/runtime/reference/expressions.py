"""Expressions of a plan as torch operations, out of place, on any device and dtype."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache, partial, reduce
from typing import TypeAlias

import torch
from torch import Tensor

from bptt.cells.caching import KEPT
from bptt.cells.expression import (
    Call,
    Expression,
    Number,
    Power,
    Product,
    RowCall,
    Size,
    Sum,
    Symbol,
)
from bptt.cells.functions import get_function
from bptt.errors import InternalError

Values: TypeAlias = Mapping[str, "Tensor | float"]
Evaluate: TypeAlias = Callable[[Values], "Tensor | float"]


ROW_FUNCTIONS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "sum": lambda x: x.sum(-1, keepdim=True),
    "mean": lambda x: x.mean(-1, keepdim=True),
}


# A cell has some hundred expressions; see `caching.KEPT` for the number of cells.
@lru_cache(maxsize=256 * KEPT)
def compiled(expression: Expression) -> Evaluate:
    """Return a function from named values to the value of the expression.

    Values broadcast against each other: (B, H) or (T, B, H), (B, 1) for row values, (H,) for parameters, and
    Python floats for constants. Sizes are looked up by their letter.
    """
    match expression:
        case Number(value):
            return lambda values: value
        case Symbol(name) | Size(name):
            return lambda values: values[name]
        case Sum(terms):
            return _sum([compiled(term) for term in terms])
        case Product(factors):
            return _product([compiled(factor) for factor in factors])
        case Power(base, exponent):
            inner = compiled(base)
            return lambda values: inner(values) ** exponent
        case Call(function, arguments):
            call, inputs = on_tensors(function), [compiled(a) for a in arguments]
            return lambda values: call(*(_tensor(i(values)) for i in inputs))
        case RowCall(function, argument):
            row, argument_value = ROW_FUNCTIONS[function], compiled(argument)
            return lambda values: row(_tensor(argument_value(values)))
    raise InternalError("runtime", "an expression of a plan has no linear map", repr(expression))


def on_tensors(name: str) -> Callable[..., Tensor]:
    """Return the function with this name as an operation on tensors, out of place."""
    function = get_function(name)
    if function.tensors is not None:
        return partial(function.tensors, torch)
    value = compiled(function.applied(*function.symbols))
    return lambda *tensors: _tensor(value(dict(zip(function.arguments, tensors, strict=True))))


def _sum(terms: list[Evaluate]) -> Evaluate:
    return lambda values: reduce(lambda a, b: a + b, [term(values) for term in terms])


def _product(factors: list[Evaluate]) -> Evaluate:
    return lambda values: reduce(lambda a, b: a * b, [factor(values) for factor in factors])


def _tensor(value: Tensor | float) -> Tensor:
    """Return the value as a tensor; a constant becomes 0-dimensional, which adopts dtype and device."""
    return value if isinstance(value, Tensor) else torch.tensor(value, dtype=torch.float64)
