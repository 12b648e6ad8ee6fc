"""Evaluation by several processes: each batch in one of them, results in the order of one process."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from math import ceil
from typing import Any, TypeVar

from bptt.models.codecs.codec import Padded
from bptt.models.encoded import SMALLER, Encoded, EncodedInputs, in_batches
from bptt.runs.memory import within_memory

Result = TypeVar("Result")


def _alone(work: Callable[[], Any]) -> list[Any]:
    return [work()]


@dataclass(frozen=True)
class WorkSharing:
    """The place `rank` of this process among `size` that evaluate one model, which is trained in `groups`.

    `gather` does the work it is given and returns the results of all processes, in their order: lists and
    tuples of plain values and tensors. All processes call `answered` and `divided` with equal arguments. They
    exchange results after each batch, so that none waits for another longer than that takes.
    """

    rank: int = 0
    size: int = 1
    groups: int = 1
    gather: Callable[[Callable[[], Any]], Sequence[Any]] = _alone

    def divided(self, count: int, work: Callable[[int], Result]) -> list[Result]:
        """Return what `work` returns for each of `count` parts, each of them done in one process."""

        def work_on(number: int) -> Result | None:
            return work(number) if number < count else None

        found: list[Result] = []
        for number in range(self.rank, self.rank + count, self.size):
            found += self.gather(partial(work_on, number))
        return found[:count]

    def answered(
        self,
        encoded: Sequence[Encoded] | EncodedInputs,
        size: int,
        work: Callable[[list[int], Padded], Result],
    ) -> Iterator[tuple[list[int], Result]]:
        """Yield the rows of each batch of `in_batches`, and what `work` returns for them.

        Raises MachineError if the memory does not suffice for a batch.
        """
        count = len(encoded.lengths) if isinstance(encoded, EncodedInputs) else len(encoded)
        batches = in_batches(encoded, size, self.rank, self.size)

        def work_on_next() -> tuple[list[int], Result] | None:
            with within_memory("a batch", SMALLER):
                for rows, batch in batches:
                    return rows, work(rows, batch)
            return None

        for _ in range(ceil(ceil(count / size) / self.size)):
            yield from filter(None, self.gather(work_on_next))


ALONE = WorkSharing()
