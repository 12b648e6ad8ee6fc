"""Successive halving that needs no plan of all candidates (ASHA, Li et al. 2020), as pure decisions.

A candidate is trained for a ninth of its epochs, then goes on to a third if it is among the best third of
those that came as far, then to the end, and then is trained twice more from other initial weights. The
defaults are trained to the end first of all, and go wherever another candidate goes.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil

# Of those that came as far, one of this number goes on.
ETA = 3
# The share of its epochs that a candidate is trained for; after these come further seeds.
SHARES = (1 / ETA**2, 1 / ETA, 1.0)
WHOLE, CONFIRMED = len(SHARES) - 1, len(SHARES)
# Trainings from other initial weights on the last rung, beside the first one.
MORE_SEEDS = ETA - 1
DEFAULTS = 0


@dataclass(frozen=True)
class RungResult:
    """The result of a candidate on a rung: its `score`, the larger the better, and its `seconds`.

    A training that failed has no score.
    """

    candidate: int
    rung: int
    score: tuple[float, float] | None
    seconds: float


@dataclass(frozen=True)
class Action:
    """A candidate to train on to a rung."""

    candidate: int
    rung: int


def epochs_of(rung: int, epochs: int) -> int:
    """Return the epochs that a candidate with this number in all is trained for up to a rung."""
    return ceil(epochs * SHARES[min(rung, WHOLE)])


def actions(results: Sequence[RungResult], begun: int) -> Iterator[Action]:
    """Yield what can be done next, the best first: a promotion, or a new candidate after `begun` ones."""
    reached = {(each.candidate, each.rung) for each in results}
    own = max((rung for candidate, rung in reached if candidate == DEFAULTS), default=-1)
    confirmed = any(rung == CONFIRMED and candidate != DEFAULTS for candidate, rung in reached)
    failed = {each.candidate for each in results if each.score is None}
    if own < (CONFIRMED if confirmed else WHOLE) and DEFAULTS not in failed:
        yield Action(DEFAULTS, own + 1)
    for rung in reversed(range(CONFIRMED)):
        here = ranked(results, rung)
        for candidate in here[: len(here) // ETA]:
            if candidate not in (DEFAULTS, *failed) and (candidate, rung + 1) not in reached:
                yield Action(candidate, rung + 1)
    yield Action(max(begun, 1), 0)


def ranked(results: Sequence[RungResult], rung: int) -> list[int]:
    """Return the candidates that reached a rung, the best first; those that failed come last."""
    here = [each for each in results if each.rung == rung]
    worst = (float("-inf"), float("-inf"))
    return [each.candidate for each in sorted(here, key=lambda each: each.score or worst, reverse=True)]


def winner(results: Sequence[RungResult]) -> int:
    """Return the best candidate on the highest rung that the defaults and another one have reached."""
    for rung in reversed(range(CONFIRMED + 1)):
        here = ranked(results, rung)
        if DEFAULTS in here and len(here) > 1:
            return here[0]
    return DEFAULTS
