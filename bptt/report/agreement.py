"""The picture of how a language model's preference for the right word fades with distance."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.ticker import MaxNLocator, PercentFormatter

from bptt.report.figure_page import BLUE, GREEN, ORANGE, PURPLE, QUIET, SKY, page

_COLOURS = (BLUE, ORANGE, GREEN, PURPLE, SKY)
_CHANCE = 0.5
# Fewer pairs leave an interval that says nothing.
_FEWEST = 20
# Shifts the curves along the axis, by this number of words, so that intervals do not hide each other.
_BESIDE = 0.08


@dataclass(frozen=True)
class AgreementPoint:
    """The share of right answers among `pairs` at a distance, and its confidence interval."""

    distance: int
    pairs: int
    accuracy: float
    interval: tuple[float, float]


def draw_agreement(curves: Mapping[str, Sequence[AgreementPoint]], path: Path) -> None:
    """Draw a line for each name, with the interval at each distance of at least 20 pairs, and that of chance.

    Raises MachineError if the file cannot be written.
    """
    shown = {name: [each for each in points if each.pairs >= _FEWEST] for name, points in curves.items()}
    pairs = sum(point.pairs for points in shown.values() for point in points)
    subtitle = f"{pairs:,} pairs of sentences, {_FEWEST} or more at each distance; bars: 95 % confidence"
    with page(path, "How far back agreement reaches", subtitle) as axes:
        axes.axhline(_CHANCE, color=QUIET, ls="--", lw=1, label="chance")
        for i, (name, points) in enumerate(shown.items()):
            shift = _BESIDE * (i - (len(curves) - 1) / 2)
            below = [point.accuracy - point.interval[0] for point in points]
            above = [point.interval[1] - point.accuracy for point in points]
            axes.errorbar(
                [point.distance + shift for point in points],
                [point.accuracy for point in points],
                (below, above),
                fmt="o-",
                color=_COLOURS[i % len(_COLOURS)],
                ms=4,
                capsize=2,
                elinewidth=1,
                label=name,
            )
        axes.set(xlabel="words before the one that differs", ylabel="the right sentence is preferred")
        axes.set_ylim(0, 1)
        axes.yaxis.set_major_formatter(PercentFormatter(1))
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.legend(loc="upper right", fontsize=8)
