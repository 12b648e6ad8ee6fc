"""Forward mode: the changes of states with those of inputs and parameters, by the linearised equations."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from bptt.cells.language import PREVIOUS
from bptt.derive.jacobian import CHANGE
from bptt.derive.normal_form import EquationStep, MatrixProduct
from bptt.runtime.autocast import full_precision
from bptt.runtime.reference.expressions import compiled
from bptt.runtime.reference.forward import forward
from bptt.runtime.reference.problem import Problem


def tangent(problem: Problem, changes: Problem, names: Sequence[str]) -> dict[str, Tensor]:
    """Return the changes of the named values, sequences (T, B, ·).

    `changes` is a problem of the same plan that holds the changes of x, the initial states and the parameters
    in place of these tensors.
    """
    with full_precision(problem.x):
        cell, steps = problem.plan.cell, problem.plan.tangent
        state = changes.first
        fixed = {CHANGE + vector: changes.fixed[vector] for vector in cell.vectors}
        found: dict[str, dict[int, Tensor]] = {name: {} for name in names}
        for t, here in values_by_step(problem):
            here |= fixed | {CHANGE + name: changes.x[t] for name in cell.inputs}
            here |= {CHANGE + s + PREVIOUS: v for s, v in changes.started(t, state).items()}
            for step in steps:
                change = linear(problem, changes, step, here)
                here[step.target] = problem.spread(change, step.width, problem.x.shape[1])
            state = {s: problem.select(t, here[CHANGE + s], state[s]) for s in cell.states}
            for name in names:
                found[name][t] = state[name] if name in state else here[CHANGE + name]
        return {name: torch.stack([steps_[t] for t in sorted(steps_)]) for name, steps_ in found.items()}


def values_by_step(problem: Problem) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield each step t with all its values by name, in the order in which time runs."""
    cell = problem.plan.cell
    made = forward(problem, [step.target.removeprefix(CHANGE) for step in problem.plan.tangent])
    previous = problem.first
    for t in problem.order:
        here = {name: sequence[t] for name, sequence in made.items()}
        before = {state + PREVIOUS: value for state, value in problem.started(t, previous).items()}
        previous = {state: here[state] for state in cell.states}
        yield t, problem.fixed | here | before | dict.fromkeys(cell.inputs, problem.x[t])


def linear(problem: Problem, changes: Problem, step: EquationStep, values: Mapping[str, Any]) -> Any:
    """Evaluate a linearised equation at one step; the changes ∂W of matrices are looked up in `changes`."""
    total = compiled(step.rest)(values)
    for product in step.products:
        total = total + functional.linear(values[product.vector], _matrix(problem, changes, product))
    return total


def _matrix(problem: Problem, changes: Problem, product: MatrixProduct) -> Tensor:
    if product.matrix.startswith(CHANGE):
        return changes.matrix(product.matrix.removeprefix(CHANGE))
    return problem.matrix(product.matrix)
