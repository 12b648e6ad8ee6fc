"""The picture of a clip over the values of a unit and the gradient, on one axis of steps."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes

from bptt.report.figure_page import BLUE, GREEN, ORANGE, QUIET, page
from bptt.report.inspection_views import LayerView, MapView, PicturesView

# Frames side by side that are about square.
_FRAMES = 8
# The parts of the height: pictures, values, gradient; and what lies between them.
_PICTURES, _GRADIENT, _BETWEEN = 0.26, 0.26, 0.05


def draw_pictures(
    pictures: PicturesView,
    layer: LayerView,
    unit: int,
    gradient: MapView | None,
    title: str,
    path: Path,
) -> None:
    """Draw the pictures of the first example over the values of a unit, and below these the norm of the
    gradient of its last loss. Raises MachineError if the file cannot be written.
    """
    steps = len(layer.values[0].numbers) if gradient is None else len(gradient.steps)
    with page(path, f"Pictures and values, {layer.name}, unit {unit}", title) as axes:
        axes.set_axis_off()
        below = _GRADIENT + _BETWEEN if gradient is not None else 0.0
        top = axes.inset_axes((0, 1 - _PICTURES, 1, _PICTURES))
        middle = axes.inset_axes((0, below, 1, 1 - _PICTURES - _BETWEEN - below))
        _draw_band(top, pictures, steps)
        _draw_values(middle, layer, unit, steps)
        last = middle
        if gradient is not None:
            last = axes.inset_axes((0, 0, 1, _GRADIENT))
            last.semilogy(np.add(gradient.steps, 0.5), gradient.norms[-1], color=GREEN)
            last.set_ylabel(r"$\Vert\partial E/\partial net\Vert$")
            middle.set_xticklabels([])
        for each in (top, middle, last):
            each.set_xlim(0, steps)
        last.set_xlabel("step")


def _draw_band(axes: Axes, found: PicturesView, steps: int) -> None:
    """Draw frames at their steps, or pictures whose columns are the steps."""
    here = [n for n, start in enumerate(found.starts) if start < steps]
    shown = here if found.columns else here[:: -(-len(here) // _FRAMES)]
    for n in shown:
        start = found.starts[n]
        aspect = found.pictures.shape[2] / found.pictures.shape[1]
        end = found.ends[n] if found.columns else start + steps / _FRAMES * min(1.0, aspect)
        picture = (
            np.repeat(found.pictures[n], 3, axis=2) if found.pictures.shape[3] == 1 else found.pictures[n]
        )
        axes.imshow(picture, extent=(start, end, 0, 1), aspect="auto", interpolation="nearest")
    axes.set(ylim=(0, 1), yticks=[], xticks=[])
    axes.grid(visible=False)
    axes.spines[:].set_visible(False)


def _draw_values(axes: Axes, layer: LayerView, unit: int, steps: int) -> None:
    middles = np.arange(steps) + 0.5
    for value in layer.values:
        if unit < value.numbers.shape[1]:
            gate = value.kind == "gate"
            colour = ORANGE if gate else BLUE if value.kind == "state" else QUIET
            axes.plot(middles, value.numbers[:steps, unit], color=colour, lw=1, label=value.name)
            axes.annotate(
                value.name,
                (steps, value.numbers[steps - 1, unit]),
                color=colour,
                parse_math=False,
                fontsize=8,
            )
    axes.set_ylabel("value")
