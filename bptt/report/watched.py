"""How far back the gradient reached while a model was trained, below its losses."""

from __future__ import annotations

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import BoundaryNorm, Colormap, ListedColormap
from matplotlib.ticker import LogLocator
from numpy.typing import NDArray

from bptt.report.figure_page import BLUE, FAINT, ORANGE, QUIET, SIZE, white_to
from bptt.report.run_records import Reach

# Powers of ten that have colours of their own: below the first one nobody looks.
LOWEST, HIGHEST = -6, 3
# The upper panel's share of the height, and the lower one's.
HEIGHTS = (3, 2)
# The place of the colour bar, in shares of the lower axes: x, y, width, height.
BAR = (1.02, 0.0, 0.02, 1.0)
# On the logarithmic axis the band of lag 1 begins here.
FIRST = 0.7


def draw_reach(reach: Reach, above: Axes) -> None:
    """Draw the norm of δ by lag and update, as a share of that at lag 0, in powers of ten, under `above`.

    The edges of the bands are the lags at which a tenth, a hundredth, ... is left; what has grown is orange.
    """
    axes = _panel_below(above)
    shares = _shares(reach)
    # A hair less, so that exactly a tenth is no more than a tenth, and exactly 1 has not grown.
    powers = np.log10(shares) - 1e-9
    top = int(np.clip(np.ceil(np.nanmax(powers, initial=0.0)), 0, HIGHEST))
    levels = np.arange(LOWEST, top + 1)
    edges = _edges(reach.steps), np.arange(len(shares) + 1) + 0.5
    norm = BoundaryNorm(levels, len(levels) - 1)
    picture = axes.pcolormesh(*edges, powers, cmap=_colours(top), norm=norm)
    bar = axes.figure.colorbar(picture, cax=axes.inset_axes(BAR), ticks=levels)
    bar.set_ticklabels([f"$10^{{{level}}}$" if level else "1" for level in levels])
    bar.set_label(r"$\Vert\delta\Vert$ as a share of lag 0", color=QUIET)
    headline = f"How far back the gradient reaches, {reach.layer}"
    axes.set_title(headline, loc="left", fontsize=10, color=QUIET, parse_math=False)
    axes.set(yscale="log", ylabel="lag (time steps back)")
    axes.set_ylim(bottom=FIRST)
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.minorticks_off()


def _colours(top: int) -> Colormap:
    """Return a colour for each band from `LOWEST` to `top`; grey marks lags that were not measured."""
    fading, growing = white_to(BLUE), white_to(ORANGE)
    below = [fading(k / -LOWEST) for k in range(1, -LOWEST + 1)]
    beyond = [growing(k / HIGHEST) for k in range(1, top + 1)]
    return ListedColormap([*below, *beyond]).with_extremes(bad=FAINT, under="white", over=ORANGE)


def _panel_below(above: Axes) -> Axes:
    """Make room under `above`, with its x axis, which is now labelled only here."""
    figure = above.get_figure(root=True)
    assert figure is not None
    figure.set_size_inches(SIZE[0], SIZE[1] * sum(HEIGHTS) / HEIGHTS[0])
    grid = figure.add_gridspec(2, 1, height_ratios=HEIGHTS)
    above.set_subplotspec(grid[0])
    below = figure.add_subplot(grid[1], sharex=above)
    below.set_xlabel(above.get_xlabel())
    above.set_xlabel("")
    below.spines["right"].set_visible(False)
    below.grid(visible=False)
    return below


def _shares(reach: Reach) -> NDArray[np.float64]:
    """Return the norms at lags from 1, (lags, updates), as shares; NaN beyond the last lag of an update."""
    found = np.full((max(map(len, reach.norms)) - 1, len(reach.norms)), np.nan)
    for column, (first, *others) in enumerate(reach.norms):
        found[: len(others), column] = np.array(others) / first if first else np.nan
    limits = np.finfo(float)
    drawable: NDArray[np.float64] = np.clip(found, limits.tiny, limits.max)
    return drawable


def _edges(steps: tuple[int, ...]) -> NDArray[np.float64]:
    """Return where the column of each look begins, and where the last one ends; columns are as wide as looks
    are apart.
    """
    centres = np.array(steps, float)
    half = min(np.diff(centres), default=centres[0]) / 2
    return np.append(centres - half, centres[-1] + half)
