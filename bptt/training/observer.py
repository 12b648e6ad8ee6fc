"""The observer of a run: what the loop asks it about the gradient through time, and the records of its
answers.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
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
    """The gradient through time of one update: the curves, each measured on `losses` losses."""

    losses: int
    curves: tuple[RecordedCurve, ...]

    def scaled(self, factor: float) -> GradientRecord:
        """Return what is measured of a loss `factor` times as large, with the digits that are kept."""
        curves = (
            replace(curve, median=tuple(float(f"{value * factor:.4g}") for value in curve.median))
            for curve in self.curves
        )
        return replace(self, curves=tuple(curves))


class UpdateObserver(Protocol):
    """Looks at updates on batches, from before the forward pass until the gradient is there.

    It changes neither parameters nor gradients nor random states. Updates of L-BFGS, on the whole set, are
    not shown to it.
    """

    def begin(self, step: int) -> None:
        """Begin the update `step`, counted from 1."""

    def finish(self) -> GradientRecord | None:
        """Return the measurements, once the gradient of the update is complete; None if it is not looked
        at.
        """

    def diagnose(self, loss: Callable[[], Tensor]) -> str | None:
        """Find the origin of the first NaN or infinity. `loss` runs the forward pass of a batch once more."""


class NoObserver:
    """An observer that sees nothing."""

    def begin(self, step: int) -> None:
        """Look away."""

    def finish(self) -> None:
        """Return None: nothing is observed."""

    def diagnose(self, loss: Callable[[], Tensor]) -> None:
        """Return None: nothing is known."""
