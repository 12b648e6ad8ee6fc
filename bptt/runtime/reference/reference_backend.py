"""The backend `reference`: torch operations, on any device and in any dtype."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from bptt.cells.cell import Cell
from bptt.codegen.plan import plan
from bptt.deferred import deferred
from bptt.runtime.narrow import full_width
from bptt.runtime.protocol import LossName, Recurrence, Stepper
from bptt.runtime.reference.function import run
from bptt.runtime.reference.kept import backward_kept, forward_kept
from bptt.runtime.reference.problem import Problem, problem_of

_ctc_loss = deferred("bptt.runtime.reference.alignment_sum", "ctc_loss")


class Reference:
    """The backend of torch operations: implements `bptt.runtime.protocol.Backend`; a base for others."""

    name: str = "reference"

    def supports(self, work: Cell | LossName, device: torch.device, dtype: torch.dtype) -> bool:
        """Return True: torch runs any cell and loss on any device and dtype."""
        return True

    def prepare(self, work: Cell | LossName, dtype: torch.dtype) -> None:
        """Do nothing: torch operations need no preparation."""

    def run(self, recurrence: Recurrence, tensors: Sequence[Tensor]) -> tuple[Tensor, ...]:
        """Run an autograd function that evaluates the derived equations step by step."""
        layout, reverse, states = plan(recurrence.cell), recurrence.reverse, len(recurrence.whole)
        wide = full_width(tensors, tensors[0].dtype)
        found = run(layout, wide, recurrence.lengths, reverse, recurrence.observer, recurrence.restarts)
        asked = [s for s, wanted in zip(found[:states], recurrence.whole, strict=True) if wanted]
        # A state keeps its value through the padding, so the step that runs last has the final one. It is
        # cloned, because callers may change it in place.
        last = 0 if reverse else -1
        return (*asked, *found[states:], *(state[last].clone() for state in found[:states]))

    def forward(self, recurrence: Recurrence, tensors: Sequence[Tensor], keep: bool) -> list[Tensor]:
        """Evaluate the equations of the plan step by step."""
        problem = _problem(recurrence, tensors)
        return forward_kept(problem, recurrence.whole, keep)

    def backward(
        self,
        recurrence: Recurrence,
        tensors: Sequence[Tensor],
        states: Sequence[Tensor],
        kept: Tensor,
        gradients: Sequence[Tensor | None],
        asked: Sequence[bool],
    ) -> list[Tensor]:
        """Evaluate the backward equations of the plan step by step."""
        problem = _problem(recurrence, tensors)
        plain = backward_kept(problem, states, kept, gradients)
        found = zip((plain.x, *plain.initial, *plain.parameters), tensors, asked, strict=True)
        # A result may be an incoming gradient itself, but an operator must not return one of its arguments.
        own, dense = True, torch.contiguous_format
        return [g.to(t.dtype, copy=own, memory_format=dense) for g, t, wanted in found if wanted]

    def stepper(
        self,
        cell: Cell,
        x: Tensor,
        initial: Sequence[Sequence[Tensor]],
        parameters: Sequence[Sequence[Tensor]],
        shape: Sequence[int],
        factors: torch.dtype | None = None,
    ) -> Stepper | None:
        """Return None: `run` makes steps as sequences of one step."""
        return None

    def linear_cross_entropy(
        self,
        input: Tensor,
        weight: Tensor,
        bias: Tensor | None,
        target: Tensor,
        reduction: str,
        ignore_index: int,
    ) -> Tensor:
        """Compute the loss from all logits at once."""
        logits = functional.linear(input, weight, bias).reshape(-1, len(weight))
        targets = target.reshape(-1)
        loss: Tensor = functional.cross_entropy(
            logits, targets, ignore_index=ignore_index, reduction=reduction
        )
        return loss.view_as(target) if reduction == "none" else loss

    def ctc_loss(
        self,
        logits: Tensor,
        targets: Tensor,
        input_lengths: Tensor,
        target_lengths: Tensor,
        blank: int,
        reduction: str,
        zero_infinity: bool,
    ) -> Tensor:
        """Compute the loss by a loop over the frames."""
        lengths = (input_lengths, target_lengths)
        loss: Tensor = _ctc_loss(logits, targets, *lengths, blank, reduction, zero_infinity)
        return loss

    def empty_cache(self) -> None:
        """Do nothing: no memory is kept."""


def _problem(recurrence: Recurrence, tensors: Sequence[Tensor]) -> Problem:
    layout, lengths = plan(recurrence.cell), recurrence.lengths
    return problem_of(layout, tensors, lengths, recurrence.reverse, recurrence.restarts)


REFERENCE = Reference()
