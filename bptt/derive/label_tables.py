"""Connectionist temporal classification in plain numbers: the tables of its derivation, for small cases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby, product
from math import exp, log, prod


@dataclass(frozen=True)
class LabelTables:
    """The tables of a label; the first index is the step, the second a class or a state, both from 0.

    `states` has the class of each state, `skips` whether the one two before it may come first. `probability`
    is that of the label, `gradients` those of the loss by the scores.
    """

    label: tuple[int, ...]
    blank: int
    scores: list[list[float]]
    softmax: list[list[float]]
    states: tuple[int, ...]
    skips: tuple[bool, ...]
    alpha: list[list[float]]
    beta: list[list[float]]
    occupancy: list[list[float]]
    gradients: list[list[float]]
    probability: float

    @property
    def loss(self) -> float:
        """Minus the logarithm of the probability."""
        return -log(self.probability)

    def alignments(self) -> list[tuple[tuple[int, ...], float]]:
        """Return every alignment of the label with its probability: of all K^T, one by one."""
        every = product(range(len(self.scores[0])), repeat=len(self.scores))
        return [
            (path, prod(row[k] for row, k in zip(self.softmax, path, strict=True)))
            for path in every
            if tuple(k for k, _ in groupby(path) if k != self.blank) == self.label
        ]


def label_tables(scores: list[list[float]], label: Sequence[int], blank: int = 0) -> LabelTables:
    """Evaluate the derivation of `bptt.explain.criteria.label_alignments`.

    The label needs an alignment: a step for each symbol, and one between two that are equal.
    """
    softmax = [_softmax(row) for row in scores]
    states = (blank, *(state for symbol in label for state in (symbol, blank)))
    skips = tuple(s > 1 and k != blank and k != states[s - 2] for s, k in enumerate(states))
    before, alpha = [1.0, *[0.0] * (len(states) - 1)], []
    for y in softmax:
        before = [y[k] * _ways(before, skips, s) for s, k in enumerate(states)]
        alpha.append(before)
    here = [0.0] * len(states)
    for s in (-1, -2)[: len(states)]:
        here[s] = 1.0
    beta = [here]
    for y in softmax[:0:-1]:
        entering = [y[k] * b for k, b in zip(states, here, strict=True)]
        here = [_ways_on(entering, skips, s) for s in range(len(states))]
        beta.insert(0, here)
    probability = sum(alpha[-1][-2:])
    occupancy = [
        [a * b / probability for a, b in zip(*rows, strict=True)] for rows in zip(alpha, beta, strict=True)
    ]
    gradients = [
        [y - sum(g for g, state in zip(row, states, strict=True) if state == k) for k, y in enumerate(step)]
        for step, row in zip(softmax, occupancy, strict=True)
    ]
    return LabelTables(
        tuple(label), blank, scores, softmax, states, skips, alpha, beta, occupancy, gradients, probability
    )


def _softmax(scores: list[float]) -> list[float]:
    powers = [exp(score - max(scores)) for score in scores]
    return [power / sum(powers) for power in powers]


def _ways(before: list[float], skips: Sequence[bool], s: int) -> float:
    found = before[s] + (before[s - 1] if s else 0.0)
    return found + (before[s - 2] if skips[s] else 0.0)


def _ways_on(entering: list[float], skips: Sequence[bool], s: int) -> float:
    found = entering[s] + (entering[s + 1] if s + 1 < len(skips) else 0.0)
    return found + (entering[s + 2] if s + 2 < len(skips) and skips[s + 2] else 0.0)
