"""The picture of a comparison: loss, gradient by lag, and time, side by side, a colour for each variant."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TypeAlias

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, NullLocator

from bptt.report.comparison_record import Comparison, Gradient, VariantResult
from bptt.report.figure_page import BLUE, DASHES, GREEN, INK, ORANGE, PURPLE, QUIET, SKY, page

_COLOURS = (BLUE, ORANGE, GREEN, PURPLE, SKY, INK)
_SIZE, _WIDTHS = (13.0, 5.0), (5, 5, 3)
_THIN, _THICK = 0.9, 2.2
# Smaller shares of the gradient at lag 0 are not drawn: no optimiser sees them.
_SMALLEST = 1e-16

# The colour and the dashes of each variant, by its name.
Styles: TypeAlias = Mapping[str, tuple[str, str]]


def draw_comparison(comparison: Comparison, path: Path) -> None:
    """Draw the held-out loss by update, the gradient by lag (thin before training, thick after it), and the
    time of training. Raises MachineError if the file cannot be written.
    """
    count = len(_COLOURS)
    names = [variant.name for variant in comparison.variants]
    styles = {name: (_COLOURS[k % count], DASHES[k // count % len(DASHES)]) for k, name in enumerate(names)}
    with page(path, "The same data, in the same order", comparison.title) as losses:
        figure = losses.get_figure(root=True)
        assert figure is not None
        figure.set_size_inches(*_SIZE)
        grid = figure.add_gridspec(1, 3, width_ratios=_WIDTHS)
        losses.set_subplotspec(grid[0])
        if comparison.curves:
            _draw_learning_curves(losses, comparison, styles)
        else:
            _draw_losses(losses, comparison, styles)
        _draw_gradients(figure.add_subplot(grid[1]), comparison, styles)
        _draw_times(figure.add_subplot(grid[2]), comparison, styles)


def _draw_losses(axes: Axes, comparison: Comparison, styles: Styles) -> None:
    """Draw a line for each run on a logarithmic scale, which shows how well a solved problem is solved."""
    for variant in comparison.variants:
        colour, dash = styles[variant.name]
        for number, run in enumerate(variant.runs):
            label = variant.name if number == 0 else None
            axes.plot(run.held_out.steps, run.held_out.losses, dash, color=colour, label=label)
    if comparison.baseline is not None:
        axes.axhline(comparison.baseline, color=QUIET, lw=1, ls=":", label="remembering nothing")
        axes.set_yscale("log")
    axes.set(xlabel="updates of the weights", ylabel="held-out loss")
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
    axes.spines["right"].set_visible(False)
    axes.legend(loc="best", fontsize=9)


def _draw_learning_curves(axes: Axes, comparison: Comparison, styles: Styles) -> None:
    """Draw the best loss by the share of the examples, a line for each cell."""
    for name, points in comparison.curves.items():
        colour, dash = styles[points[-1].name]
        drawn = [(point.share, _score(point, comparison)) for point in points if point.losses]
        axes.plot(*zip(*drawn, strict=True), dash, marker="o", color=colour, label=name)
    axes.set_xscale("log")
    shares = sorted({variant.share for variant in comparison.variants})
    axes.set_xticks(shares, [f"{share:.4g}" for share in shares])
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set(xlabel="share of the training data", ylabel=_score_name(comparison))
    axes.spines["right"].set_visible(False)
    axes.legend(loc="best", fontsize=9)


def _score(variant: VariantResult, comparison: Comparison) -> float | None:
    return variant.text.bits if comparison.has_levels and variant.text else variant.loss


def _score_name(comparison: Comparison) -> str:
    return "bits per character" if comparison.has_levels else "best held-out loss"


def _draw_gradients(axes: Axes, comparison: Comparison, styles: Styles) -> None:
    for variant in comparison.variants:
        for run in variant.runs:
            for gradient, width in ((run.start, _THIN), (run.end, _THICK)):
                if gradient is not None and gradient.median[0]:
                    _draw_gradient(axes, gradient, *styles[variant.name], width)
    axes.set_yscale("log")
    axes.set_ylim(bottom=max(axes.get_ylim()[0], _SMALLEST))
    axes.set(xlabel="lag k (time steps back)")
    axes.set_ylabel(r"$\Vert\delta_{T-k}\Vert\;/\;\Vert\delta_T\Vert$")
    axes.spines["right"].set_visible(False)
    handles = [
        Line2D([], [], color=QUIET, lw=width, label=when)
        for width, when in ((_THIN, "before training"), (_THICK, "with the best weights"))
    ]
    axes.legend(handles=handles, loc="best", fontsize=9)


def _draw_gradient(axes: Axes, gradient: Gradient, colour: str, dash: str, width: float) -> None:
    shares = [value / gradient.median[0] for value in gradient.median]
    axes.plot(range(len(shares)), shares, dash, color=colour, lw=width)


def _draw_times(axes: Axes, comparison: Comparison, styles: Styles) -> None:
    variants = comparison.variants[::-1]
    bars = axes.barh(
        [variant.name for variant in variants],
        [variant.seconds for variant in variants],
        color=[styles[variant.name][0] for variant in variants],
        height=0.6,
    )
    axes.bar_label(bars, [f"{v.milliseconds:.2g} ms" for v in variants], padding=3, fontsize=9, color=QUIET)
    axes.set(xlabel="seconds in all, and per update")
    axes.margins(x=0.25)
    axes.grid(axis="y", visible=False)
    axes.spines["right"].set_visible(False)
