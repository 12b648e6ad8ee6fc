"""Updates of the rows alone that a batch has read, of embeddings with row-sparse gradients.

A dense update reads and writes all V rows of the weights and of what the optimiser keeps of them; above some
10,000 rows that takes longer than the network. Here an update touches N rows, whatever V. SGD and Adagrad
without momentum and weight decay come to the weights of the dense update. Adam, momentum and weight decay
become lazy: what they keep of a row rests while no batch reads it, as in `torch.optim.SparseAdam`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.nn import Parameter
from torch.optim import Optimizer


def step(optimiser: Optimizer) -> None:
    """Let `optimiser` take its step, on the rows alone of parameters with a row-sparse gradient."""
    with torch.no_grad(), _rows_in_place(optimiser):
        optimiser.step()


def gradients_of_rows(parameters: Iterable[Parameter]) -> list[Tensor]:
    """Return `parameters` with the rows (N, D) of a row-sparse gradient in the place of its parameter (V, D).

    The gradient of the rows is the memory of that gradient: what clips it in place clips both.
    """
    return [_rows(each) if _is_row_sparse(each) else each for each in parameters]


@dataclass(frozen=True)
class _Exchange:
    """A parameter (V, D), and its rows `index` (N,), which take its place in a group of an optimiser."""

    group: dict[str, Any]
    place: int
    parameter: Parameter
    rows: Parameter
    index: Tensor
    kept: dict[str, Any]


@contextmanager
def _rows_in_place(optimiser: Optimizer) -> Iterator[None]:
    found = list(_exchanges(optimiser))
    for each in found:
        each.group["params"][each.place] = each.rows
        if each.kept:
            optimiser.state[each.rows] = {n: _gathered(v, each.index) for n, v in each.kept.items()}
    try:
        yield
    finally:
        for each in found:
            each.group["params"][each.place] = each.parameter
            after = optimiser.state.pop(each.rows, {})
            each.parameter.index_copy_(0, each.index, each.rows)
            optimiser.state[each.parameter] = {n: _scattered(each, n, value) for n, value in after.items()}


def _exchanges(optimiser: Optimizer) -> Iterator[_Exchange]:
    for group in optimiser.param_groups:
        for place, parameter in enumerate(group["params"]):
            if _is_row_sparse(parameter):
                index = parameter.grad.indices()[0]
                rows = Parameter(parameter[index])
                rows.grad = parameter.grad.values()
                yield _Exchange(
                    group, place, parameter, rows, index, dict(optimiser.state.pop(parameter, {}))
                )


def _is_row_sparse(parameter: Parameter) -> bool:
    """Return whether the gradient is row-sparse, and add up what it has of one row."""
    if parameter.grad is None or not parameter.grad.is_sparse:
        return False
    parameter.grad = parameter.grad.coalesce()
    return True


def _rows(parameter: Parameter) -> Tensor:
    assert parameter.grad is not None
    values = parameter.grad.values()
    rows = torch.empty_like(values)
    rows.grad = values
    return rows


def _has_rows(value: Any) -> bool:
    # Beside tensors with the parameter's shape, optimisers keep numbers: the count of steps.
    return isinstance(value, Tensor) and value.dim() > 0


def _gathered(value: Any, index: Tensor) -> Any:
    return value[index] if _has_rows(value) else value


def _scattered(each: _Exchange, name: str, value: Any) -> Any:
    if not _has_rows(value):
        return value
    whole = each.kept.get(name)
    if whole is None:
        whole = torch.zeros_like(each.parameter)
    return whole.index_copy_(0, each.index, value)
