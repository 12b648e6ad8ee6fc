"""Who looks at the gradient through time while a run goes on: what the loop asks, what it is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from torch import Tensor


@dataclass(frozen=True)
class RecordedCurve:
    """The median norm of a gradient by lag, in one layer: of δ from lag 0, of a carried state from lag 1.

    `tenth` is the first lag with at most a tenth of the first value, if there is one; `factor` the decay,
    or growth, per step.
    """

    layer: str
    quantity: str
    tenth: int | None
    factor: float
    median: tuple[float, ...]


@dataclass(frozen=True)
class GradientRecord:
    """What was seen in one update: the curves, each of so many losses."""

    losses: int
    curves: tuple[RecordedCurve, ...]


class UpdateObserver(Protocol):
    """Looks at updates on batches, from before the forward pass until the gradient is there.

    It changes neither parameters nor gradients nor random states. Updates of L-BFGS, on the whole set, are
    not shown to it.
    """

    def begin(self, step: int) -> None:
        """The update `step`, counted from 1, begins."""

    def finish(self) -> GradientRecord | None:
        """The gradient of the update is there, whole; None if it is none of those that are looked at."""

    def diagnose(self, loss: Callable[[], Tensor]) -> str | None:
        """Where the first NaN or infinity comes from. `loss` runs the forward pass of a batch once more."""


class NoObserver:
    """An observer that sees nothing."""

    def begin(self, step: int) -> None:
        """Look away."""

    def finish(self) -> None:
        """Nothing was seen."""

    def diagnose(self, loss: Callable[[], Tensor]) -> None:
        """Nothing is known."""
