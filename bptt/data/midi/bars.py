"""The bars of a score on a grid of steps."""

from __future__ import annotations

from collections.abc import Container, Iterator
from typing import NamedTuple

from bptt.data.midi.score import Score, TimeSignature

# Of a time signature with a longer bar (in quarters), positions would be too many to learn.
LONGEST_BAR = 16
_COMMON = TimeSignature(0, 4, 4)

Metre = tuple[int, int]  # beats, unit


class Bar(NamedTuple):
    """A bar from step `start` to `end`, of `metre`."""

    start: int
    end: int
    metre: Metre


def steps_of(ticks: int, ticks_per_quarter: int, resolution: int) -> int:
    """Return the step nearest to a tick, on a grid of `resolution` steps a quarter; the later of two."""
    return (2 * ticks * resolution + ticks_per_quarter) // (2 * ticks_per_quarter)


def bar_steps(metre: Metre, resolution: int) -> int:
    """Return the length of a bar in steps, at least 1."""
    beats, unit = metre
    return max(1, 4 * resolution * beats // unit)


def bars_of(score: Score, resolution: int, known: Container[Metre] | None = None) -> Iterator[Bar]:
    """Yield the bars of a score until that of its last onset.

    A time signature in the middle of a bar cuts it short, and the short bar has a time signature of its own
    if it lasts a number of 16ths; else the next bar line waits until the bar is full. A time signature that
    is too long or not in `known` (None: all are) is passed over.
    """
    changes = [
        (steps_of(each.tick, score.ticks_per_quarter, resolution), (each.beats, each.unit))
        for each in score.time_signatures
        if each.beats <= LONGEST_BAR / 4 * each.unit and (known is None or each[1:] in known)
    ]
    last = steps_of(max((note.onset for note in score.notes), default=0), score.ticks_per_quarter, resolution)
    start, metre, number = 0, _COMMON[1:], 0
    while start <= last:
        while number < len(changes) and changes[number][0] <= start:
            metre = changes[number][1]
            number += 1
        end, shown = start + bar_steps(metre, resolution), metre
        if number < len(changes) and changes[number][0] < end:
            cut = _cut_metre(changes[number][0] - start, resolution)
            if cut is not None and (known is None or cut in known):
                end, shown = changes[number][0], cut
        yield Bar(start, end, shown)
        start = end


def _cut_metre(steps: int, resolution: int) -> Metre | None:
    """Return the time signature of a bar of some steps, with the largest unit that fits; None if they are no
    number of 16ths.
    """
    return next(
        (
            (steps * unit // (4 * resolution), unit)
            for unit in (4, 8, 16)
            if steps * unit % (4 * resolution) == 0
        ),
        None,
    )
