"""The picture of a profile: a flame of bars, as wide as shares of the time, parts above their whole."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from matplotlib.axes import Axes

from bptt.errors import InputError
from bptt.report.figure_page import BLUE, GREEN, INK, ORANGE, PURPLE, QUIET, SKY, page
from bptt.report.run_records import read_object

RECORD, ROOT = "profile.json", "training"
_SIZE = (11.0, 4.0)
_COLOURS = {
    "forward": BLUE,
    "backward": ORANGE,
    "optimiser": GREEN,
    "input": PURPLE,
    "evaluation": SKY,
    "checkpoint": PURPLE,
}
# Names are written into bars at least this share of the picture wide for each character.
_CHARACTER = 0.0085


def draw_profile(run: Path, path: Path) -> None:
    """Draw the parts of a training whose profile.json is in the folder `run`, the longest first.

    Raises InputError if that is missing or damaged, MachineError if the picture cannot be written.
    """
    found = read_object(run / RECORD)
    try:
        seconds = {str(name): float(value) for name, value in found["seconds"].items()}
        updates, title, total = int(found["updates"]), str(found["title"]), seconds[ROOT]
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise InputError(str(run / RECORD), "expected what `bptt train` writes", repr(error)) from error
    subtitle = f"{title}: {1e3 * total / updates:.2f} ms an update, over {updates:,} updates"
    with page(path, "Where the time goes", subtitle) as axes:
        figure = axes.get_figure(root=True)
        assert figure is not None
        figure.set_size_inches(*_SIZE)
        depth = _draw(axes, seconds, ROOT, 0.0, 0, QUIET)
        axes.set_xlim(0, 1)
        axes.set_ylim(0, depth)
        axes.set_yticks([])
        axes.xaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
        axes.set(xlabel="share of the time of training")
        axes.grid(visible=False)
        axes.spines[["left", "right"]].set_visible(False)


def _draw(axes: Axes, seconds: Mapping[str, float], path: str, left: float, depth: int, colour: str) -> int:
    """Draw a part with those inside above it, and return the height."""
    name, share = path.rpartition("/")[2], seconds[path] / seconds[ROOT]
    colour = _COLOURS.get(name, colour)
    axes.barh(depth, share, 0.94, left, align="edge", color=colour, alpha=0.75, edgecolor="white")
    texts = (f"{name} {share:.1%}", name, name.rpartition(".")[2], "")
    shown = next(text for text in texts if len(text) * _CHARACTER <= share)
    middle = left + share / 2, depth + 0.47
    axes.text(*middle, shown, ha="center", va="center", fontsize=8, color=INK, parse_math=False)
    highest = depth + 1
    inside = [each for each in seconds if each.rpartition("/")[0] == path]
    for each in sorted(inside, key=lambda each: -seconds[each]):
        highest = max(highest, _draw(axes, seconds, each, left, depth + 1, colour))
        left += seconds[each] / seconds[ROOT]
    return highest
