"""Diagrams on the page of a derivation in a browser: its own measures of every label, light and dark."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from diagram_models import MODELS
from diagram_texts import CELLS
from playwright.sync_api import Browser, Page

from bptt.explain.diagrams.architectures import architecture_diagram, named
from bptt.explain.document import Derivation, Section, Stage
from bptt.explain.drawn import with_diagrams
from bptt.explain.page import page
from bptt.explain.translation import translated
from bptt.languages.available import Language

# Labels that are cut, that meet another label, an arrow or a border: each in words.
FAULTS = """() => {
  const measured = (shape, less) => {
    const {x, y, width, height} = shape.getBBox();
    return {left: x, right: x + width, top: y + less, bottom: y + height - less};
  };
  const meet = (a, b) => a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
  const within = (a, b) => a.left >= b.left && a.right <= b.right && a.top >= b.top && a.bottom <= b.bottom;
  const found = [];
  for (const drawing of document.querySelectorAll("svg.diagram")) {
    const fault = text => found.push(drawing.getAttribute("aria-label") + ": " + text);
    const {width, height} = drawing.viewBox.baseVal;
    const whole = {left: 0, right: width, top: 0, bottom: height};
    const boxes = [...drawing.querySelectorAll("rect.box")].map(shape => measured(shape, 0));
    // Two pixels of a line are above its letters, and below them.
    const labels = [...drawing.querySelectorAll("text")].map(
      shape => ({text: shape.textContent, ...measured(shape, 2)}));
    labels.forEach((label, k) => {
      if (!within(label, whole)) fault(label.text + " is cut");
      labels.slice(k + 1).filter(other => meet(label, other)).forEach(
        other => fault(label.text + " meets " + other.text));
      boxes.filter(box => meet(label, box) && !within(label, box)).forEach(
        () => fault(label.text + " leaves its box"));
    });
    for (const line of drawing.querySelectorAll("path")) {
      for (let at = 0; at <= line.getTotalLength(); at += 2) {
        const {x, y} = line.getPointAtLength(at);
        const point = {left: x, right: x, top: y, bottom: y};
        labels.filter(label => meet(point, label)).forEach(label => fault("a line meets " + label.text));
      }
    }
  }
  return [...new Set(found)];
}"""
# The least contrast between a label and what is behind it.
CONTRAST = """() => {
  const light = colour => {
    const parts = colour.match(/[\\d.]+/g).slice(0, 3).map(part => part / 255).map(
      part => part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4);
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
  };
  const ground = getComputedStyle(document.body).backgroundColor;
  let least = 21;
  for (const drawing of document.querySelectorAll("svg.diagram")) {
    for (const label of drawing.querySelectorAll("text")) {
      const {x, y, width, height} = label.getBBox();
      const behind = [...drawing.querySelectorAll("rect")].filter(shape => {
        const box = shape.getBBox();
        return box.x <= x && box.y <= y + height / 2 && box.x + box.width >= x + width
          && box.y + box.height >= y + height / 2;
      }).at(-1);
      const pair = [getComputedStyle(label).fill, behind ? getComputedStyle(behind).fill : ground].map(light);
      least = Math.min(least, (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05));
    }
  }
  return least;
}"""
# The contrast of normal text by level AA of the Web Content Accessibility Guidelines.
LEGIBLE = 4.5


def written(tmp_path: Path, language: Language) -> Path:
    """A page in this language with the diagrams of all cells and architectures."""
    models = (*named("lstm").values(), *MODELS.values())
    parts = tuple(architecture_diagram(model) for model in models)
    document = Derivation("Diagrams", (), (Section(Stage.DIAGRAMS, "Diagrams", parts),))
    document = with_diagrams(document, tuple(CELLS.values()))
    path = tmp_path / "diagrams.html"
    path.write_text(page(translated(document, language)), "utf-8")
    return path


@contextmanager
def opened(browser: Browser, path: Path, dark: bool = False) -> Iterator[Page]:
    context = browser.new_context(color_scheme="dark" if dark else "light")
    shown = context.new_page()
    shown.goto(path.as_uri())
    yield shown
    context.close()


@pytest.mark.parametrize("language", Language)
def test_no_label_is_cut_or_meets_anything(chromium: Browser, tmp_path: Path, language: Language) -> None:
    with opened(chromium, written(tmp_path, language)) as shown:
        assert shown.locator("svg.diagram").count() > 5 * len(CELLS)
        assert shown.evaluate(FAULTS) == []
        # A wide diagram scrolls by itself, not the page.
        assert shown.evaluate("document.documentElement.scrollWidth <= innerWidth")


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ("label.setAttribute('x', -9)", "is cut"),
        ("['x', 'y'].forEach(k => label.setAttribute(k, other.getAttribute(k)))", "meets gru"),
        ("label.textContent = 'much too long a label'", "leaves its box"),
    ],
)
def test_faults_are_seen(chromium: Browser, tmp_path: Path, change: str, fault: str) -> None:
    path = tmp_path / "gru.html"
    drawn = architecture_diagram(named("gru")["deep"])
    path.write_text(page(Derivation("", (), (Section(Stage.DIAGRAMS, "", (drawn,)),))), "utf-8")
    with opened(chromium, path) as shown:
        assert shown.evaluate(FAULTS) == []
        other = "const other = [...document.querySelectorAll('text')].find(each => each !== label)"
        label = shown.locator("svg.diagram text", has_text="gru").first
        label.evaluate(f"label => {{ {other}; {change} }}")
        assert fault in " ".join(shown.evaluate(FAULTS))


@pytest.mark.parametrize("dark", [False, True])
def test_labels_are_legible(chromium: Browser, tmp_path: Path, dark: bool) -> None:
    with opened(chromium, written(tmp_path, Language.EN), dark) as shown:
        assert shown.evaluate(CONTRAST) >= LEGIBLE
