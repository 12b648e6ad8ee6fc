"""Vectors of the steps of an input, for linear models: in all but one their order is lost, in that one it is
that of four parts.

A recurrent network that is no better than a linear model on these has learned little about time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

_PARTS = 4


@dataclass(frozen=True)
class StepSummary:
    """A vector (D,) `of` the steps (T, ...) of an input, T at least 1, and its name."""

    name: str
    of: Callable[[Tensor], Tensor]


def _middle(steps: Tensor) -> Tensor:
    return steps[len(steps) // 2].flatten()


def _mean(steps: Tensor) -> Tensor:
    return steps.mean(0).flatten()


def _moments(steps: Tensor) -> Tensor:
    changes = steps.diff(dim=0) if len(steps) > 1 else torch.zeros_like(steps)
    deviations = (each.std(0, correction=0) for each in (steps, changes))
    return torch.cat([each.flatten() for each in (steps.mean(0), *deviations)])


def _parts(steps: Tensor) -> Tensor:
    """Return mean and deviation of steps and of changes in each part, one behind the other."""
    changes = steps.diff(dim=0) if len(steps) > 1 else torch.zeros_like(steps)
    found = []
    for each in (steps, changes):
        for part in range(_PARTS):
            # A part of an input of fewer steps is the nearest one.
            start = part * len(each) // _PARTS
            inside = each[start : max(start + 1, (part + 1) * len(each) // _PARTS)]
            found += [inside.mean(0).flatten(), inside.std(0, correction=0).flatten()]
    return torch.cat(found)


SUMMARIES = (
    StepSummary("one step, the middle one", _middle),
    StepSummary("mean of the steps", _mean),
    StepSummary("mean and deviation of steps and changes", _moments),
    StepSummary(f"the same and mean change, in {_PARTS} parts of the time", _parts),
)
