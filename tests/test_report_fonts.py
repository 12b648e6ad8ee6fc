"""Characters that no installed font has: boxes in the picture, and a notice that names a package."""

from __future__ import annotations

import warnings
from collections.abc import Iterator
from pathlib import Path

import pytest

from bptt.cli.main import show_warnings_as_lines
from bptt.report import fonts
from bptt.report.confusion import draw_confusion
from bptt.report.figure_page import page


@pytest.fixture(autouse=True)
def alone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine that has DejaVu alone, and a process that has said nothing yet."""
    monkeypatch.setattr(fonts, "FONTS", ("DejaVu Sans",))
    fonts._said.cache_clear()
    yield
    fonts._said.cache_clear()


@pytest.mark.parametrize(
    ("labels", "packages"),
    [
        (["好", "坏"], ["fonts-noto-cjk"]),
        (["ひらがな", "b"], ["fonts-noto-cjk"]),
        (["한국어", "b"], ["fonts-noto-cjk"]),
        (["ไทย", "हिन्दी"], ["fonts-noto-core"]),
        (["好", "ไทย"], ["fonts-noto-cjk", "fonts-noto-core"]),
        (["Äpfel", "Ωμέγα", "Мир", "שלום"], []),
    ],
)
def test_the_package_with_a_font_is_named_once(
    tmp_path: Path, recwarn: pytest.WarningsRecorder, labels: list[str], packages: list[str]
) -> None:
    counts = [[1] * len(labels)] * len(labels)
    for name in ("a.png", "b.svg", "c.png"):
        draw_confusion(counts, labels, tmp_path / name)
    said = [str(each.message) for each in recwarn if each.category is fonts.MissingFont]
    assert [line.split("apt install ")[1].split(")")[0] for line in said] == packages
    assert len(said) == len(list(recwarn))


def test_a_command_says_it_in_a_line(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(warnings, "formatwarning", warnings.formatwarning)
    show_warnings_as_lines()
    text = warnings.formatwarning(fonts.MissingFont("no font"), fonts.MissingFont, "page.py", 3)
    assert text == "bptt: no font\n"
    assert "page.py:3: UserWarning" in warnings.formatwarning(UserWarning("else"), UserWarning, "page.py", 3)


def test_other_warnings_are_handed_on(recwarn: pytest.WarningsRecorder) -> None:
    with fonts.missing_noticed():
        warnings.warn("something else", stacklevel=1)
    assert [str(each.message) for each in recwarn] == ["something else"]


@pytest.mark.parametrize(
    ("headline", "families"), [("Loss", ["cmr10"]), ("Потеря", ["cmr10", "DejaVu Sans"])]
)
def test_a_heading_is_drawn_by_a_font_that_has_its_characters(
    tmp_path: Path,
    recwarn: pytest.WarningsRecorder,
    monkeypatch: pytest.MonkeyPatch,
    headline: str,
    families: list[str],
) -> None:
    # Both come with matplotlib; the first lacks Cyrillic, as DejaVu Sans lacks Chinese.
    monkeypatch.setattr(fonts, "FONTS", ("cmr10", "DejaVu Sans"))
    with page(tmp_path / "a.png", headline, "") as axes:
        (drawn,) = axes.texts
    assert drawn.get_fontfamily() == families
    assert (drawn.get_fontweight() == "bold") == (len(families) == 1)
    assert not [each for each in recwarn if each.category is fonts.MissingFont]
