"""The picture of one unit over a sentence: a strip for each gate and state, the tokens below."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap, Normalize

from bptt.report.figure_page import GREEN, INK, page, white_to
from bptt.report.inspection_views import Array
from bptt.report.text_figure import diverging

# With more steps the numbers would run into each other, or the names of tokens.
_MOST_NUMBERS, _MOST_NAMES = 24, 60
# The height of a strip, in strips and the gaps between them.
_HEIGHT = 0.86


@dataclass(frozen=True)
class Strip:
    """A value at each of T steps, None where there is none.

    A "gate" or a "share" is between 0 and 1, any other kind has both signs.
    """

    name: str
    kind: str
    numbers: tuple[float | None, ...]

    @property
    def array(self) -> Array:
        """The numbers (T,), NaN where there is none."""
        return np.array(self.numbers, np.float64)


def draw_steps(tokens: Sequence[str], strips: Sequence[Strip], headline: str, title: str, path: Path) -> None:
    """Draw the strips above the tokens: gates blue shut, orange open; states blue negative, orange positive.

    Raises MachineError if the file cannot be written.
    """
    with page(path, headline, title) as axes:
        for row, strip in enumerate(strips):
            _draw_strip(axes, strip, row)
        axes.grid(visible=False)
        axes.spines[:].set_visible(False)
        axes.set(xlim=(-0.5, len(tokens) - 0.5), ylim=(len(strips) - 0.5, -0.5))
        axes.set_yticks(range(len(strips)), [_symbol(strip.name) for strip in strips], fontsize=12)
        every = -(-len(tokens) // _MOST_NAMES)
        steps = range(0, len(tokens), every)
        names = [_printable(tokens[step]) for step in steps]
        axes.set_xticks(steps, names, rotation=90 if len(tokens) > 12 else 0, parse_math=False)
        axes.tick_params(length=0)


def _draw_strip(axes: Axes, strip: Strip, row: int) -> None:
    scale, colours = _colours(strip)
    box = (-0.5, len(strip.numbers) - 0.5, row + _HEIGHT / 2, row - _HEIGHT / 2)
    axes.imshow(
        strip.array[None], cmap=colours, norm=scale, extent=box, aspect="auto", interpolation="nearest"
    )
    if len(strip.numbers) > _MOST_NUMBERS:
        return
    size = 8 if len(strip.numbers) <= _MOST_NUMBERS * 3 // 4 else 7
    for step, number in enumerate(strip.numbers):
        if number is not None:
            axes.text(step, row, _number(number), ha="center", va="center", fontsize=size, color=INK)


def _colours(strip: Strip) -> tuple[Normalize, Colormap]:
    if strip.kind == "share":
        return Normalize(0, 1.4), white_to(GREEN)
    if strip.kind == "gate":
        return Normalize(0, 1), diverging()
    reach = float(np.nanmax(np.abs(strip.array), initial=0)) or 1.0
    return Normalize(-reach, reach), diverging()


def _symbol(name: str) -> str:
    """Write the name of a value with its subscript, Γ_u as Γᵤ; a name with several is left as it is."""
    base, *subscripts = name.split("_")
    if len(subscripts) != 1 or not (base and subscripts[0]):
        return name
    return rf"$\mathregular{{{base}_{{{subscripts[0]}}}}}$"


def _number(number: float) -> str:
    """Write two decimals without the zero before the point, which takes room."""
    return f"{number:.2f}".replace("0.", ".", 1).replace("-", "−")


def _printable(token: str) -> str:
    return "".join("↵" if c == "\n" else c if c.isprintable() else "·" for c in token)
