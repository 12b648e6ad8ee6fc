"""What every job is to the training loop: steps that give a loss, and a held-out evaluation."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor, nn


@dataclass(frozen=True)
class Step:
    """What one batch gives.

    `loss` is a differentiable scalar, the mean in nats over `units` units. `carry` holds the states for
    the next step, detached (truncated back-propagation through time), () if there are none.
    """

    loss: Tensor
    units: int
    carry: tuple[Tensor, ...]


class Task(ABC):
    """A job: its data, its model, its loss.

    `title` is what the model is called, such as "classifier"; `unit` names in the plural what a loss is per
    and a speed counts, such as "characters". `measure` is what a loss is counted in, "" for a pure number.
    `criterion` names the metric by which an evaluation is better than another: the loss by being smaller,
    any other by being larger, or as large with a smaller loss.
    """

    model: nn.Module
    title: str = "model"
    unit: str
    measure: str = "nats"
    criterion: str = "loss"
    # The name of the run whose weights the model has begun with.
    begun_from: str = ""

    @property
    def holds_out(self) -> bool:
        """Whether there is held-out data to evaluate on; if not, the last weights are the trained ones."""
        return True

    @property
    def fingerprint(self) -> str:
        """What is equal for equal data, held-out data included; "" if config.json says that already."""
        return ""

    @property
    def metadata(self) -> Mapping[str, str]:
        """What a file of the model's weights says that they belong to; nothing by default."""
        return {}

    @abstractmethod
    def steps(self, epoch: int) -> int:
        """The number of steps in `epoch`."""

    @abstractmethod
    def step(self, epoch: int, index: int, carry: tuple[Tensor, ...]) -> Step:
        """Step `index` of `epoch`: a pure function of the parameters, of these arguments and of
        torch's random state. This is what makes resuming exact.
        """

    @abstractmethod
    def evaluate(self) -> dict[str, float]:
        """The metrics on held-out data, "loss" (mean nats per unit) among them."""

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Write what later commands need, config.json among it; the weights are written apart."""

    def conclude(self, run: Path) -> list[str]:
        """Lines for the user on what the best weights, in the folder `run`, came with; none by default."""
        return []

    @abstractmethod
    def describe(self) -> list[str]:
        """Lines for the user on what was found in the data, before training starts."""
