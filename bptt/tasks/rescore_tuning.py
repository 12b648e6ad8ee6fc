"""Weights with the fewest errors on a development list, by exact line search (Och 2003, section 4).

Along one weight the score of each hypothesis is a straight line. The upper envelope of the lines of an
utterance says which hypothesis is chosen where, so the number of errors is a step function of the
weight, whose lowest step is found without a grid.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate, pairwise
from math import inf, isinf

from bptt.tasks.rescore import Candidate, Candidates, Weights, choose

# The two weights are searched in turn, from each of these weights of the language model.
_STARTS = (0.0, 0.1, 0.3, 1.0)


@dataclass(frozen=True)
class Line:
    """The score of a hypothesis over the weight x: `height` + `slope` · x; and its errors."""

    height: float
    slope: float
    errors: int


@dataclass(frozen=True)
class _Axis:
    """One of the weights: its least value, what it multiplies, and the weights with it at x."""

    least: float
    slope: Callable[[Candidate], float]
    at: Callable[[Weights, float], Weights]


_AXES = (
    _Axis(0.0, lambda candidate: candidate.language, lambda weights, x: replace(weights, language=x)),
    _Axis(-inf, lambda candidate: candidate.words, lambda weights, x: replace(weights, bonus=x)),
)


@dataclass(frozen=True)
class Tuned:
    """The weights, and the errors of what they choose."""

    weights: Weights
    errors: int


def tune(candidates: Candidates, errors: Sequence[Sequence[int]]) -> Tuned:
    """The weights that choose hypotheses with the fewest errors; `errors` has those of each hypothesis.

    Each weight in turn is set to the middle of its best interval until neither finds fewer errors; the
    best of four starts counts, of equal ones the one with the least weight. Never worse than the
    order of the lists.
    """
    return min((_descend(candidates, errors, start) for start in _STARTS), key=lambda each: each.errors)


def lowest_step(utterances: Sequence[Sequence[Line]], least: float) -> float:
    """The middle of the interval of x above `least` in which the highest lines have the fewest errors.

    Of several the widest that ends; one that does not end is entered by 1.
    """
    total, changes = 0, defaultdict[float, int](int)
    for lines in utterances:
        stretches = tuple(envelope(lines, least))
        total += stretches[0][1].errors
        for (_, before), (start, after) in pairwise(stretches):
            changes[start] += after.errors - before.errors
    edges = sorted(x for x, change in changes.items() if change)
    totals = accumulate((changes[x] for x in edges), initial=total)
    steps = zip(totals, pairwise((least, *edges, inf)), strict=True)
    _, (start, end) = min(steps, key=lambda step: (step[0], *_narrowness(*step[1])))
    return _inside(start, end)


def envelope(lines: Sequence[Line], least: float) -> Iterator[tuple[float, Line]]:
    """Where the highest line changes as x rises from `least`, and which it is from there on.

    Of lines that coincide the first counts.
    """
    if isinf(least):
        current = min(lines, key=lambda line: (line.slope, -line.height))
    else:
        current = max(lines, key=lambda line: (line.height + line.slope * least, line.slope))
    yield least, current
    while steeper := [line for line in lines if line.slope > current.slope]:
        crossings = [
            ((current.height - line.height) / (line.slope - current.slope), line) for line in steeper
        ]
        start, current = min(crossings, key=lambda crossing: (crossing[0], -crossing[1].slope))
        yield start, current


def _descend(candidates: Candidates, errors: Sequence[Sequence[int]], start: float) -> Tuned:
    best = _tuned(candidates, errors, Weights(start))
    while True:
        before = best
        for axis in _AXES:
            x = lowest_step(_lines(candidates, errors, best.weights, axis), axis.least)
            found = _tuned(candidates, errors, axis.at(best.weights, x))
            best = min(best, found, key=lambda each: each.errors)
        if best == before:
            return best


def _tuned(candidates: Candidates, errors: Sequence[Sequence[int]], weights: Weights) -> Tuned:
    chosen = choose(candidates, weights)
    return Tuned(weights, sum(some[i] for some, i in zip(errors, chosen, strict=True)))


def _lines(
    candidates: Candidates, errors: Sequence[Sequence[int]], weights: Weights, axis: _Axis
) -> list[list[Line]]:
    """The hypotheses as lines over the weight of `axis`, the other as in `weights`."""
    zero = axis.at(weights, 0.0)
    return [
        [Line(each.score(zero), axis.slope(each), count) for each, count in zip(some, counts, strict=True)]
        for some, counts in zip(candidates, errors, strict=True)
    ]


def _narrowness(start: float, end: float) -> tuple[bool, float]:
    return isinf(end - start), start - end


def _inside(start: float, end: float) -> float:
    if isinf(start) and isinf(end):
        return 0.0
    if isinf(start):
        return end - 1
    return start + 1 if isinf(end) else (start + end) / 2
