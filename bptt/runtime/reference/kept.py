"""A recurrence and its back-propagation in torch operations, as two separate functions.

They share the sequences of the states and one tensor, `kept` (T, B, Σ widths): the values of
`plan.storage.kept` concatenated, as kernels store them.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from bptt.derive.normal_form import normal_form
from bptt.runtime.reference.backward import ReferenceGradients, backward
from bptt.runtime.reference.forward import forward
from bptt.runtime.reference.function import public_names, saved_names
from bptt.runtime.reference.padding import zero_padding
from bptt.runtime.reference.problem import Problem


def kept_widths(problem: Problem) -> list[int]:
    """Return the width of each kept value."""
    form = normal_form(problem.plan.cell)
    return [problem.fixed[form.width(name)] for name in problem.plan.storage.kept]


def forward_kept(problem: Problem, whole: Sequence[bool], keep: bool) -> list[Tensor]:
    """Return sequences (T, B, width), then the final states (B, width), then, with `keep`, the kept values.

    The sequences are those of the states that `whole` marks, and of the output if it is no state. No two
    results share memory.
    """
    cell, last = problem.plan.cell, _last(problem)
    found = forward(problem, saved_names(problem.plan) if keep else public_names(problem.plan))
    asked = [found[state] for state, wanted in zip(cell.states, whole, strict=True) if wanted]
    outputs = [found[name] for name in public_names(problem.plan) if name not in cell.states]
    final = [found[state][last].clone() for state in cell.states]
    none = problem.x.new_empty(*problem.x.shape[:2], 0)
    kept = [torch.cat([none, *(found[name] for name in problem.plan.storage.kept)], -1)] if keep else []
    return [*asked, *(zero_padding(output, problem.valid) for output in outputs), *final, *kept]


def backward_kept(
    problem: Problem, states: Sequence[Tensor], kept: Tensor, gradients: Sequence[Tensor | None]
) -> ReferenceGradients:
    """Back-propagate the gradients of the results of `forward_kept`, called with all states in `whole`.

    `gradients` has one for each result but the kept values, None for zero.
    """
    plan, names = problem.plan, public_names(problem.plan)
    losses = dict(zip(names, gradients, strict=False))
    for name, state, gradient in zip(plan.cell.states, states, gradients[len(names) :], strict=True):
        if gradient is not None:
            loss = losses[name]
            loss = torch.zeros_like(state) if loss is None else loss.clone()
            loss[_last(problem)] += gradient
            losses[name] = loss
    parts = torch.split(_finite(kept, problem.valid), kept_widths(problem), -1)
    saved = dict(zip((*plan.cell.states, *plan.storage.kept), (*states, *parts), strict=True))
    return backward(problem, saved, losses)


def _finite(kept: Tensor, valid: Tensor | None) -> Tensor:
    """Return the kept values with the padding, where kernels write nothing, filled from a valid step.

    They are multiplied by a δ of zero there, but must be finite. A cell may divide by them: zero fails.
    """
    if valid is None or not kept.numel():
        return kept
    first = kept.flatten(0, 1)[valid.flatten().to(torch.uint8).argmax()]
    return torch.where(valid, kept, torch.where(valid.any(), first, torch.ones_like(first)))


def _last(problem: Problem) -> int:
    """Return the step that is computed last: a state keeps its value through the padding."""
    return 0 if problem.reverse else -1
