"""The picture of a training: how the loss fell, and how far back the gradient reached."""

from __future__ import annotations

from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FuncFormatter, LogLocator
from numpy.typing import ArrayLike

from bptt.report.figure_page import BLUE, ORANGE, page
from bptt.report.run_records import WHOLE, Training
from bptt.report.watched import draw_reach


def draw_training(training: Training, path: Path) -> None:
    """Draw the training and the held-out loss by update, the best one marked, with the perplexity on the
    right if the loss is one of tokens. Below, if the run was watched, the picture shows how far back the
    gradient reached.

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
        if training.unit != WHOLE:
            _add_perplexity(axes, training.unit)
        axes.legend(loc="upper right")
        if training.reach:
            draw_reach(training.reach, axes)


def _add_perplexity(axes: Axes, unit: str) -> None:
    perplexity = axes.secondary_yaxis("right", functions=(_perplexity, _loss))
    perplexity.set_ylabel(f"perplexity per {unit}")
    perplexity.yaxis.set_major_locator(LogLocator(subs=(1, 1.5, 2, 3, 4, 5, 7)))
    perplexity.yaxis.set_major_formatter("{x:g}")


def _perplexity(loss: ArrayLike) -> ArrayLike:
    return np.exp(loss)


def _loss(perplexity: ArrayLike) -> ArrayLike:
    with np.errstate(divide="ignore", invalid="ignore"):  # matplotlib also asks for that of 0
        return np.log(perplexity)
