"""The picture of a unit over a sentence: a strip for each value, the tokens below, numbers if they fit."""

from __future__ import annotations

from pathlib import Path

import pytest
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bptt.report.steps_figure import Strip, draw_steps

TOKENS = ("<start>", "The", "cats", "$were\n", "床前")
STRIPS = (
    Strip("Γ_u", "gate", (0.25, 1.0, 0.985, 0.004, 0.5)),
    Strip("c̃", "other", (0.1, -2.0, -0.5, 0.0, 1.0)),
    Strip("P(next)", "share", (1.0, 0.25, None, 0.5, 0.0)),
)


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Axes]:
    """The axes of every figure, which is not saved."""
    found: list[Axes] = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, path, **_: found.append(figure.axes[0]))
    monkeypatch.setattr("bptt.report.figure_page.write_output", lambda path, data: None)
    return found


def test_every_value_has_a_strip_with_its_numbers(drawn: list[Axes], tmp_path: Path) -> None:
    draw_steps(TOKENS, STRIPS, "layer 1, unit 3", "title", tmp_path / "unit.png")
    (axes,) = drawn
    assert [label.get_text() for label in axes.get_yticklabels()] == [
        "$\\mathregular{Γ_{u}}$", "c̃", "P(next)"
    ]  # fmt: skip
    assert [label.get_text() for label in axes.get_xticklabels()] == [*TOKENS[:3], "$were↵", "床前"]
    gate, candidate, share = axes.images
    assert gate.norm(0.5) == 0.5 and (gate.norm.vmin, gate.norm.vmax) == (0, 1)
    assert (candidate.norm.vmin, candidate.norm.vmax) == (-2, 2)
    assert share.get_array().mask.tolist() == [[False, False, True, False, False]]
    numbers = {(round(x), round(y)): t.get_text() for t in axes.texts for x, y in [t.get_position()] if y}
    assert {place: text for place, text in numbers.items() if place[1] == 1} == {
        (0, 1): ".10", (1, 1): "−2.00", (2, 1): "−.50", (3, 1): ".00", (4, 1): "1.00"
    }  # fmt: skip
    assert (2, 2) not in numbers


@pytest.mark.parametrize(("steps", "written", "names"), [(24, 24, 24), (25, 0, 25), (130, 0, 44)])
def test_a_long_text_has_no_numbers_and_fewer_names(
    steps: int, written: int, names: int, drawn: list[Axes], tmp_path: Path
) -> None:
    strip = Strip("h", "state", (0.5,) * steps)
    draw_steps(("a",) * steps, [strip], "layer 1, unit 0", "title", tmp_path / "unit.svg")
    (axes,) = drawn
    assert sum(text.get_text() == ".50" for text in axes.texts) == written
    assert len(axes.get_xticklabels()) == names
