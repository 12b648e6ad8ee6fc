"""The picture of numbers that were found over those that were wanted."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bptt.report.figure_page import LAYERS, QUIET, page


def draw_numbers(found: Sequence[tuple[str, Sequence[float], Sequence[float]]], path: Path) -> None:
    """Draw a point for each example of each target: a name, the numbers wanted, and those found.

    On the diagonal both are equal. Raises MachineError if the file cannot be written.
    """
    count = len(found[0][1])
    with page(path, "Numbers found beside those wanted", f"{count:,} examples") as axes:
        known = [
            (wanted, other)
            for _, all_wanted, all_found in found
            for wanted, other in zip(all_wanted, all_found, strict=True)
            if wanted == wanted
        ]
        ends = [min(map(min, known)), max(map(max, known))]
        axes.plot(ends, ends, color=QUIET, lw=1)
        for number, (name, wanted, values) in enumerate(found):
            colour = LAYERS[number % len(LAYERS)]
            axes.plot(wanted, values, "o", ms=3, alpha=0.5, color=colour, label=name)
        axes.set(xlabel="wanted", ylabel="found")
        if len(found) > 1:
            axes.legend(loc="upper left")
