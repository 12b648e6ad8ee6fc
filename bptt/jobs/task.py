"""The interface of a job to the training loop: steps that compute a loss, and a held-out evaluation."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sized
from copy import copy
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from torch import Tensor, nn

from bptt.errors import InputError
from bptt.jobs.group import WHOLE, Group
from bptt.jobs.sharing import ALONE, WorkSharing
from bptt.jobs.shown import ShownModel

# The criteria of which a smaller value is better: the loss, and error rates of characters and words.
SMALLER_IS_BETTER = ("loss", "cer", "wer")


def check_halved(half: Sized) -> None:
    """Raise InputError if a half of the held-out data is empty."""
    if not len(half):
        cure = "Give labelled data to compare on (`test`), or hold out more"
        raise InputError("test", "must be given: too little is held out to be halved", "none", cure)


Trained = TypeVar("Trained", bound=ShownModel)


@dataclass(frozen=True)
class Step:
    """The result of one batch.

    `loss` is a differentiable scalar, the mean over `units` units; of a group without units it counts for
    nothing. `carry` holds the states for the next step, (layers, B, width) each, detached (truncated
    back-propagation through time), () if there are none.
    """

    loss: Tensor
    units: int
    carry: tuple[Tensor, ...]


class Task(ABC):
    """A training of a job: its data, model and loss.

    `title` is the name of such a model, such as "classifier"; `unit` is the plural of the unit over which
    losses are averaged and in which speed is counted, such as "characters". `measure` is the unit of the loss
    itself, "" for a pure number. `criterion` names the metric that compares evaluations: a smaller loss or
    error rate is better, of any other metric a larger value, and of equal values the one with the smaller
    loss. `shown` names the metrics that are printed beside it.
    """

    model: nn.Module
    title: str = "model"
    unit: str
    measure: str = "nats"
    criterion: str = "loss"
    shown: tuple[str, ...] = ("accuracy",)
    # Updates that a training makes at least if its epochs are not chosen; 0: the usual number.
    least_updates: int = 0
    # Whether `step` and `residuals` can be asked for one group of the rows of a batch.
    takes_groups: bool = False
    # How an evaluation is shared with other processes.
    sharing: WorkSharing = ALONE
    # The name of the run from which the initial weights come.
    begun_from: str = ""

    @property
    def holds_out(self) -> bool:
        """Whether there is held-out data to evaluate on; if not, the last weights are kept as the best."""
        return True

    @property
    def fingerprint(self) -> str:
        """A hash of all data, held-out data included; "" if config.json already identifies the data."""
        return ""

    @property
    def metadata(self) -> Mapping[str, str]:
        """Metadata that is written into the file of weights, to identify the model; none by default."""
        return {}

    @abstractmethod
    def steps(self, epoch: int) -> int:
        """Return the number of steps in `epoch`."""

    @abstractmethod
    def step(self, epoch: int, index: int, carry: tuple[Tensor, ...], group: Group = WHOLE) -> Step:
        """Compute step `index` of `epoch`, on the rows of a `group`, whose states `carry` holds.

        It must be a pure function of the parameters, these arguments and torch's random state, so that a
        resumed training is exactly the same. Only if `takes_groups` is it asked for another group than all.
        """

    @property
    def is_squared(self) -> bool:
        """Whether the loss is a mean of squares, so that there are `residuals`."""
        return False

    def residuals(self, epoch: int, index: int, group: Group = WHOLE) -> tuple[Tensor, int]:
        """Return numbers whose squares add up to the loss of a step, and its units; only if `is_squared`."""
        raise NotImplementedError

    @abstractmethod
    def evaluate(self) -> dict[str, float]:
        """Return the metrics on held-out data; one of them is "loss", the mean per unit."""

    def shared(self, trained: Trained) -> Trained:
        """Return a copy of a trained model, with the same weights, that shares what it is asked with other
        processes.
        """
        found = copy(trained)
        found.sharing = self.sharing
        return found

    @abstractmethod
    def save(self, folder: Path) -> None:
        """Write the files that later commands need, such as config.json; weights are written separately."""

    def keep_half(self, half: int) -> None:
        """Evaluate on one half of the held-out data alone from now on: 0 or 1, the same halves each time.

        So one half can choose and the other judge the choice. Raises InputError if the job has no rule for
        halves, or nothing is left to halve.
        """
        cure = "Give labelled data to compare on: `test`"
        raise InputError("test", "must be given: held-out data of this job are not halved", "none", cure)

    def is_waiting(self, metrics: Mapping[str, float]) -> bool:
        """Return whether a model with these held-out metrics has not begun to answer.

        Its evaluation does not count for patience.
        """
        return False

    def conclude(self, run: Path) -> list[str]:
        """Return lines for the user about the best weights, saved in the folder `run`; none by default."""
        return []

    @abstractmethod
    def describe(self) -> list[str]:
        """Return lines for the user about the data and the model, printed before training starts."""
