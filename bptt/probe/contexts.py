"""Where in a text a unit is most and least active, and where the state of a model is nearly the same."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from bptt.nn.float64 import doubles
from bptt.shapes import check_shape

RADIUS = 16
# The number of distances that are computed at a time: bounds the memory.
BLOCK = 2**22


@dataclass(frozen=True)
class Context:
    """A step, from 0, the text `before` and `after` its token, and a number found there."""

    step: int
    before: str
    token: str
    after: str
    number: float


@dataclass(frozen=True)
class Extremes:
    """Where a unit is highest and lowest, the most extreme first; `number` is its activity."""

    highest: tuple[Context, ...]
    lowest: tuple[Context, ...]


def extremes(activity: Tensor, texts: Sequence[str], count: int = 10, radius: int = RADIUS) -> Extremes:
    """Return where a unit's activity (T,) is highest, and where it is lowest: at most `count` places each.

    `texts` (T) are the texts of the tokens. A context reaches `radius` steps to either side; two of them are
    further apart than that, so that each shows another place. Raises InputError if `activity` and
    `texts` differ in length.
    """
    check_shape("extremes of a unit", activity.shape, f"{len(texts)}")

    def search(descending: bool) -> tuple[Context, ...]:
        order = activity.argsort(descending=descending, stable=True)
        steps = _apart(order.tolist(), count, radius)
        return tuple(_context(texts, step, radius, float(activity[step])) for step in steps)

    return Extremes(search(True), search(False))


def nearest_states(
    states: Tensor, texts: Sequence[str], steps: Sequence[int], count: int = 10, radius: int = RADIUS
) -> Iterator[tuple[Context, ...]]:
    """Yield for each of `steps` at most `count` others whose states (T, units) are nearest to its, nearest
    first.

    `number` is the Euclidean distance, as where a neighbour's next token serves as a prediction (Khandelwal
    et al., 2020, arXiv:1911.00172). Neighbours are further than `radius` steps from the step and from each
    other: the states next to a state are always near. Raises InputError if `states` and `texts`
    differ in length.
    """
    check_shape("nearest states", states.shape, f"{len(texts)} H")
    states = doubles(states.detach())
    # Each chosen step, and the step itself, excludes this number of neighbours.
    enough = min(len(texts), (count + 1) * (2 * radius + 1))
    for block in torch.split(torch.tensor(steps), max(1, BLOCK // len(texts))):
        distances, order = torch.cdist(states[block], states).topk(enough, largest=False)
        for step, near, numbers in zip(block.tolist(), order.tolist(), distances.tolist(), strict=True):
            found = dict(zip(near, numbers, strict=True))
            others = _apart(near, count, radius, step)
            yield tuple(_context(texts, other, radius, found[other]) for other in others)


def _apart(order: Iterable[int], count: int, radius: int, *taken: int) -> list[int]:
    """Return the first `count` of these steps that are further than `radius` from one another and those
    taken.
    """
    chosen: list[int] = []
    for step in order:
        if len(chosen) == count:
            break
        if all(abs(step - other) > radius for other in (*taken, *chosen)):
            chosen.append(step)
    return chosen


def _context(texts: Sequence[str], step: int, radius: int, number: float) -> Context:
    before = "".join(texts[max(0, step - radius) : step])
    return Context(step, before, texts[step], "".join(texts[step + 1 : step + 1 + radius]), number)
