"""The look that all pictures share: size, colours, fonts, heading; and how they reach the disk."""

from __future__ import annotations

import io
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import matplotlib
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap
from matplotlib.figure import Figure

from bptt.errors import InputError
from bptt.files import MARK, check_output, write_output
from bptt.report.fonts import heading_font, installed_fonts, missing_noticed

# Okabe & Ito 2008: distinguishable with every kind of colour vision.
BLUE, ORANGE, GREEN, PURPLE, SKY = "#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9"
INK, QUIET, FAINT = "#222222", "#666666", "#DDDDDD"
# Of layers, and of what is measured in each.
LAYERS, DASHES = (BLUE, ORANGE, GREEN, PURPLE), ("-", "--", ":", "-.")
SIZE, DOTS_PER_INCH = (8.0, 4.5), 160
STYLE: dict[Any, Any] = {
    "axes.edgecolor": QUIET,
    "axes.labelcolor": INK,
    "axes.spines.top": False,
    "axes.grid": True,
    "axes.axisbelow": True,
    "font.size": 10,
    "grid.color": FAINT,
    "grid.linewidth": 0.6,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
    # With no date in it, so that equal pictures are equal files.
    "svg.hashsalt": "bptt",
    "text.color": INK,
    "xtick.color": QUIET,
    "xtick.labelcolor": INK,
    "ytick.color": QUIET,
    "ytick.labelcolor": INK,
}


def white_to(colour: str) -> LinearSegmentedColormap:
    """Return the colours of shares: white for 0, `colour` for 1."""
    return LinearSegmentedColormap.from_list("share", ["white", colour])


def check_picture(path: Path) -> None:
    """Raise InputError unless a picture can have this name: before the work that it will show."""
    if path.suffix.lower() not in (".png", ".svg"):
        raise InputError(str(path), "must end in .png or .svg", repr(path.suffix))
    check_output(path)


@contextmanager
def page(path: Path, headline: str, subtitle: str) -> Iterator[Axes]:
    """Yield axes to draw on, and save them at the end in the format that the path's suffix names, as .png or
    .svg.

    Raises InputError for another suffix, or if it would replace what is no picture of ours; MachineError if
    it cannot be written.
    """
    check_picture(path)
    with matplotlib.rc_context({**STYLE, "font.family": installed_fonts()}), missing_noticed():
        figure = Figure(figsize=SIZE, dpi=DOTS_PER_INCH, layout="constrained")
        axes = figure.add_subplot()
        # The title may hold file names, in which a dollar sign begins no formula.
        axes.set_title(subtitle, loc="left", fontsize=10, color=QUIET, parse_math=False)
        axes.annotate(
            headline,
            xy=(0, 1),
            xycoords="axes fraction",
            xytext=(0, 25),
            textcoords="offset points",
            fontsize=14,
            **heading_font(headline),
        )
        yield axes
        drawn = io.BytesIO()
        form = path.suffix.removeprefix(".").lower()
        # With no date in it, so that equal pictures are equal files.
        metadata = {"Date": None, "Creator": MARK} if form == "svg" else {"Software": MARK}
        figure.savefig(drawn, format=form, metadata=metadata)
        write_output(path, drawn.getvalue())
