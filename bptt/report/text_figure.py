"""The picture of a text that is coloured by a unit: its characters in lines, as in a typescript."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import matplotlib
import numpy as np
from matplotlib.cm import ScalarMappable
from matplotlib.collections import PatchCollection
from matplotlib.colors import LinearSegmentedColormap, Normalize
from matplotlib.patches import Rectangle

from bptt.report.figure_page import BLUE, ORANGE, page
from bptt.report.inspection_views import Array, ValueView

COLUMNS, LINES = 64, 18
_FONT = "DejaVu Sans Mono"
# As on the page: so far from white that black characters are read on the ends.
_ENDS = 0.62
# Colours distinguish this share of the numbers; the rest, outliers, have the colours of the ends.
_TOLD_APART = 0.98


@dataclass(frozen=True)
class _Cell:
    """The place of a character of a step's token: wide characters, as of Chinese, take two columns."""

    character: str
    step: int
    column: int
    line: int
    width: int


def draw_text(tokens: Sequence[str], layer: str, value: ValueView, unit: int, title: str, path: Path) -> None:
    """Draw the beginning of the text, each token on the colour of the unit: blue low, orange high.

    A gate's middle is 0.5, that of everything else 0. Raises MachineError if the file cannot be written.
    """
    numbers = value.numbers[:, unit]
    middle, reach = (0.5, 0.5) if value.kind == "gate" else (0.0, _usual_size(numbers))
    scale = Normalize(middle - reach, middle + reach)
    colours = diverging()
    cells = list(_cells(tokens))
    lines = 1 + max((cell.line for cell in cells), default=0)
    with page(path, f"{layer}: {value.name} of unit {unit}", title) as axes:
        axes.set(xlim=(0, COLUMNS), ylim=(max(lines, LINES // 2), 0))
        boxes = [Rectangle((cell.column, cell.line + 0.05), cell.width, 0.9) for cell in cells]
        shades = [colours(scale(numbers[cell.step])) for cell in cells]
        axes.add_collection(PatchCollection(boxes, facecolor=shades, edgecolor="none"))
        fonts = [_FONT, *matplotlib.rcParams["font.family"]]
        for cell in cells:
            centre = (cell.column + cell.width / 2, cell.line + 0.5)
            axes.text(*centre, cell.character, ha="center", va="center", parse_math=False, fontfamily=fonts)
        axes.set_axis_off()
        bar = axes.figure.colorbar(
            ScalarMappable(scale, colours), ax=axes, shrink=0.6, aspect=30, extend="both"
        )
        bar.outline.set_visible(False)


def _usual_size(numbers: Array) -> float:
    """Return the size below which nearly all numbers lie: with a few outliers as the end, all others would be
    pale.
    """
    sizes = np.abs(numbers[np.isfinite(numbers)])
    usual = np.quantile(sizes, _TOLD_APART, method="inverted_cdf") if sizes.size else 0
    return float(usual or sizes.max(initial=0)) or 1.0


def diverging() -> LinearSegmentedColormap:
    """Return the colours blue, white, orange, and none for NaN."""
    ends = LinearSegmentedColormap.from_list("ends", [BLUE, "white", ORANGE], N=513)
    return LinearSegmentedColormap.from_list(
        "diverging", ends(np.linspace(0.5 - _ENDS / 2, 0.5 + _ENDS / 2, 65))
    )


def _cells(tokens: Sequence[str]) -> Iterator[_Cell]:
    """Yield the characters that have a place on the page; a token of words is followed by a space."""
    # <start> and <eos> are none of the text.
    read = [token for token in tokens if not token.startswith("<")]
    apart = any(len(token) > 1 for token in read) and not any(c.isspace() for t in read for c in t)
    column = line = 0
    for step, token in enumerate(tokens):
        for character in token:
            width = 2 if unicodedata.east_asian_width(character) in "WF" else 1
            if column + width > COLUMNS:
                column, line = 0, line + 1
            if line == LINES:
                return
            shown = "↵" if character == "\n" else character if character.isprintable() else "·"
            yield _Cell(shown, step, column, line, width)
            column += width
            if character == "\n":
                column, line = 0, line + 1
        column += apart
