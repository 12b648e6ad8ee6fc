"""The picture of what a text attended to while it was written."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from bptt.report.figure_page import BLUE, page, white_to

# Of the axes, in points: what the names of the rows share.
_HEIGHT = 220
# With more columns than this, names are written vertically: horizontal ones would overlap.
_UPRIGHT = 12


def draw_attention(
    weights: Sequence[Sequence[float]], source: Sequence[str], target: Sequence[str], path: Path
) -> None:
    """Draw a square for each token that was written (row) and each step of its source (column). The darker a
    square, the larger the weight; the weights of a row sum to 1. Raises MachineError if the file cannot be
    written.
    """
    subtitle = "".join(target[:-1]).strip()
    with page(path, "Where each token was read", subtitle) as axes:
        axes.imshow(weights, cmap=white_to(BLUE), vmin=0, vmax=1, aspect="auto")
        for place, names in ((axes.set_xticks, source), (axes.set_yticks, target)):
            labels = [name.strip() for name in names]
            place(range(len(labels)), labels, parse_math=False, fontsize=min(10, _HEIGHT / len(labels)))
        if len(source) > _UPRIGHT:
            axes.tick_params(axis="x", rotation=90)
        axes.set(xlabel="source", ylabel="written")
        axes.grid(visible=False)
