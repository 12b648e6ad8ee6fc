"""The backward equations of a plan, step by step in torch operations.

Coefficients are evaluated for all time steps at once before the loop; the loop computes only the δ that the
step before needs; δx and the gradients of the parameters are computed afterwards, on whole sequences.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from bptt.cells.expression import Expression, symbols
from bptt.cells.language import PREVIOUS
from bptt.cells.parameters import Family
from bptt.codegen.layout import BackwardStep, StackedGradient
from bptt.codegen.scan_plan import scan_plan
from bptt.derive.adjoint import DELTA, FROM_LOSS, FROM_NEXT
from bptt.runtime.autocast import full_precision
from bptt.runtime.doubles import doubles
from bptt.runtime.input_sums import input_sums
from bptt.runtime.norms import Norms
from bptt.runtime.reference.deltas import Deltas, evaluate, norm
from bptt.runtime.reference.expressions import compiled
from bptt.runtime.reference.forward import complete
from bptt.runtime.reference.problem import Problem
from bptt.runtime.reference.scanned import through_time_by_scans


@dataclass(frozen=True, eq=False)
class ReferenceGradients:
    """Gradients of the input (T, B, I), the initial states and the stacked parameters; norms if requested."""

    x: Tensor
    initial: tuple[Tensor, ...]
    parameters: tuple[Tensor, ...]
    norms: Norms | None


def backward(
    problem: Problem,
    sequences: Mapping[str, Tensor],
    losses: Mapping[str, Tensor | None],
    measure: bool = False,
) -> ReferenceGradients:
    """Back-propagate through time.

    `sequences` holds the results of `forward` for the states, the output and the kept values; `losses` is
    ∂E/∂(sequence) of each state and of the output, None for zero. `measure` requests norms.
    """
    with full_precision(problem.x):
        cell, values = problem.plan.cell, complete(problem, sequences)
        deltas, initial = _through_time(problem, values, losses, measure and bool(cell.states))
        outside = {FROM_LOSS + name: loss for name, loss in losses.items() if loss is not None}
        for step in problem.plan.backward_after:
            found = outside | {
                t.delta: deltas.blocks[(t.delta,)] for t in step.terms if t.delta.startswith(DELTA)
            }
            coefficients = {t.coefficient: compiled(t.coefficient)(values) for t in step.terms}
            value = evaluate(problem, step, found, coefficients, deltas.together, *problem.x.shape[:2])
            deltas.put(problem, (step.target,), value)
        return ReferenceGradients(
            x=deltas.blocks[(DELTA + cell.inputs[0],)],
            initial=tuple(initial[state] for state in cell.states),
            parameters=tuple(_parameter(problem, family, deltas, values) for family in cell.families),
            norms=_norms(problem, deltas) if measure else None,
        )


def _norms(problem: Problem, deltas: Deltas) -> Norms:
    """Return the norms of δ and of the carried gradients; zero in the padding."""
    sums, states = input_sums(problem.plan.cell), problem.plan.cell.states
    delta = doubles(problem.x.new_zeros(*problem.x.shape[:2], len(sums)))
    for k, name in enumerate(sums):
        # A sum that no step reads has no δ.
        if (DELTA + name,) in deltas.blocks:
            delta[..., k] = norm(deltas.blocks[(DELTA + name,)])
    carried = delta[..., :0]
    if states:
        carried = torch.stack(deltas.carried if problem.reverse else deltas.carried[::-1])  # (T, B, states)
    if problem.valid is not None:
        carried = torch.where(problem.valid.to(carried.device), carried, torch.zeros_like(carried))
    return Norms(sums, delta, states, carried)


def _through_time(
    problem: Problem, values: Mapping[str, Any], losses: Mapping[str, Tensor | None], measure: bool
) -> tuple[Deltas, dict[str, Tensor]]:
    """Run the loop over time; return the δ needed afterwards, and the gradients of the initial states."""
    plan, cell = problem.plan, problem.plan.cell
    scans = scan_plan(plan)
    if scans is not None:
        return through_time_by_scans(problem, scans.backward, values, losses, measure)
    deltas = Deltas(plan)
    terms = [term for step in plan.backward_loop for term in step.terms]
    coefficients = {t.coefficient: _by_step(problem, t.coefficient, values) for t in terms}
    seeds = {FROM_LOSS + name: loss.unbind(0) for name, loss in losses.items() if loss is not None}
    carried = {state: torch.zeros_like(first) for state, first in problem.first.items()}
    restart = {} if problem.restarts is None else dict(carried)
    for t in reversed(problem.order):
        found: dict[str, Tensor] = {name: steps[t] for name, steps in seeds.items()}
        found |= {FROM_NEXT + state: v for state, v in carried.items()}
        here = {c: v if at is None else at[t] for c, (v, at) in coefficients.items()}
        joined: dict[tuple[str, ...], Tensor] = {}
        for step in plan.backward_loop:
            _run(problem, step, found, here, joined)
        for names, steps in deltas.steps.items():
            steps.append(joined[names] if names in joined else _join(found, names))
        for state, beyond in carried.items():
            incoming = beyond + found[FROM_LOSS + state] if FROM_LOSS + state in found else beyond
            outgoing = problem.select(t, found[DELTA + state + PREVIOUS], incoming)
            if problem.restarts is not None:
                # A row that starts anew carries nothing to the step before.
                nothing, anew = torch.zeros_like(outgoing), problem.restarts[t]
                restart[state] = restart[state] + torch.where(anew, outgoing, nothing)
                outgoing = torch.where(anew, nothing, outgoing)
            carried[state] = outgoing
        if measure:
            deltas.carried.append(torch.stack([norm(carried[state]) for state in cell.states], -1))
    deltas.close(problem)
    both = {s: torch.cat([carried[s], after]) for s, after in restart.items()}
    return deltas, both or carried


def _by_step(
    problem: Problem, coefficient: Expression, values: Mapping[str, Any]
) -> tuple[Any, Sequence[Tensor] | None]:
    """Return the value of a coefficient, and its values step by step if it varies over time, else None."""
    value = compiled(coefficient)(values)
    moves = any(name not in problem.fixed for name in symbols(coefficient))
    return value, value.unbind(0) if moves and isinstance(value, Tensor) else None


def _run(
    problem: Problem,
    step: BackwardStep,
    found: dict[str, Tensor],
    coefficients: Mapping[Expression, Any],
    joined: dict[tuple[str, ...], Tensor],
) -> None:
    """Evaluate one backward equation at one time step, (B, ·)."""

    def together(names: tuple[str, ...]) -> Tensor:
        if names not in joined:
            joined[names] = _join(found, names)
        return joined[names]

    found[step.target] = evaluate(problem, step, found, coefficients, together, problem.x.shape[1])


def _join(found: Mapping[str, Tensor], names: tuple[str, ...]) -> Tensor:
    return found[names[0]] if len(names) == 1 else torch.cat([found[n] for n in names], -1)


def _parameter(problem: Problem, family: Family, deltas: Deltas, values: Mapping[str, Any]) -> Tensor:
    """Return the gradient of one stacked family: a sum over time and batch (R4 in docs/equations.md)."""
    if family.columns is not None:
        rows = [g for g in problem.plan.matrix_gradients if g.rows.family == family.name]
        return torch.cat([_matrix_gradient(problem, family, gradient, deltas, values) for gradient in rows])
    by_name = {g.vector: g.expression for g in problem.plan.vector_gradients}
    known = {
        **values,
        **{names[0]: block for names, block in deltas.blocks.items() if len(names) == 1},
    }
    return torch.cat([_vector_gradient(problem, family, by_name[m], known) for m in family.members])


def _matrix_gradient(
    problem: Problem,
    family: Family,
    gradient: StackedGradient,
    deltas: Deltas,
    values: Mapping[str, Any],
) -> Tensor:
    products = [
        _rows(deltas.together(names)).T @ _rows(values[source])  # (Σ rows, T·B) @ (T·B, columns)
        for names, source in gradient.terms
    ]
    if products:
        return torch.stack(products).sum(0) if len(products) > 1 else products[0]
    return torch.zeros_like(problem.rows(gradient.rows))


def _rows(sequence: Tensor) -> Tensor:
    """Return all time steps of all sequences as rows, (T·B, width)."""
    # Not `flatten`, which the older vmap does not support; not -1, which is ambiguous if a width is 0.
    steps, batch, width = sequence.shape
    return sequence.reshape(steps * batch, width)


def _vector_gradient(
    problem: Problem, family: Family, expression: Expression, values: Mapping[str, Any]
) -> Tensor:
    value = problem.spread(compiled(expression)(values), family.rows, *problem.x.shape[:2])
    return value.sum((0, 1))
