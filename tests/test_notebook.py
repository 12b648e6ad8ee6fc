"""Objects show themselves in notebooks: what the command line prints of them, as well-formed HTML."""

from __future__ import annotations

import re
from xml.etree import ElementTree

from bptt.cells import get
from bptt.explain import derivation, page
from bptt.languages.available import Language
from bptt.notebook import list_html, table_html
from bptt.probe.self_check import ArgumentCheck, GradientChecks
from bptt.probe.verdict import Finding
from bptt.report.comparison_record import Comparison, RunResult, VariantResult
from bptt.report.comparison_words import conclusions, table
from bptt.report.run_records import Curve


def texts(html: str) -> list[str]:
    """The texts of all elements; raises ParseError if a browser would have to guess."""
    return ["".join(found.itertext()) for found in ElementTree.fromstring(f"<div>{html}</div>").iter()]


def cells(html: str) -> list[list[str]]:
    rows = ElementTree.fromstring(f"<div>{html}</div>").iter("tr")
    return [["".join(cell.itertext()) for cell in row] for row in rows]


def test_a_table_escapes_what_comes_from_files() -> None:
    rows = [("<b>", "1 & 2"), ("\x1b[2J", "")]
    assert cells(table_html(("a", "b"), rows)) == [["a", "b"], ["<b>", "1 & 2"], [r"\x1b[2J", ""]]
    assert texts(list_html(["<i>", "x"]))[-2:] == ["<i>", "x"]


def test_a_derivation_has_the_formulas_of_its_page_and_styles_nothing_else() -> None:
    document = derivation(get("gru"))
    html, whole = document._repr_html_(), page(document)
    formulas = re.compile("<math.*?</math>", re.DOTALL)
    assert formulas.findall(html) == formulas.findall(whole)
    ElementTree.fromstring(html)
    style = re.findall("<style>(.*?)</style>", html, re.DOTALL)
    assert len(style) == 1 and style[0].startswith("@scope (.bptt-derivation) {")
    assert style[0].count("{") == style[0].count("}") and not re.search(r":root|\bbody\b", style[0])
    # Two derivations in a notebook have no names in common.
    assert " id=" not in html
    assert document.language is Language.EN and 'lang="en"' in html


def test_checks_show_the_error_of_each_argument() -> None:
    passed, failed = ArgumentCheck("W", (3, 2), 2e-49, 3e-15, 4e-9), ArgumentCheck("b", (3,), 1e-49, 0.5, 1)
    head, first, second, limit = cells(GradientChecks([passed, failed])._repr_html_())
    assert head == ["gradient of", "shape", "exact", "autograd", "differences", ""]
    assert first == ["W", "(3, 2)", "2.0e-49", "3.0e-15", "4.0e-09", ""]
    assert second[-1] == "FAILED" and limit[2:5] == ["1e-40", "1e-11", "1e-05"]


def test_a_finding_shows_its_advice() -> None:
    html = Finding("bad", "h > 1", "0.5", "less")._repr_html_()
    assert texts(html)[1] == "bad: h > 10.5try: less"
    assert "try" not in Finding("good", "h", "0.5")._repr_html_()


def test_a_comparison_shows_its_table_and_its_conclusions() -> None:
    curve = Curve((1,), (0.5,))
    run = RunResult(0, curve, curve, 3, 1.0, 0.0, None, None, "")
    found = Comparison("a", None, (VariantResult("<lstm>", "lstm", 4, 100, (run,)),))
    html = found._repr_html_()
    assert cells(html) == [list(row) for row in table(found)]
    items = ElementTree.fromstring(f"<div>{html}</div>").iter("li")
    assert ["".join(item.itertext()) for item in items] == conclusions(found)
