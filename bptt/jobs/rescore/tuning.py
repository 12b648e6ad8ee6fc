"""Weights with the fewest errors on development lists, by exact line search (Och 2003, section 4).

Along a direction in the space of weights, the score of each hypothesis is a straight line. The upper envelope
of the lines of an utterance shows which hypothesis is chosen where. So the number of errors is a step
function of the distance, and its lowest step is found without a grid.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate, pairwise
from math import inf, isinf
from random import Random

from bptt.jobs.rescore.rescoring import Candidate, Candidates, Weights, choose

Errors = Sequence[Sequence[int]]
# A change of the weights, in the order of `Weights`; that of the first is not negative.
Direction = tuple[float, float, float, float]

_AXES: tuple[Direction, ...] = ((1, 0, 0, 0), (0, 1, 0, 0), (0, 0, 1, 0), (0, 0, 0, 1))
# The initial weights of the language model; from each, the axes are searched in turn.
_STARTS = (0.0, 0.1, 0.3, 1.0)
# The number of random directions across the axes that are searched from the best of them.
_ACROSS = 16


@dataclass(frozen=True)
class Line:
    """The score of a hypothesis at distance x, `height` + `slope` · x, and its errors."""

    height: float
    slope: float
    errors: int


@dataclass(frozen=True)
class Tuned:
    """Weights, and the errors of the hypotheses that they choose."""

    weights: Weights
    errors: int


def tune(candidates: Candidates, errors: Errors) -> Tuned:
    """Return the weights whose choices have the fewest errors; `errors` has those of each hypothesis.

    From four starts, each weight in turn is set to the middle of its best interval; the best result is then
    improved in 16 random directions. Each search continues while errors decrease. The same lists give the
    same weights, and these are never worse than the first hypotheses.
    """
    starts = (_tuned(candidates, errors, Weights(start)) for start in _STARTS)
    found = (_descend(candidates, errors, start, _AXES) for start in starts)
    best = min(found, key=lambda each: each.errors)
    return _descend(candidates, errors, best, _directions_across(candidates))


def lowest_step(utterances: Sequence[Sequence[Line]], least: float) -> float:
    """Return the middle of the interval of x above `least` in which the highest lines have fewest errors.

    Of several, the widest bounded interval; in an unbounded one, the point at distance 1 from its end.
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
    """Yield the points where the highest line changes as x rises from `least`, each with the new line.

    Of lines that coincide, the first counts.
    """
    if isinf(least):
        current = min(lines, key=lambda line: (line.slope, -line.height))
    else:
        current = max(lines, key=lambda line: (line.height + line.slope * least, line.slope))
    start = least
    yield start, current
    while steeper := [line for line in lines if line.slope > current.slope]:
        crossings = [
            ((current.height - line.height) / (line.slope - current.slope), line) for line in steeper
        ]
        crossing, current = min(crossings, key=lambda each: each[0])
        # Because of rounding, three lines through one point may seem to cross before it.
        start = max(start, crossing)
        yield start, current


def _descend(candidates: Candidates, errors: Errors, start: Tuned, directions: Sequence[Direction]) -> Tuned:
    best = start
    while True:
        before = best
        for direction in directions:
            x = lowest_step(
                _lines(candidates, errors, best.weights, direction), _least(best.weights, direction)
            )
            found = _tuned(candidates, errors, _moved(best.weights, direction, x))
            best = min(best, found, key=lambda each: each.errors)
        if best == before:
            return best


def _tuned(candidates: Candidates, errors: Errors, weights: Weights) -> Tuned:
    chosen = choose(candidates, weights)
    return Tuned(weights, sum(some[i] for some, i in zip(errors, chosen, strict=True)))


def _lines(
    candidates: Candidates, errors: Errors, weights: Weights, direction: Direction
) -> list[list[Line]]:
    slope = Weights(*direction)
    return [
        [Line(each.score(weights), slope.dot(each), count) for each, count in zip(some, counts, strict=True)]
        for some, counts in zip(candidates, errors, strict=True)
    ]


def _least(weights: Weights, direction: Direction) -> float:
    """Return the least x, at which the weight of the language model becomes 0."""
    return -weights.language / direction[0] if direction[0] else -inf


def _moved(weights: Weights, direction: Direction, x: float) -> Weights:
    language, per_word, per_character, per_unknown = direction
    return Weights(
        max(0.0, weights.language + x * language),
        weights.per_word + x * per_word,
        weights.per_character + x * per_character,
        weights.per_unknown + x * per_unknown,
    )


def _directions_across(candidates: Candidates) -> tuple[Direction, ...]:
    """Draw directions, normal in each weight, scaled so that all weights have a similar effect.

    The scale of a weight is one over the mean difference of its feature between a hypothesis and the first of
    its list; 0 if there is no difference.
    """
    pairs = [(some[0], other) for some in candidates for other in some[1:]]
    sums = [sum(abs(_part(a, n) - _part(b, n)) for a, b in pairs) for n in range(len(_AXES))]
    widths = [len(pairs) / each if each else 0.0 for each in sums]
    draw = Random(0)
    across = ([draw.gauss(0, width) for width in widths] for _ in range(_ACROSS))
    return tuple((abs(first), a, b, c) for first, a, b, c in across)


def _part(candidate: Candidate, axis: int) -> float:
    return Weights(*_AXES[axis]).dot(candidate)


def _narrowness(start: float, end: float) -> tuple[bool, float]:
    return isinf(end - start), start - end


def _inside(start: float, end: float) -> float:
    if isinf(start) and isinf(end):
        return 0.0
    if isinf(start):
        return end - 1
    return start + 1 if isinf(end) else (start + end) / 2
