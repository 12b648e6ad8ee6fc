"""Updates by groups: each group's gradient by itself, added up by a fixed tree, in one process or several."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.nn import Parameter
from torch.optim import Optimizer

from bptt.errors import InputError
from bptt.jobs.group import Group, groups_of
from bptt.jobs.sharing import WorkSharing
from bptt.jobs.task import Step, Task
from bptt.nn import weight_format
from bptt.runs.processes import Processes
from bptt.training import nested_tensors, row_updates
from bptt.training.gradient_sum import NOTHING_NEW, GroupSums, News, Sums, sum_processes, take_gradients
from bptt.training.observer import GradientRecord, UpdateObserver
from bptt.training.optimiser import clip_summed_gradient
from bptt.training.options import TrainingOptions
from bptt.training.random_state import seed_for
from bptt.training.update import Update, Updater

Carry = tuple[Tensor, ...]


def build_updater(
    task: Task,
    parameters: list[Parameter],
    optimiser: Optimizer,
    options: TrainingOptions,
    observer: UpdateObserver,
    processes: Processes,
) -> Updater:
    """Return what makes the updates of a run. Raises InputError if groups are needed and the job has none."""
    if processes.size == 1 and not options.groups:
        return Updater(task, parameters, optimiser, options, observer)
    if not task.takes_groups:
        rule = "this job computes the gradient of a batch as a whole"
        raise InputError("groups", rule, f"{options.groups or processes.size}", "Train in one process")
    return _GroupedUpdater(task, parameters, optimiser, options, observer, processes)


def settle_groups(options: TrainingOptions, processes: Processes) -> tuple[TrainingOptions, str | None]:
    """Return the options with a number of groups for several processes, and a line where that was left open.

    Raises InputError if the groups cannot be divided among the processes.
    """
    size = processes.size
    if options.reduce == "fast" or (size == 1 and not options.groups):
        return options, None
    if not processes.is_power_of_two:
        rule = "the sum of equal bits needs 1, 2, 4, 8 ... processes"
        raise InputError("torchrun", rule, size, "Start as many, or give `reduce` fast")
    if not options.groups:
        return replace(options, groups=size), (
            f"groups: {size}, one for each process. On {size} processes or fewer the weights are the same to "
            f"the last bit, in one with `groups` {size}; more groups allow more processes"
        )
    if size > options.groups:
        rule = f"{options.groups} groups are computed by at most as many processes"
        raise InputError("torchrun", rule, size, "Start fewer, or begin a run with more `groups`")
    return options, None


def sharing_of(processes: Processes, options: TrainingOptions) -> WorkSharing:
    """Return how processes share an evaluation, in the groups of the training."""

    def gather(work: Callable[[], Any]) -> list[Any]:
        found = processes.together(work)
        if processes.size == 1:
            return [found]
        return [nested_tensors.loads(each) for each in processes.gather(nested_tensors.dumps(found))]

    groups = options.groups or processes.size
    return WorkSharing(processes.rank, processes.size, groups, gather)


class _GroupedUpdater(Updater):
    """The updates of a run in `options.groups` groups of rows, of which this process computes its share.

    With `reduce` fast each process computes its rows as one group, and the order of the sum is that of the
    library.
    """

    def __init__(
        self,
        task: Task,
        parameters: list[Parameter],
        optimiser: Optimizer,
        options: TrainingOptions,
        observer: UpdateObserver,
        processes: Processes,
    ) -> None:
        super().__init__(task, parameters, optimiser, options, observer)
        self._processes, self._fast = processes, options.reduce == "fast"
        count = processes.size if self._fast else options.groups
        self._groups = groups_of(count, processes.rank, processes.size)
        # The rows of each group whose states are carried.
        self._rows: list[int] = []
        self._news = self._agreed = NOTHING_NEW

    def on_batch(
        self,
        number: int,
        epoch: int,
        index: int,
        carry: Carry,
        check: Callable[[float, float], None],
        news: News = NOTHING_NEW,
    ) -> Update:
        """Make the update of this number, from 1, on batch `index` of `epoch`."""
        self._optimiser.zero_grad()
        sums, carried = GroupSums(), []
        seen: GradientRecord | None = None
        for group, states in zip(self._groups, self._parted(carry), strict=True):
            self._seed(number, group.number)
            # The rows of the first group are looked at, whatever process has it.
            if group.number == 0:
                self._observer.begin(number)
            with weight_format(self._options.precision):
                step = self._task.step(epoch, index, states, group)
            sums.add(self._backward(step))
            if group.number == 0:
                seen = self._observer.finish()
            carried.append(step.carry)
        self._news = news
        total = self._finish(sums)
        # Where the generators are afterwards depends on no division of the groups.
        self._seed(number, len(self._groups) * self._processes.size)
        norm = clip_summed_gradient(self._parameters, self._options)
        loss = total.loss / total.units
        check(loss, norm)
        row_updates.step(self._optimiser)
        seen = seen and seen.scaled(1 / total.units)
        return Update(loss, total.units, norm, self._joined(carried), seen, self._agreed)

    def on_whole_set(
        self, epoch: int, check: Callable[[float, float], None], news: News = NOTHING_NEW
    ) -> Update:
        """Make one update on all batches of `epoch` together, by the optimiser's line search or region."""
        self._news = news
        return replace(super().on_whole_set(epoch, check), news=self._agreed)

    def take_up(self, carry: Carry) -> Carry:
        """Return of the states (layers, B, width) of all rows those of the rows of this process."""
        if not carry:
            return ()
        parts = [group.cut(carry[0].shape[1]) for group in self._groups]
        self._rows = [part.stop - part.start for part in parts]
        return tuple(state[:, parts[0].start : parts[-1].stop] for state in carry)

    def diagnose(self, epoch: int, indices: Iterable[int], carry: Carry) -> str | None:
        """Return the first finding of the observers of all processes, in the rows that each computes."""
        return next(filter(None, self._found(epoch, list(indices), carry)), None)

    def _found(self, epoch: int, indices: Sequence[int], carry: Carry) -> list[str]:
        found = ""
        for group, states in zip(self._groups, self._parted(carry), strict=True):
            carried = [states]

            def again(index: int, group: Group = group, carried: list[Carry] = carried) -> Tensor:
                step = self._task.step(epoch, index, carried[-1], group)
                carried.append(step.carry)
                return step.loss if step.units else torch.zeros(())

            for index in indices:
                found = found or self._observer.diagnose(partial(again, index)) or ""
        return [each.decode() for each in self._processes.gather(found.encode())]

    def _gradient_of_whole_set(self, epoch: int) -> Update:
        """Leave the gradient of the mean loss over all units of `epoch` in the parameters."""
        self._optimiser.zero_grad()
        sums = GroupSums()
        for group in self._groups:
            self._seed(epoch, group.number)
            loss, units = 0.0, 0
            carry: Carry = ()
            for index in range(self._task.steps(epoch)):
                step = self._task.step(epoch, index, carry, group)
                carry = step.carry
                if step.units:
                    (step.loss * step.units).backward()  # type: ignore[no-untyped-call]
                    loss, units = loss + step.loss.item() * step.units, units + step.units
            sums.add(take_gradients(self._parameters, loss, units))
        total = self._finish(sums)
        norm = clip_summed_gradient(self._parameters, self._options)
        return Update(total.loss / total.units, total.units, norm, ())

    def _curvature(self, epoch: int, random: dict[str, Any]) -> Tensor:
        """Return the matrix of second derivatives of the mean loss over all units of `epoch`."""
        sums = GroupSums()
        for group in self._groups:
            self._seed(epoch, group.number)
            matrix, units = self._sum_curvature(epoch, group)
            sums.add(Sums(0.0, units, [matrix]))
        total = sums.total()
        likes = [each for each in total.gradients if each is not None]
        total, _ = sum_processes(total, likes, NOTHING_NEW, self._processes, self._fast)
        (matrix,) = (each for each in total.gradients if each is not None)
        return matrix / total.units

    def _seed(self, number: int, group: int) -> None:
        """Seed what a group draws in an update, such as dropout masks."""
        seed_for(self._options.seed, number, group)

    def _backward(self, step: Step) -> Sums:
        """Return the sums of a group, with the gradient of its summed loss."""
        if not step.units:
            return take_gradients(self._parameters, 0.0, 0)
        (step.loss * step.units).backward()  # type: ignore[no-untyped-call]
        return take_gradients(self._parameters, step.loss.item() * step.units, step.units)

    def _finish(self, sums: GroupSums) -> Sums:
        """Leave the gradient of the mean over the units of all groups in the parameters; return the sums."""
        total, self._agreed = sum_processes(
            sums.total(), self._parameters, self._news, self._processes, self._fast
        )
        for parameter, gradient in zip(self._parameters, total.gradients, strict=True):
            parameter.grad = None if gradient is None else gradient.div_(total.units)
        return total

    def _parted(self, carry: Carry) -> list[Carry]:
        """Return the states of each group of this process."""
        if not carry:
            return [()] * len(self._groups)
        parts = [torch.split(state, self._rows, 1) for state in carry]
        return [tuple(part.contiguous() for part in each) for each in zip(*parts, strict=True)]

    def _joined(self, carried: Sequence[Carry]) -> Carry:
        """Return the states of all groups of this process as those of one batch."""
        self._rows = [each[0].shape[1] if each else 0 for each in carried]
        return tuple(torch.cat(states, 1) for states in zip(*filter(None, carried), strict=True))
