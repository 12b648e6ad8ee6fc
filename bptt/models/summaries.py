"""Vectors of the steps of an input in which their order is lost, for linear models.

A recurrent network that is no better than a linear model on these has learned nothing about time.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor


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


SUMMARIES = (
    StepSummary("one step, the middle one", _middle),
    StepSummary("mean of the steps", _mean),
    StepSummary("mean and deviation of steps and changes", _moments),
)
