"""The picture of a text, each token on the colour of a unit."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from matplotlib.axes import Axes
from matplotlib.collections import PatchCollection
from matplotlib.figure import Figure

from bptt.report.figure_page import BLUE
from bptt.report.inspection_views import ValueView
from bptt.report.text_figure import draw_text


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Axes]:
    """The axes of every figure, which is not saved."""
    found: list[Axes] = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, path, **_: found.append(figure.axes[0]))
    monkeypatch.setattr("bptt.report.figure_page.write_output", lambda path, data: None)
    return found


def test_text_is_laid_out_and_coloured(drawn: list[Axes], tmp_path: Path) -> None:
    numbers = np.array([[-1.0], [0.0], [1.0], [1.0]])
    tokens = ("中", "a\n", "\n", "bc")
    draw_text(tokens, "layer 1", ValueView("h", "state", numbers), 0, "title", tmp_path / "text.png")
    (boxes,) = (part for part in drawn[0].collections if isinstance(part, PatchCollection))
    places = [text.get_position() for text in drawn[0].texts if text.get_text() in "中a↵bc"]
    assert places == [(1.0, 0.5), (2.5, 0.5), (3.5, 0.5), (0.5, 1.5), (0.5, 2.5), (1.5, 2.5)]
    colours = np.asarray(boxes.get_facecolor())[:, :3]
    low = np.array([int(BLUE[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    np.testing.assert_allclose(colours[0], 1 + 0.62 * (low - 1), atol=4 / 255)
    np.testing.assert_allclose(colours[1], [1, 1, 1], atol=2 / 255)
    # Red above blue: orange.
    assert colours[5][0] > colours[5][2]


@pytest.mark.parametrize(
    ("tokens", "wanted"),
    [
        (("<start>", "床", "前"), [8.0, 10.0]),
        (("<start>", "举头", "望"), [9.0, 11.0, 14.0]),
    ],
)
def test_characters_are_adjacent_and_words_apart(
    drawn: list[Axes], tmp_path: Path, tokens: tuple[str, ...], wanted: list[float]
) -> None:
    numbers = np.zeros((len(tokens), 1))
    draw_text(tokens, "layer 1", ValueView("h", "state", numbers), 0, "title", tmp_path / "text.png")
    centres = [text.get_position()[0] for text in drawn[0].texts if text.get_text() in "床前举头望"]
    assert centres == wanted
