"""A plan whose recurrences are scans, run for all steps at once: see `bptt.codegen.scan_plan`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from bptt.cells.expression import ONE, ZERO
from bptt.cells.language import PREVIOUS
from bptt.codegen.layout import BackwardStep
from bptt.codegen.scan_plan import BackwardScan, Scan
from bptt.derive.adjoint import FROM_LOSS, FROM_NEXT
from bptt.derive.normal_form import EquationStep
from bptt.runtime.reference.deltas import Deltas, evaluate, norm
from bptt.runtime.reference.expressions import compiled
from bptt.runtime.reference.problem import Problem
from bptt.runtime.reference.scan import scan


def forward_by_scans(
    problem: Problem, order: Sequence[EquationStep | Scan], names: Sequence[str]
) -> dict[str, Tensor]:
    """Return the sequences (T, B, ·) of the named values; states keep their value in the padding."""
    values = problem.fixed | dict.fromkeys(problem.plan.cell.inputs, problem.x)
    for item in order:
        if isinstance(item, Scan):
            values |= {step.target: _sums(problem, step, values) for step in item.sums}
            values[item.state] = _state(problem, item, values)
            values[item.state + PREVIOUS] = problem.before(item.state, values[item.state])
        else:
            values[item.target] = _sums(problem, item, values)
    # Results of one recurrence share no memory, with each other or with its arguments.
    found: dict[str, Tensor] = {}
    seen = [problem.x, *problem.parameters, *problem.initial]
    for name in names:
        value = values[name].contiguous()
        found[name] = value.clone() if any(value is other for other in seen) else value
        seen.append(value)
    return found


def _sums(problem: Problem, step: EquationStep, values: Mapping[str, Any]) -> Tensor:
    """Return the value of a step at all time steps, (T, B, width)."""
    total: Any = None
    for product in step.products:
        found = functional.linear(values[product.vector], problem.matrix(product.matrix))
        total = found if total is None else total + found
    if step.rest != ZERO or total is None:
        rest = compiled(step.rest)(values)
        total = rest if total is None else total + rest
    return _spread(problem, total, step.width)


def _spread(problem: Problem, value: Any, width: str) -> Tensor:
    return problem.spread(value, width, *problem.x.shape[:2])


def _state(problem: Problem, item: Scan, values: Mapping[str, Any]) -> Tensor:
    """Return the state after each step, (T, B, width)."""
    width, first = problem.plan.cell.width(item.state), problem.first[item.state]
    factor = _spread(problem, compiled(item.factor)(values), width)
    rest = _spread(problem, compiled(item.rest)(values), width)
    if problem.restarts is not None:
        restart = problem.restart[item.state]
        rest = torch.where(problem.restarts, rest + factor * restart, rest)
        factor = torch.where(problem.restarts, torch.zeros_like(factor), factor)
    if problem.valid is not None:
        factor = torch.where(problem.valid, factor, torch.ones_like(factor))
        rest = torch.where(problem.valid, rest, torch.zeros_like(rest))
    elif item.factor == ZERO:
        return rest
    at = -1 if problem.reverse else 0
    start = torch.addcmul(rest[at], factor[at], first)[None]
    rest = torch.cat([rest[:-1], start] if problem.reverse else [start, rest[1:]])
    return scan(factor, rest, problem.reverse)


def through_time_by_scans(
    problem: Problem,
    order: Sequence[BackwardStep | BackwardScan],
    values: Mapping[str, Any],
    losses: Mapping[str, Tensor | None],
    measure: bool,
) -> tuple[Deltas, dict[str, Tensor]]:
    """Return the δ needed after the loop over time, and the gradients of the initial states."""
    deltas, initial = Deltas(problem.plan), dict[str, Tensor]()
    found = {FROM_LOSS + name: loss for name, loss in losses.items() if loss is not None}
    carried: dict[str, Tensor] = {}
    for item in order:
        if isinstance(item, BackwardScan):
            state = item.state
            passed = _passed(problem, item, found, values)
            found[FROM_NEXT + state], carried[state], initial[state] = _handed_over(problem, state, passed)
        else:
            found[item.target] = _evaluated(problem, item, found, values)
    for names in deltas.steps:
        deltas.put(problem, names, _joined(found, names))
    if measure:
        norms = torch.stack([norm(carried[state]) for state in problem.plan.cell.states], -1).unbind(0)
        deltas.carried = list(norms if problem.reverse else norms[::-1])
    return deltas, initial


def _evaluated(
    problem: Problem, step: BackwardStep, found: Mapping[str, Tensor], values: Mapping[str, Any]
) -> Tensor:
    coefficients = {t.coefficient: compiled(t.coefficient)(values) for t in step.terms}
    leading = problem.x.shape[:2]
    return evaluate(problem, step, found, coefficients, lambda names: _joined(found, names), *leading)


def _joined(found: Mapping[str, Tensor], names: tuple[str, ...]) -> Tensor:
    return found[names[0]] if len(names) == 1 else torch.cat([found[name] for name in names], -1)


def _passed(
    problem: Problem, item: BackwardScan, found: Mapping[str, Tensor], values: Mapping[str, Any]
) -> Tensor:
    """Return the gradient of the state before each step, (T, B, width)."""
    width = problem.plan.cell.width(item.state)
    factor = _spread(problem, compiled(item.factor)(values), width)
    rest = _spread(problem, 0.0, width)
    for part, scale in item.parts:
        value = _evaluated(problem, part, found, values)
        rest = rest + (value if scale == ONE else value * compiled(scale)(values))
    if problem.valid is not None:
        # In the padding a state only keeps its value, and so does its gradient.
        loss = found.get(FROM_LOSS + item.state)
        factor = torch.where(problem.valid, factor, torch.ones_like(factor))
        rest = torch.where(problem.valid, rest, torch.zeros_like(rest) if loss is None else loss)
    if problem.restarts is not None:
        # A row that starts anew at the step after this one leaves nothing here.
        factor = torch.where(_after(problem, problem.restarts), torch.zeros_like(factor), factor)
    return scan(factor, rest, not problem.reverse)


def _after(problem: Problem, sequence: Tensor) -> Tensor:
    """Return at each step the entry of the step after it in the order of computation, zero at the last."""
    nothing = torch.zeros_like(sequence[:1])
    return torch.cat([nothing, sequence[:-1]] if problem.reverse else [sequence[1:], nothing])


def _handed_over(problem: Problem, state: str, passed: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return what each step is left by the next, what it leaves, and the gradient of the initial state."""
    carried = passed
    if problem.restarts is not None:
        carried = torch.where(problem.restarts, torch.zeros_like(passed), passed)
    first = carried[-1 if problem.reverse else 0]
    if problem.restarts is not None:
        first = torch.cat([first, torch.where(problem.restarts, passed, torch.zeros_like(passed)).sum(0)])
    return _after(problem, carried), carried, first
