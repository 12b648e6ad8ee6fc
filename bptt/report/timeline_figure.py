"""The picture of a sequence in time: its sound, what is aligned with it, a unit, and the gradient."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import LinearSegmentedColormap

from bptt.report.figure_page import BLUE, GREEN, INK, ORANGE, QUIET, page, white_to
from bptt.report.inspection_views import LayerView, MapView, ValueView
from bptt.timeline import Band, BarRow, Marks, Timeline

# Heights of the rows, and what lies between them, before they are fitted into the picture.
_BAND, _MARKS, _BARS, _LINE, _BETWEEN = 1.3, 0.28, 2.4, 0.8, 0.12
# As on the page: a unit at its least, at its middle, at its most.
_POLES = LinearSegmentedColormap.from_list("poles", [BLUE, "white", ORANGE])
_BAR_HEIGHT = 0.84


def draw_timeline(
    timeline: Timeline, layer: LayerView, unit: int, gradient: MapView | None, title: str, path: Path
) -> None:
    """Draw the time of the first example, the first value of a unit, and the norm of the gradient of the loss
    in the middle. Raises MachineError if the file cannot be written.
    """
    value = layer.values[0]
    heights = [_BAND] * len(timeline.bands) + [_MARKS] * len(timeline.marks)
    heights += [_BARS] * (timeline.bars is not None) + [_LINE] * (1 + (gradient is not None))
    with page(path, f"Through time, {layer.name}, unit {unit}", title) as axes:
        axes.set_axis_off()
        rows = _rows(axes, heights)
        places = iter(rows)
        for band in timeline.bands:
            _draw_band(next(places), band, timeline.seconds[-1])
        for marks in timeline.marks:
            _draw_marks(next(places), marks)
        if timeline.bars is not None:
            _draw_bars(next(places), timeline.bars, value, unit)
        middles = np.convolve(timeline.seconds, [0.5, 0.5], "valid")
        _draw_value(next(places), value, unit, middles)
        if gradient is not None:
            _draw_gradient(next(places), gradient, middles)
        for row in rows:
            row.set_xlim(0, timeline.seconds[-1])
            row.tick_params(labelbottom=row is rows[-1], bottom=row is rows[-1])
        rows[-1].set_xlabel("seconds")


def _rows(axes: Axes, heights: list[float]) -> list[Axes]:
    """Return axes from top to bottom, of heights in these proportions."""
    whole = sum(heights) + _BETWEEN * (len(heights) - 1)
    ends = np.cumsum([height + _BETWEEN for height in heights]) - _BETWEEN
    return [
        axes.inset_axes((0.0, 1 - end / whole, 1.0, height / whole))
        for end, height in zip(ends, heights, strict=True)
    ]


def _name(axes: Axes, name: str) -> None:
    axes.set_ylabel(name, rotation=0, ha="right", va="center", fontsize=9)
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)


def _draw_band(axes: Axes, band: Band, seconds: float) -> None:
    rows = len(band.levels)
    colours = white_to(BLUE if band.rows else INK)
    within = (0.0, seconds, rows - 0.5, -0.5)
    axes.imshow(band.levels, extent=within, aspect="auto", cmap=colours, vmin=0, vmax=255)
    axes.yaxis.tick_right()
    axes.set_yticks(range(len(band.rows)), [row.replace(" ", "␣") for row in band.rows], fontsize=7)
    axes.tick_params(length=0)
    _name(axes, band.name)


def _draw_marks(axes: Axes, row: Marks) -> None:
    for start, end, text in row.marks:
        axes.axvspan(start, end, color=ORANGE, alpha=0.22, lw=0)
        axes.axvline(start, color=ORANGE, lw=0.6)
        middle = (start + end) / 2
        said = text.replace(" ", "␣")
        axes.text(middle, 0.45, said, ha="center", va="center", fontsize=7, parse_math=False)
    axes.set(ylim=(0, 1), yticks=[])
    _name(axes, row.name)


def _draw_bars(axes: Axes, bars: BarRow, value: ValueView, unit: int) -> None:
    """Draw bars in the colours of a unit at the steps that read them."""
    numbers = value.numbers[:, unit]
    middle = 0.5 if value.kind == "gate" else 0.0
    reach = 0.5 if value.kind == "gate" else float(np.nanmax(np.abs(numbers), initial=1e-9))
    half = _BAR_HEIGHT / 2
    shapes = [
        [(start, y - half), (start, y + half), (end, y + half), (end, y - half)]
        for start, end, y, _ in bars.bars
    ]
    colours = [_POLES(0.5 + (numbers[step] - middle) / reach / 2) for _, _, _, step in bars.bars]
    axes.add_collection(PolyCollection(shapes, facecolors=colours, edgecolors=QUIET, linewidths=0.4))
    heights = [height for _, _, height, _ in bars.bars] or [0]
    axes.set_ylim(min(heights) - 1, max(heights) + 1)
    axes.yaxis.tick_right()
    axes.set_yticks([height for height, _ in bars.lines], [name for _, name in bars.lines], fontsize=7)
    axes.tick_params(length=0)
    _name(axes, bars.name)


def _draw_value(axes: Axes, value: ValueView, unit: int, middles: np.ndarray) -> None:
    gate = value.kind == "gate"
    axes.axhline(0.5 if gate else 0, color=QUIET, lw=0.5)
    axes.plot(middles, value.numbers[: len(middles), unit], color=ORANGE if gate else BLUE, lw=1)
    axes.set_yticks([])
    _name(axes, value.name)


def _draw_gradient(axes: Axes, gradient: MapView, middles: np.ndarray) -> None:
    row = len(gradient.loss_steps) // 2
    axes.semilogy(middles[list(gradient.steps)], gradient.norms[row], color=GREEN, lw=1)
    axes.axvline(middles[min(gradient.loss_steps[row], len(middles) - 1)], color=QUIET, lw=0.8, ls="--")
    _name(axes, r"$\Vert\partial E/\partial net\Vert$")
