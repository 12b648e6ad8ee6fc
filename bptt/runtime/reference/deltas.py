"""The δ of a run in torch operations: their sums over equations, where they are stored, their norms."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

import torch
from torch import Tensor

from bptt.cells.expression import ONE, Expression
from bptt.codegen.layout import BackwardStep
from bptt.codegen.plan import KernelPlan
from bptt.runtime.doubles import doubles
from bptt.runtime.reference.problem import Problem


class Deltas:
    """The δ of a whole sequence, (T, B, ·); those that one product reads are stored concatenated."""

    def __init__(self, plan: KernelPlan) -> None:
        together = dict.fromkeys(g.deltas for step in plan.backward_loop for g in step.gathers)
        joined = {name for names in together for name in names}
        alone = dict.fromkeys((n,) for n in plan.read_after_loop if n not in joined)
        self.steps: dict[tuple[str, ...], list[Tensor]] = {names: [] for names in (*together, *alone)}
        self.blocks: dict[tuple[str, ...], Tensor] = {}
        # For each step, the norms of the gradients that it passes to the step before, (B, states).
        self.carried: list[Tensor] = []

    def close(self, problem: Problem) -> None:
        """Stack the recorded steps, the last one computed first, into sequences."""
        for names, steps in self.steps.items():
            block = torch.stack(steps if problem.reverse else steps[::-1])
            self.put(problem, names, block)

    def put(self, problem: Problem, names: tuple[str, ...], block: Tensor) -> None:
        """Store a sequence, and its parts by name, with zero at the steps in the padding."""
        if problem.valid is not None:
            block = torch.where(problem.valid, block, torch.zeros_like(block))
        self.blocks[names] = block
        self.blocks.update(zip(((n,) for n in names), block.chunk(len(names), -1), strict=True))

    def together(self, names: tuple[str, ...]) -> Tensor:
        """Return several δ concatenated, (T, B, Σ widths)."""
        found = self.blocks.get(names)
        return torch.cat([self.blocks[(n,)] for n in names], -1) if found is None else found


def evaluate(
    problem: Problem,
    step: BackwardStep,
    found: Mapping[str, Tensor],
    coefficients: Mapping[Expression, Any],
    together: Callable[[tuple[str, ...]], Tensor],
    *leading: int,
) -> Tensor:
    """Return Σ gathers + Σ δ ⊙ coefficient over the δ in `found`, (*leading, width)."""
    total: Tensor | None = None
    for gather in step.gathers:
        product = together(gather.deltas) @ problem.rows(gather.rows)
        total = product if total is None else total + product
    for term in step.terms:
        if term.delta in found:
            total = _accumulate(total, found[term.delta], term.coefficient, coefficients)
    if total is None:
        return problem.spread(0.0, step.width, *leading)
    return problem.spread(total.sum(-1, keepdim=True) if step.row else total, step.width, *leading)


def _accumulate(
    total: Tensor | None, delta: Tensor, coefficient: Expression, values: Mapping[Expression, Any]
) -> Tensor:
    if coefficient == ONE:
        return delta if total is None else total + delta
    factor: Tensor | float = values[coefficient]
    if total is None:
        return delta * factor
    if isinstance(factor, Tensor):
        return torch.addcmul(total, delta, factor)
    return total + delta * factor


def norm(gradient: Tensor) -> Tensor:
    """Return the norm over the units, (T, B) or (B,), in float64."""
    norm: Tensor = torch.linalg.vector_norm(doubles(gradient.detach()), dim=-1)
    return norm
