"""One update of the weights: on a mini-batch, or on the whole training set (L-BFGS, Newton)."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import Parameter
from torch.optim import Optimizer

from bptt.jobs.group import WHOLE, Group
from bptt.jobs.task import Step, Task
from bptt.nn import weight_format
from bptt.runs.spans import span, spanned
from bptt.training import row_updates
from bptt.training.gradient_sum import NOTHING_NEW, News
from bptt.training.observer import GradientRecord, UpdateObserver
from bptt.training.optimiser import clip_gradient
from bptt.training.options import TrainingOptions
from bptt.training.random_state import random_states, set_random_states
from bptt.training.second_order import SecondOrder, gauss_newton, hessian


@dataclass(frozen=True)
class Update:
    """The result of one update: mean loss per unit, units, norm of the gradient, the states after it of the
    rows of this process, and the observer's measurements.
    """

    loss: float
    units: int
    norm: float
    carry: tuple[Tensor, ...]
    seen: GradientRecord | None = None
    # Of all processes.
    news: News = NOTHING_NEW


def count_steps(task: Task, options: TrainingOptions, epochs: int) -> list[int]:
    """Return the number of updates in each of the first `epochs` epochs."""
    whole = options.takes_whole_set
    return [1 if whole else task.steps(epoch) for epoch in range(epochs)]


class Updater:
    """Computes a gradient, has it checked, and lets the optimiser take its step.

    `check(loss, norm)` raises if the numbers went wrong; then the weights are as before.
    """

    def __init__(
        self,
        task: Task,
        parameters: list[Parameter],
        optimiser: Optimizer,
        options: TrainingOptions,
        observer: UpdateObserver,
    ) -> None:
        self._task, self._parameters = task, parameters
        self._optimiser, self._options, self._observer = optimiser, options, observer

    @spanned("update")
    def on_batch(
        self,
        number: int,
        epoch: int,
        index: int,
        carry: tuple[Tensor, ...],
        check: Callable[[float, float], None],
        news: News = NOTHING_NEW,
    ) -> Update:
        """Make the update of this number, from 1, on batch `index` of `epoch`."""
        self._optimiser.zero_grad()
        self._observer.begin(number)
        with weight_format(self._options.precision), span("forward"):
            step = self._task.step(epoch, index, carry)
        with span("backward"):
            step.loss.backward()  # type: ignore[no-untyped-call]
        seen = self._observer.finish()
        with span("clipping and checks"):
            norm = clip_gradient(self._parameters, self._options)
            loss = step.loss.item()
            check(loss, norm)
        with span("optimiser"):
            row_updates.step(self._optimiser)
        return Update(loss, step.units, norm, step.carry, seen, news)

    @spanned("update")
    def on_whole_set(
        self, epoch: int, check: Callable[[float, float], None], news: News = NOTHING_NEW
    ) -> Update:
        """Make one update on all batches of `epoch` together, by the optimiser's line search or region.

        Every evaluation of one search sees the same random numbers (dropout), so that the search
        compares values of one function.
        """
        random = random_states()
        first: list[Update] = []

        def evaluate() -> float:
            set_random_states(random)
            update = self._gradient_of_whole_set(epoch)
            if not first:
                check(update.loss, update.norm)
                first.append(update)
            return update.loss

        if isinstance(self._optimiser, SecondOrder):
            self._optimiser.step_by(evaluate, lambda: self._curvature(epoch, random))
        else:
            self._optimiser.step(evaluate)
        return replace(first[0], news=news)

    def take_up(self, carry: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        """Return of the states (layers, B, width) of all rows those of the rows of this process."""
        return carry

    def diagnose(self, epoch: int, indices: Iterable[int], carry: tuple[Tensor, ...]) -> str | None:
        """Return the observer's findings in batches of `epoch`, each run once more from `carry` on."""
        carried = [carry]

        def again(index: int) -> Tensor:
            step = self._task.step(epoch, index, carried[-1])
            carried.append(step.carry)
            return step.loss

        found = (self._observer.diagnose(partial(again, index)) for index in indices)
        return next(filter(None, found), None)

    def _curvature(self, epoch: int, random: dict[str, Any]) -> Tensor:
        """Return the matrix of second derivatives of the mean loss over all units of `epoch`."""
        set_random_states(random)
        total, units = self._sum_curvature(epoch, WHOLE)
        return total / units

    def _sum_curvature(self, epoch: int, group: Group) -> tuple[Tensor, int]:
        """Return the second derivatives of the sum of the losses of a group, and its units."""
        units: list[int] = []
        if self._options.optimiser == "gauss-newton":
            total = gauss_newton(self._residuals(epoch, units, group), self._parameters)
        else:
            total = hessian(self._losses(epoch, units, group), self._parameters)
        # Filled by now: the batches have been gone through.
        return total, sum(units)

    def _losses(self, epoch: int, units: list[int], group: Group) -> Iterator[Tensor]:
        """Yield the loss of a group in each batch, times its units, which are appended to `units`."""
        carry: tuple[Tensor, ...] = ()
        for index in range(self._task.steps(epoch)):
            step = self._step(epoch, index, carry, group)
            carry = step.carry
            units.append(step.units)
            # A group without units has no graph.
            yield step.loss * step.units if step.units else torch.zeros(())

    def _residuals(self, epoch: int, units: list[int], group: Group) -> Iterator[Tensor]:
        """Yield residuals of a group in each batch, whose squares add up to its loss, times its units."""
        for index in range(self._task.steps(epoch)):
            found, number = self._residuals_of(epoch, index, group)
            units.append(number)
            yield found * number**0.5

    def _step(self, epoch: int, index: int, carry: tuple[Tensor, ...], group: Group) -> Step:
        # Jobs of other packages may know no groups.
        return self._task.step(epoch, index, carry, *([] if group == WHOLE else [group]))

    def _residuals_of(self, epoch: int, index: int, group: Group) -> tuple[Tensor, int]:
        return self._task.residuals(epoch, index, *([] if group == WHOLE else [group]))

    def _gradient_of_whole_set(self, epoch: int) -> Update:
        """Leave the gradient of the mean loss over all units of `epoch` in the parameters."""
        self._optimiser.zero_grad()
        total, units = 0.0, 0
        carry: tuple[Tensor, ...] = ()
        for index in range(self._task.steps(epoch)):
            step = self._task.step(epoch, index, carry)
            (step.loss * step.units).backward()  # type: ignore[no-untyped-call]
            total, units, carry = total + step.loss.item() * step.units, units + step.units, step.carry
        for parameter in self._parameters:
            if parameter.grad is not None:
                parameter.grad /= units
        return Update(total / units, units, clip_gradient(self._parameters, self._options), ())
