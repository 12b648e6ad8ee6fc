"""The picture of a piece of music: pitch over time, a colour for each part, stronger for louder notes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Protocol

from matplotlib.axes import Axes
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgb
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from bptt.report.figure_page import BLUE, FAINT, GREEN, INK, ORANGE, PURPLE, QUIET, SKY, page

_COLOURS = (BLUE, ORANGE, GREEN, PURPLE, SKY)
_NOTE_NAMES = ("C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B")
# More groups than a legend can hold.
_MOST_NAMED = 8
# Of a line of the roll; and of the width of the picture, so that strokes of percussion are seen.
_HEIGHT, _LEAST_WIDTH = 0.84, 0.003
# More rows of names than this run into each other.
_MOST_ROWS = 24
# The palest note keeps this share of its colour.
_PALEST = 0.3


class RollNote(Protocol):
    """A note: from `start` to `end`, at `pitch`, of a `group`, with a `strength` from 0 to 1."""

    @property
    def start(self) -> float:
        """Where the note begins, in the unit of the roll."""

    @property
    def end(self) -> float:
        """Where it ends."""

    @property
    def pitch(self) -> int:
        """The MIDI number."""

    @property
    def group(self) -> int:
        """The number of its part."""

    @property
    def strength(self) -> float:
        """The loudness, from 0 to 1."""


class Roll(Protocol):
    """A piece to be drawn: notes by groups, of which `drums` are percussion with names by pitch."""

    @property
    def notes(self) -> Sequence[RollNote]:
        """The notes."""

    @property
    def unit(self) -> str:
        """The unit of time: bar or s."""

    @property
    def groups(self) -> Sequence[str]:
        """The name of each group."""

    @property
    def drums(self) -> frozenset[int]:
        """The groups that are percussion."""

    @property
    def drum_names(self) -> Mapping[int, str]:
        """The name of each pitch of percussion, from low to high."""

    @property
    def lines(self) -> Sequence[float]:
        """Where bars begin."""


def draw_roll(roll: Roll, headline: str, title: str, path: Path, primer: float | None = None) -> None:
    """Draw a piano roll as .png or .svg; percussion below the pitches, a row for each sound. `primer` is the
    end of what was given, in the unit of the roll.

    Raises as `page` does.
    """
    pitches = [note.pitch for note in roll.notes if note.group not in roll.drums]
    rows = _drum_rows(roll, pitches or [60])
    end = max((note.end for note in roll.notes), default=1.0)
    begin = min((*roll.lines[:1], *(note.start for note in roll.notes)), default=0.0)
    with page(path, headline, title) as axes:
        _draw_notes(axes, roll, rows, (end - begin) * _LEAST_WIDTH)
        levels = [*rows.values(), *pitches] or [60]
        axes.set(xlim=(begin, max(end, begin + 1e-3)), ylim=(min(levels) - 1, max(levels) + 1))
        axes.grid(visible=False)
        _label_time(axes, roll)
        _label_pitches(axes, roll, rows, pitches)
        if primer is not None:
            axes.axvspan(begin, primer, color=FAINT, alpha=0.5, lw=0, zorder=0)
            axes.axvline(primer, color=QUIET, lw=1, ls="--", zorder=1)
        if 1 < len(roll.groups) <= _MOST_NAMED:
            patches = [Patch(color=_colour(group), label=name) for group, name in enumerate(roll.groups)]
            axes.legend(handles=patches, loc="upper right", bbox_to_anchor=(1, 1.11), ncols=4, fontsize=9)


def _drum_rows(roll: Roll, pitches: Sequence[int]) -> dict[int, float]:
    """Return the height of each pitch of percussion: below the lowest pitch, far enough apart for names."""
    count, low = len(roll.drum_names), min(pitches)
    apart = max(1.0, (max(pitches) - low) / _MOST_ROWS)
    return {pitch: low - 2.0 - apart * (count - row) for row, pitch in enumerate(roll.drum_names)}


def _draw_notes(axes: Axes, roll: Roll, rows: Mapping[int, float], least: float) -> None:
    shapes, colours = [], []
    for note in roll.notes:
        level = rows[note.pitch] if note.group in roll.drums else note.pitch
        end, low, high = max(note.end, note.start + least), level - _HEIGHT / 2, level + _HEIGHT / 2
        shapes.append([(note.start, low), (note.start, high), (end, high), (end, low)])
        share = _PALEST + (1 - _PALEST) * note.strength
        colours.append(tuple(1 - share * (1 - part) for part in to_rgb(_colour(note.group))))
    axes.add_collection(
        PolyCollection(shapes, facecolors=colours, edgecolors="white", linewidths=0.3, zorder=2)
    )


def _colour(group: int) -> str:
    return _COLOURS[group % len(_COLOURS)]


def _label_time(axes: Axes, roll: Roll) -> None:
    axes.set_xlabel("bar" if roll.unit == "bar" else "seconds")
    axes.xaxis.set_major_locator(MaxNLocator(16, integer=roll.unit == "bar", steps=[1, 2, 4, 5, 8, 10]))
    few = len(roll.lines) <= 100
    for line in roll.lines if few else ():
        axes.axvline(line, color=FAINT, lw=0.8, zorder=0)


def _label_pitches(axes: Axes, roll: Roll, rows: Mapping[int, float], pitches: Sequence[int]) -> None:
    low, high = min(pitches, default=60), max(pitches, default=59)
    # Each C; of a narrow range all white keys.
    wide = high - low > 24
    marked = [
        pitch for pitch in range(low, high + 1) if pitch % 12 in ((0,) if wide else (0, 2, 4, 5, 7, 9, 11))
    ]
    for pitch in marked:
        axes.axhline(pitch, color=FAINT, lw=0.5, zorder=0)
    names = [f"{_NOTE_NAMES[pitch % 12]}{pitch // 12 - 1}" for pitch in marked]
    heights = [*rows.values(), *marked]
    axes.set_yticks(heights, [*(roll.drum_names[pitch] for pitch in rows), *names], fontsize=8, color=INK)
    axes.tick_params(length=0)
