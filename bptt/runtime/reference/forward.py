"""The forward equations of a plan, step by step in torch operations.

All operations are out of place, so that torch can differentiate, batch and linearise them again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeAlias

import torch
from torch import Tensor
from torch.nn import functional

from bptt.cells.language import PREVIOUS
from bptt.codegen.layout import Base, StackedMap
from bptt.codegen.scan_plan import scan_plan
from bptt.derive.normal_form import EquationStep
from bptt.runtime.autocast import full_precision
from bptt.runtime.reference.expressions import compiled
from bptt.runtime.reference.problem import Problem
from bptt.runtime.reference.scanned import forward_by_scans

_Run: TypeAlias = Callable[[dict[str, Any], int], None]


def forward(problem: Problem, names: Sequence[str]) -> dict[str, Tensor]:
    """Return the sequences (T, B, ·) of the named values; states keep their value in the padding."""
    with full_precision(problem.x):
        scans = scan_plan(problem.plan)
        # The parts of a sum that wait for no state are values of the loop alone.
        if scans is not None and not any(base.target in names for base in problem.plan.bases):
            return forward_by_scans(problem, scans.forward, names)
        cell = problem.plan.cell
        single, stacked = _bases(problem)
        state = problem.first
        found: dict[str, dict[int, Tensor]] = {name: {} for name in names}
        body = [_bind(problem, item, stacked) for item in problem.plan.loop]
        for t in problem.order:
            values = problem.fixed | {s + PREVIOUS: v for s, v in problem.started(t, state).items()}
            values |= {name: sequence[t] for name, sequence in single.items()}
            for run in body:
                run(values, t)
            state = {s: problem.select(t, values[s], state[s]) for s in cell.states}
            for name in names:
                found[name][t] = state[name] if name in state else values[name]
        return {name: torch.stack([steps[t] for t in sorted(steps)]) for name, steps in found.items()}


def _bind(
    problem: Problem, item: StackedMap | EquationStep, stacked: Mapping[StackedMap, tuple[Tensor, ...]]
) -> _Run:
    """Return a function that adds the values of a loop item to those of a step; lookups are done once."""
    if isinstance(item, EquationStep):
        return _bind_step(problem, item)
    weight, bases = problem.rows(item.rows).T, stacked.get(item)

    def run(values: dict[str, Any], t: int) -> None:
        source = values[item.source]
        product = source @ weight if bases is None else torch.addmm(bases[t], source, weight)
        values.update(zip(item.targets, product.chunk(len(item.targets), -1), strict=True))

    return run


def _bind_step(problem: Problem, step: EquationStep) -> _Run:
    evaluate, batch = compiled(step.rest), problem.x.shape[1]

    def run(values: dict[str, Any], t: int) -> None:
        values[step.target] = problem.spread(evaluate(values), step.width, batch)

    return run


def _bases(problem: Problem) -> tuple[dict[str, tuple[Tensor, ...]], dict[StackedMap, tuple[Tensor, ...]]]:
    """Return the values that depend on no state, step by step: inputs and bases by name, bases by map."""
    bases = {base.target: base for base in problem.plan.bases}
    maps = [m for m in problem.plan.loop if isinstance(m, StackedMap) and "" not in m.bases]
    stacked = {m: _block(problem, [bases.pop(b) for b in m.bases]).unbind(0) for m in maps}
    single = {name: _block(problem, [base]).unbind(0) for name, base in bases.items()}
    return single | {name: problem.x.unbind(0) for name in problem.plan.cell.inputs}, stacked


def _block(problem: Problem, bases: Sequence[Base]) -> Tensor:
    """Return bases concatenated, (T, B, Σ widths), each Σ matrix @ x + parameters."""
    biases = [_bias(problem, base) for base in bases]
    if all(len(base.products) == 1 for base in bases):
        weight = problem.matrices([base.products[0].matrix for base in bases])
        if weight is not None:
            return functional.linear(problem.x, weight, torch.cat(biases))
    return torch.cat([_separate(problem, *pair) for pair in zip(bases, biases, strict=True)], -1)


def _bias(problem: Problem, base: Base) -> Tensor:
    return problem.spread(compiled(base.rest)(problem.fixed), base.width)


def _separate(problem: Problem, base: Base, bias: Tensor) -> Tensor:
    maps = [functional.linear(problem.x, problem.matrix(p.matrix)) for p in base.products]
    return sum(maps, start=bias.expand(*problem.x.shape[:2], -1))


def complete(problem: Problem, sequences: Mapping[str, Tensor]) -> dict[str, Any]:
    """Return all forward values that the backward equations read, as sequences (T, B, ·).

    These are the results of `forward`, the previous states and the recomputed values.
    """
    values = problem.fixed | dict(sequences) | dict.fromkeys(problem.plan.cell.inputs, problem.x)
    for state in problem.plan.cell.states:
        values[state + PREVIOUS] = problem.before(state, values[state])
    for step in problem.plan.storage.recomputed:
        values[step.target] = problem.spread(compiled(step.rest)(values), step.width, *problem.x.shape[:2])
    return values
