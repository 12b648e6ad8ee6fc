"""Where the clusters of an adaptive softmax begin: the cut-offs of the least time of an update, by counts.

Source of the method: Grave et al. 2017, Efficient softmax approximation for GPUs, section 4.3. The cost of a
softmax is measured by `benchmarks/adaptive_costs.py`.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate

# The cost of a softmax of V classes for N outputs of width D, forward, backward and Adam's step, in products:
# FIXED + N V (D + LOGIT) + V D WEIGHT.
_FIXED, _LOGIT, _WEIGHT = 3.2e6, 35.0, 40.0
# Outputs of an update. The best cut-offs depend on it little: four times as many move none of them twofold.
_OUTPUTS = 1000
# Each further cluster is narrower by this factor, as its words have fewer occurrences to learn from; below
# the least width a narrower one saves nothing, as a logit costs LOGIT beside its products.
_NARROWER, _LEAST_WIDTH = 4, 16
# More save little time, and each puts fewer words into one softmax.
_MOST_CLUSTERS = 5
# The shortlist of a vocabulary four times as large. The least time has a few dozen tokens there and, on a
# novel, 2 % more perplexity: frequent tokens learn to use the whole width of the outputs.
_LEAST_SHORTLIST = 1000
# Candidates are this far apart, as a ratio.
_APART = 1.1


def cluster_width(width: int, number: int) -> int:
    """Return the width of cluster `number`, from 0, for outputs of `width` numbers."""
    return min(width, max(_LEAST_WIDTH, width // int(_NARROWER ** (number + 1))))


def usual_cutoffs(size: int, width: int) -> tuple[int, ...]:
    """Return the cut-offs for `size` tokens whose frequencies are not known: by Zipf's law, as 1 / rank."""
    return best_cutoffs([1 / rank for rank in range(1, size + 1)], width)


def best_cutoffs(counts: Sequence[float], width: int) -> tuple[int, ...]:
    """Return the cut-offs of the least cost for tokens with these counts, in order, and outputs of `width`.

    By dynamic programming from the last token back: the best clusters from a token on are one cluster up to
    some later token and the best clusters from there. At least one cut-off is returned for two tokens or
    more.
    """
    size = len(counts)
    places = list(_candidates(size))
    shares = _Shares(counts)
    # The cost and the cut-offs of the clusters from each place on, if the first of them has this number.
    found: dict[int, tuple[float, tuple[int, ...]]] = {size: (0.0, ())}
    for number in reversed(range(_MOST_CLUSTERS)):
        inner = cluster_width(width, number)
        later, found = found, {size: (0.0, ())}
        for k, begin in enumerate(places):
            options = (
                (_cluster(end - begin, shares.of(begin, end), width, inner) + later[end][0], later[end][1])
                for end in (*places[k + 1 :], size)
                if end in later
            )
            cost, ends = min(options, key=lambda each: each[0])
            found[begin] = (cost, (begin, *ends))
    costs = ((_head(begin, width) + found[begin][0], found[begin][1]) for begin in places)
    return min(costs, key=lambda each: each[0])[1]


@dataclass(frozen=True)
class _Shares:
    counts: Sequence[float]

    def __post_init__(self) -> None:
        object.__setattr__(self, "_sums", [0.0, *accumulate(self.counts)])

    def of(self, begin: int, end: int) -> float:
        """Return the share of the tokens from `begin` to `end` - 1 in a text."""
        sums: list[float] = self.__dict__["_sums"]
        return (sums[end] - sums[begin]) / sums[-1]


def _candidates(size: int) -> Iterator[int]:
    place = float(min(_LEAST_SHORTLIST, max(1, size // 4)))
    while place < size:
        yield int(place)
        place = max(place + 1, place * _APART)


def _head(shortlist: int, width: int) -> float:
    return _FIXED + shortlist * (_OUTPUTS * (width + _LOGIT) + width * _WEIGHT)


def _cluster(classes: int, share: float, width: int, inner: int) -> float:
    """Return the cost of a cluster, its class in the head included."""
    outputs, touched = _OUTPUTS * share, 1 - (1 - share) ** _OUTPUTS
    own_class = _OUTPUTS * (width + _LOGIT) + width * _WEIGHT
    projected = inner * width * (outputs + touched * _WEIGHT)
    return (
        own_class
        + projected
        + touched * (_FIXED + classes * inner * _WEIGHT)
        + outputs * classes * (inner + _LOGIT)
    )
