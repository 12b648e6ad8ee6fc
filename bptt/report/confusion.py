"""The picture of how labels are confused."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from bptt.report.figure_page import BLUE, page, white_to

# More labels than these leave no room for a number in each square.
_MOST_NUMBERS = 20


def draw_confusion(counts: Sequence[Sequence[int]], labels: Sequence[str], path: Path) -> None:
    """Draw a square for each pair of a right label (row) and a predicted one (column).

    The darker, the larger its share of the label's examples, which are counted in the square. Raises
    MachineError if the file cannot be written.
    """
    table = np.asarray(counts)
    shares = table / np.maximum(table.sum(1, keepdims=True), 1)
    right = int(table.trace())
    with page(path, "Confusion of labels", f"{right:,} of {table.sum():,} examples are right") as axes:
        axes.imshow(shares, cmap=white_to(BLUE), vmin=0, vmax=1, aspect="auto")
        places = range(len(labels))
        axes.set_xticks(places, labels, rotation=45, ha="right", rotation_mode="anchor")
        axes.set_yticks(places, labels)
        axes.set(xlabel="found", ylabel="label")
        axes.grid(visible=False)
        if len(labels) <= _MOST_NUMBERS:
            for (row, column), count in np.ndenumerate(table):
                colour = "white" if shares[row, column] > 0.5 else "black"
                if count:
                    axes.text(column, row, f"{count:,}", ha="center", va="center", fontsize=8, color=colour)
