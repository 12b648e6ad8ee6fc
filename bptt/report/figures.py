"""The pictures of a run: how the loss fell, and how the gradient fades through time."""

from __future__ import annotations

from math import isfinite
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator
from numpy.typing import ArrayLike

from bptt.report.page import BLUE, GREEN, ORANGE, PURPLE, QUIET, page
from bptt.report.records import Gradient, Lags, Training
from bptt.report.watched import draw_reach

LAYERS = (BLUE, ORANGE, GREEN, PURPLE)
DASHES = ("-", "--", ":", "-.")
# Below this share of the largest value float32 has little to say, and nobody looks.
SMALLEST_SHARE = 1e-8
GRADIENT_NORM = r"$\Vert\partial E_T\,/\,\partial s_{T-k}\Vert$  (nats per unit of state)"


def draw_training(training: Training, path: Path) -> None:
    """Training and held-out loss over the updates, the best one marked; perplexity on the right. Below, if
    the run was watched, how far back the gradient reached.

    Raises MachineError if the file cannot be written.
    """
    train, held_out = training.train, training.held_out
    step, loss = training.best
    with page(path, "How the loss fell", training.title) as axes:
        axes.set_xlim(0, 1.03 * max((*train.steps, *held_out.steps)))
        axes.plot(train.steps, train.losses, color=BLUE, alpha=0.6, lw=1.2, label="training text")
        label = f"held-out text, best {loss:.3f} after {step:,} updates"
        axes.plot(held_out.steps, held_out.losses, "o-", color=ORANGE, ms=4, label=label)
        axes.plot([step], [loss], "o", color=ORANGE, ms=11, fillstyle="none")
        axes.set(xlabel="updates of the weights", ylabel=f"loss (nats per {training.unit})")
        axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}"))
        perplexity = axes.secondary_yaxis("right", functions=(_perplexity, _loss))
        perplexity.set_ylabel(f"perplexity per {training.unit}")
        perplexity.yaxis.set_major_locator(LogLocator(subs=(1, 1.5, 2, 3, 4, 5, 7)))
        perplexity.yaxis.set_major_formatter("{x:g}")
        axes.legend(loc="upper right")
        if training.reach:
            draw_reach(training.reach, axes)


def draw_gradient(gradient: Gradient, path: Path) -> None:
    """The norm of the gradient by lag on a logarithmic scale, a line for each layer and state.

    A ring marks the lag at which a tenth of the first value is left. Raises MachineError if the file
    cannot be written.
    """
    states = list(dict.fromkeys(curve.state for curve in gradient.curves))
    with page(path, "How far back the gradient reaches", gradient.title) as axes:
        for curve in gradient.curves:
            colour = LAYERS[(curve.layer - 1) % len(LAYERS)]
            _draw_curve(axes, curve, colour, DASHES[states.index(curve.state) % len(DASHES)])
        axes.set(xlabel="lag k (time steps back)", ylabel=GRADIENT_NORM)
        axes.spines["right"].set_visible(False)
        axes.margins(x=0.01)
        largest = max(filter(isfinite, (x for curve in gradient.curves for x in curve.median)), default=0)
        if largest > 0:
            axes.set_yscale("log")
            axes.set_ylim(bottom=max(axes.get_ylim()[0], largest * SMALLEST_SHARE))
        axes.legend(loc="best", handlelength=3.2)
        note = f"median of {gradient.windows} windows of text; shaded: middle half; ring: a tenth left"
        axes.annotate(note, (0, -0.18), xycoords="axes fraction", fontsize=8, color=QUIET)


def _perplexity(loss: ArrayLike) -> ArrayLike:
    return np.exp(loss)


def _loss(perplexity: ArrayLike) -> ArrayLike:
    with np.errstate(divide="ignore", invalid="ignore"):  # matplotlib also asks for that of 0
        return np.log(perplexity)


def _draw_curve(axes: Axes, curve: Lags, colour: str, dash: str) -> None:
    lags = range(1, len(curve.median) + 1)
    axes.fill_between(lags, curve.lower_quartile, curve.upper_quartile, color=colour, alpha=0.1, lw=0)
    reach = f": a tenth at lag {curve.tenth}" if curve.tenth else ""
    label = f"layer {curve.layer}, {curve.state}{reach}"
    axes.plot(lags, curve.median, dash, color=colour, label=label)
    if curve.tenth:
        axes.plot([curve.tenth], [curve.median[curve.tenth - 1]], "o", color=colour, ms=8, mfc="white")
