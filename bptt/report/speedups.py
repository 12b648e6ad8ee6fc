"""The picture of a comparison: how many times as fast as others, by shape."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from bptt.report.figure_page import BLUE, GREEN, INK, ORANGE, PURPLE, QUIET, SKY, page

_COLOURS = (BLUE, ORANGE, GREEN, PURPLE, SKY, INK)
_TICKS = (0.5, 1, 2, 3, 5, 10, 20, 50, 100, 200)


@dataclass(frozen=True)
class Speedups:
    """How many times as long another takes, by shape: as it is, and after its memory was tuned."""

    name: str
    plain: Sequence[float]
    tuned: Sequence[float]


def draw_speedups(title: str, shapes: Sequence[str], speedups: Sequence[Speedups], path: Path) -> None:
    """Draw a full mark for every shape, and a ring beside it for the tuned one, on a logarithmic scale.

    Raises MachineError if the file cannot be written.
    """
    with page(path, "How many times as fast as torch", title) as axes:
        for number, series in enumerate(speedups):
            shift = 0.6 * ((number + 0.5) / len(speedups) - 0.5)
            places = [place + shift for place in range(len(shapes))]
            colour = _COLOURS[number % len(_COLOURS)]
            axes.plot(places, series.plain, "o", color=colour, ms=6, label=series.name)
            if series.tuned:
                axes.plot(places, series.tuned, "o", color=colour, ms=6, mfc="none")
                axes.vlines(places, series.tuned, series.plain, color=colour, lw=1)
        axes.spines["right"].set_visible(False)
        axes.axhline(1, color=QUIET, lw=1)
        axes.set_yscale("log")
        axes.set_ylabel("time of torch / time of bptt")
        axes.yaxis.set_major_locator(FixedLocator(_TICKS))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}×"))
        axes.yaxis.set_minor_locator(NullLocator())
        axes.set_xticks(range(len(shapes)), [shape.replace(", ", "\n") for shape in shapes])
        axes.set_xlabel("T, B, I, H")
        axes.grid(axis="x", visible=False)
        handles, _ = axes.get_legend_handles_labels()
        if any(series.tuned for series in speedups):
            label = "malloc tuned for both"
            handles.append(Line2D([], [], marker="o", ls="", color=QUIET, mfc="none", label=label))
        # Under the axes: a series may have a mark anywhere within them.
        axes.figure.legend(handles=handles, ncols=4, loc="outside lower center")
