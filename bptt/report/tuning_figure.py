"""The picture of a search: candidates by the epochs they were given, and the comparison with the defaults."""

from __future__ import annotations

from pathlib import Path
from statistics import mean

from matplotlib.axes import Axes

from bptt.report.figure_page import BLUE, FAINT, INK, ORANGE, QUIET, page
from bptt.report.tuning_record import CandidateResult, PairedJudgement, Tuning

_SIZE, _WIDTHS = (11.0, 4.8), (5, 2)
_NAMES = ("a ninth", "a third", "all epochs", "more seeds")


def draw_tuning(tuning: Tuning, path: Path) -> None:
    """Draw the held-out value of each candidate on its rungs, and the comparison with the defaults.

    Raises MachineError if the file cannot be written.
    """
    with page(path, "Halving the candidates", tuning.title) as axes:
        figure = axes.get_figure(root=True)
        assert figure is not None
        figure.set_size_inches(*_SIZE)
        if tuning.judged is not None:
            grid = figure.add_gridspec(1, 2, width_ratios=_WIDTHS)
            axes.set_subplotspec(grid[0])
            _draw_judged(figure.add_subplot(grid[1]), tuning.judged)
        _draw_candidates(axes, tuning)


def _draw_candidates(axes: Axes, tuning: Tuning) -> None:
    named = (tuning.best, 0)
    for each in tuning.candidates:
        if each.number not in named:
            _draw_candidate(axes, each, QUIET, 0.8, None)
    for number, colour, label in ((0, BLUE, "defaults"), (tuning.best, ORANGE, f"best: {tuning.best}")):
        if number or label == "defaults":
            found = next(each for each in tuning.candidates if each.number == number)
            _draw_candidate(axes, found, colour, 2.2, label)
    rungs = sorted({rung.rung for each in tuning.candidates for rung in each.rungs})
    axes.set_xticks(rungs, [_NAMES[rung] for rung in rungs])
    axes.set(xlabel="trained for", ylabel=f"best held-out {tuning.criterion} so far")
    axes.spines["right"].set_visible(False)
    axes.legend(loc="best", fontsize=9)


def _draw_candidate(
    axes: Axes, candidate: CandidateResult, colour: str, width: float, label: str | None
) -> None:
    points = [(rung.rung, rung.value) for rung in candidate.rungs if rung.value is not None]
    if points:
        x, y = zip(*points, strict=True)
        axes.plot(x, y, "o-", color=colour, lw=width, ms=3 + width, label=label)


def _draw_judged(axes: Axes, judged: PairedJudgement) -> None:
    for pair in zip(judged.defaults, judged.tuned, strict=True):
        axes.plot((0, 1), pair, color=FAINT, lw=1.2, zorder=1)
    for place, (values, colour) in enumerate(((judged.defaults, BLUE), (judged.tuned, ORANGE))):
        axes.plot([place] * len(values), values, "o", color=colour, alpha=0.7)
        axes.plot((place - 0.15, place + 0.15), [mean(values)] * 2, color=INK, lw=2)
    axes.set_xticks((0, 1), ("defaults", "tuned"))
    axes.set_xlim(-0.5, 1.5)
    axes.set(ylabel=judged.metric)
    axes.set_title(f"on {judged.data}", loc="left", fontsize=10, color=QUIET, parse_math=False)
    axes.grid(axis="x", visible=False)
    axes.spines["right"].set_visible(False)
