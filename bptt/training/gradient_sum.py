"""The sum of gradients over groups and processes, in the order of a fixed binary tree.

Floating-point addition is not associative, so the sum of G gradients depends on their order. Here it is
always that of one tree over the G groups, ((g0 + g1) + (g2 + g3)) + ..., whose lower levels are within a
process and whose upper levels are between processes: the bits are the same for any number of processes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import Parameter

from bptt.runs.processes import Processes

# The gradient of a parameter that no loss depends on; one with all rows; one with some rows.
_NONE, _DENSE, _ROWS = 0.0, 1.0, 2.0
# Neutral in a sum, also for -0: x + -0 has the bits of x.
_NEUTRAL = -0.0


@dataclass(frozen=True)
class News:
    """The news of a process in an update: a signal that came (0: none), and whether to save."""

    signal: int = 0
    save: bool = False


NOTHING_NEW = News()


@dataclass
class Sums:
    """The sum of the losses of all units, their number, and the gradient of the sum, by parameter."""

    loss: float
    units: int
    gradients: list[Tensor | None]

    def add(self, other: Sums) -> None:
        """Add another one, which is used up."""
        self.loss += other.loss
        self.units += other.units
        both = [
            (own, more)
            for own, more in zip(self.gradients, other.gradients, strict=True)
            if own is not None and more is not None and not own.is_sparse
        ]
        if both:
            torch._foreach_add_([own for own, _ in both], [more for _, more in both])
        for place, (own, more) in enumerate(zip(self.gradients, other.gradients, strict=True)):
            if own is None:
                self.gradients[place] = more
            elif more is not None and own.is_sparse:
                self.gradients[place] = _add_rows(own, more)


class GroupSums:
    """Adds up the sums of the groups of one process, given in their order, by the tree.

    As in a binary counter, a subtree waits for its neighbour of the same size: there are never more than
    log2(G) + 1 gradients.
    """

    def __init__(self) -> None:
        self._waiting: list[Sums] = []
        self._count = 0

    def add(self, sums: Sums) -> None:
        """Add the next group."""
        self._waiting.append(sums)
        self._count += 1
        level = self._count
        while level % 2 == 0:
            last = self._waiting.pop()
            self._waiting[-1].add(last)
            level //= 2

    def total(self) -> Sums:
        """Return the sum; the number of groups given is a power of two."""
        (whole,) = self._waiting
        return whole


def take_gradients(parameters: Sequence[Parameter], loss: float, units: int) -> Sums:
    """Return the gradients of the parameters, which then have none."""
    found = []
    for parameter in parameters:
        gradient, parameter.grad = parameter.grad, None
        found.append(gradient.coalesce() if gradient is not None and gradient.is_sparse else gradient)
    return Sums(loss, units, found)


def sum_processes(
    sums: Sums, likes: Sequence[Tensor], news: News, processes: Processes, fast: bool
) -> tuple[Sums, News]:
    """Return the sums over all processes, and the news of any of them.

    `likes` have the shapes and types of the gradients. Unless `fast`, the tree of the groups goes on over the
    processes, a power of two of them.
    """
    if processes.size == 1:
        return sums, news
    totals, most = [sums.loss, float(sums.units)], [float(news.signal), float(news.save)]
    head = torch.tensor([*totals, *most, *map(_kind, sums.gradients)], dtype=torch.float64)
    loss, units, signal, save, *kinds = _sum_heads(head, len(totals), processes, fast).tolist()
    gradients = list(sums.gradients)
    dense = [place for place, kind in enumerate(kinds) if kind == _DENSE]
    summed = _sum_dense([gradients[k] for k in dense], [likes[k] for k in dense], processes, fast)
    for place, gradient in zip(dense, summed, strict=True):
        gradients[place] = gradient
    for place, kind in enumerate(kinds):
        if kind == _ROWS:
            rows = gradients[place]
            own = _no_rows(likes[place]) if rows is None else rows
            gradients[place] = _gather_rows(own, processes) if fast else _sum_rows(own, processes)
    return Sums(loss, int(units), gradients), News(int(signal), bool(save))


def _kind(gradient: Tensor | None) -> float:
    return _NONE if gradient is None else _ROWS if gradient.is_sparse else _DENSE


def _sum_heads(head: Tensor, sums: int, processes: Processes, fast: bool) -> Tensor:
    """Return a vector whose first numbers are sums over the processes, the others the largest of each."""
    if fast:
        first, others = head[:sums].clone(), head[sums:].clone()
        return torch.cat([processes.sum_any_order(first), processes.largest(others)])
    for partner in _partners(processes):
        other = processes.exchange(partner, head, torch.empty_like(head))
        head = torch.cat([head[:sums] + other[:sums], head[sums:].maximum(other[sums:])])
    return head


def _partners(processes: Processes) -> Iterator[int]:
    """Yield with whom a process exchanges what, level by level of the tree, from the bottom."""
    distance = 1
    while distance < processes.size:
        yield processes.rank ^ distance
        distance *= 2


def _sum_dense(
    gradients: Sequence[Tensor | None], likes: Sequence[Tensor], processes: Processes, fast: bool
) -> list[Tensor]:
    """Return the sums of gradients that have all rows, in one block of memory."""
    if not likes:
        return []
    sizes = [like.numel() for like in likes]
    padding = -sum(sizes) % processes.size
    flat = torch.empty(sum(sizes) + padding, dtype=likes[0].dtype, device=likes[0].device)
    parts = torch.split(flat, [*sizes, padding])
    for part, gradient in zip(parts, (*gradients, None), strict=True):
        if gradient is None:
            part.fill_(0.0 if fast else _NEUTRAL)
        else:
            part.copy_(gradient.flatten())
    if fast:
        processes.sum_any_order(flat)
    else:
        _sum_halves(flat, processes)
    return [part.view_as(like) for part, like in zip(parts, likes, strict=False)]


def _sum_halves(flat: Tensor, processes: Processes) -> None:
    """Add up the blocks of all processes in place, whose size their number divides.

    At each level a process adds up one half of what it is left with, its partner the other half; then the
    halves are collected the same way back (Rabenseifner 2004). Each number goes through the tree once, and a
    process sends 2 (W - 1) / W blocks in all, not log2(W).
    """
    first, last = 0, len(flat)
    for partner in _partners(processes):
        middle = (first + last) // 2
        lower, upper = flat[first:middle], flat[middle:last]
        is_lower = processes.rank < partner
        own, theirs = (lower, upper) if is_lower else (upper, lower)
        own.add_(processes.exchange(partner, theirs, torch.empty_like(own)))
        first, last = (first, middle) if is_lower else (middle, last)
    for partner in reversed(list(_partners(processes))):
        size = last - first
        beside = last if processes.rank < partner else first - size
        processes.exchange(partner, flat[first:last], flat[beside : beside + size])
        first, last = min(first, beside), max(last, beside + size)


def _sum_rows(own: Tensor, processes: Processes) -> Tensor:
    """Return the sum of row-sparse gradients, along the tree."""
    for partner in _partners(processes):
        index, values = own.indices(), own.values()
        count = torch.tensor([index.shape[1]], device=own.device)
        others = int(processes.exchange(partner, count, torch.empty_like(count)))
        index = processes.exchange(partner, index.contiguous(), index.new_empty(1, others))
        values = processes.exchange(partner, values.contiguous(), values.new_empty(others, *values.shape[1:]))
        own = _add_rows(own, _rows(index, values, own))
    return own


def _gather_rows(own: Tensor, processes: Processes) -> Tensor:
    """Return the sum of row-sparse gradients of any number of processes: all rows, added up in each."""
    index, values = own.indices(), own.values()
    longest = int(processes.largest(torch.tensor([index.shape[1]], device=own.device)))
    # Row -1 marks what is added for an equal length.
    padded = index.new_full((longest,), -1)
    padded[: index.shape[1]] = index[0]
    numbers = values.new_zeros(longest, *values.shape[1:])
    numbers[: len(values)] = values
    rows, all_values = processes.gather_tensors(padded), processes.gather_tensors(numbers)
    kept = rows >= 0
    return _rows(rows[kept][None], all_values[kept], own).coalesce()


def _add_rows(one: Tensor, other: Tensor) -> Tensor:
    """Return the sum of two row-sparse gradients: where both have a row, two numbers are added."""
    index = torch.cat([one._indices(), other._indices()], 1)
    return _rows(index, torch.cat([one._values(), other._values()]), one).coalesce()


def _rows(index: Tensor, values: Tensor, like: Tensor) -> Tensor:
    return torch.sparse_coo_tensor(index, values, like.shape, check_invariants=False)


def _no_rows(like: Tensor) -> Tensor:
    index = torch.empty(1, 0, dtype=torch.int64, device=like.device)
    return _rows(index, like.new_empty(0, *like.shape[1:]), like).coalesce()
