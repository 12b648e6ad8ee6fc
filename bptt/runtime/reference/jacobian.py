"""The Jacobians J_t = ∂s_t/∂s_{t-1} of one sequence, by the linearised equations, one step at a time.

s concatenates all states of the cell, N numbers. For T steps, only the values from which J_t is computed are
kept, not N x N numbers for each J_t.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial
from typing import Any, TypeAlias

import torch
from torch import Tensor

from bptt.cells.language import PREVIOUS
from bptt.derive.jacobian import CHANGE, jacobian
from bptt.runtime.autocast import full_precision
from bptt.runtime.reference.problem import Problem
from bptt.runtime.reference.tangent import linear, values_by_step

# Maps changes of s_{t-1}, one per row, (K, N), to those of s_t, in the dtype of the run.
JacobianMap: TypeAlias = Callable[[Tensor], Tensor]


def jacobians(problem: Problem) -> Iterator[JacobianMap]:
    """Yield J_t of each step of x (T, 1, I) as a linear map of rows, in the order in which time runs."""
    for _, values in values_by_step(problem):
        yield partial(_apply, problem, values)


def _apply(problem: Problem, values: Mapping[str, Any], changes: Tensor) -> Tensor:
    cell, count = problem.plan.cell, len(changes)
    changes = changes.to(problem.x)
    parts = torch.split(changes, [state.shape[-1] for state in problem.initial], dim=-1)
    names = [CHANGE + state + PREVIOUS for state in cell.states]
    here = {**values, **dict(zip(names, parts, strict=True))}
    with full_precision(changes):
        for step in jacobian(cell, states_only=True).steps:
            # Only states change: no ∂W is looked up, so the second problem can be any.
            change = linear(problem, problem, step, here)
            here[step.target] = problem.spread(change, step.width, count)
    # A state that depends on no previous state has no linearised equation: its change is zero.
    found = [problem.spread(here.get(CHANGE + s, 0.0), cell.width(s), count) for s in cell.states]
    return torch.cat(found, -1)
