"""The options of an output layer for numbers."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from bptt.errors import InputError
from bptt.options.field import check_fields, option

NumberLoss = Literal["squared", "absolute", "huber", "quantile"]


@dataclass(frozen=True)
class NumberOptions:
    """How numbers are learned.

    `loss` is that of the standardised targets: the square, the absolute value or Huber's function of the
    error (quadratic up to `delta`, linear beyond it), or the pinball loss of `quantiles`, which rise.
    `interval` is the share of targets that a prediction interval is to hold. `standardise` takes the mean
    and the deviation of the training data out, of targets and of inputs that are numbers. Raises InputError
    naming the option.
    """

    loss: NumberLoss = option("squared", "Loss of the standardised targets.", group="Model", common=True)
    delta: float = option(1.0, "Error up to which the Huber loss is quadratic.", group="Model", least=0)
    quantiles: tuple[float, ...] = option(
        (0.05, 0.5, 0.95),
        "Quantile to learn with the quantile loss; repeat for more, in rising order.",
        group="Model",
        share=True,
        flags="quantile",
    )
    interval: float = option(
        0.9, "Share of targets that a prediction interval is to hold.", group="Model", share=True
    )
    standardise: bool = option(
        True, "Take the mean and the deviation of the training data out of numbers.", group="Model"
    )

    def __post_init__(self) -> None:
        check_fields(self)
        if not self.delta:
            raise InputError("delta", "is above 0", self.delta)
        if (
            not self.quantiles
            or self.quantiles[0] <= 0
            or any(low >= high for low, high in pairwise(self.quantiles))
        ):
            got = ", ".join(f"{each:g}" for each in self.quantiles) or "none"
            raise InputError("quantiles", "are rising numbers between 0 and 1", got)
        if not self.interval:
            raise InputError("interval", "is above 0 and below 1", self.interval)

    @property
    def levels(self) -> tuple[float, ...]:
        """The quantiles of the output, () for a loss of one point."""
        return self.quantiles if self.loss == "quantile" else ()

    @property
    def width(self) -> int:
        """The numbers for each target, Q."""
        return max(1, len(self.levels))

    @property
    def point(self) -> int:
        """The index of the answer: that of the quantile nearest to the median."""
        return self._nearest(0.5)

    @property
    def ends(self) -> tuple[int, int]:
        """The indices of the ends of an interval before calibration; (0, 0) for one point."""
        return self._nearest((1 - self.interval) / 2), self._nearest((1 + self.interval) / 2)

    def _nearest(self, level: float) -> int:
        distances = [abs(each - level) for each in self.levels]
        return distances.index(min(distances)) if distances else 0
