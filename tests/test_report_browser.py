"""The page of an inspection in a browser: its sections, light and dark, narrow, and safe."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from browser import DARK_ORANGE, DARK_PAPER, PAPER, PHONE, Open, choose, colour, mixed
from inspections import HOSTILE, STEPS, large, small, translation

from bptt.report import inspection_views
from bptt.report.inspection_views import Inspection


def test_every_section_with_data_is_there(show: Open) -> None:
    with show(small()) as page:
        assert page.locator("h1").inner_text() == "A small model"
        assert page.locator("h2").all_inner_texts() == [
            "Verdict",
            "Text",
            "Gradient through time",
            "Every loss and every step",
            "Gates",
            "Jacobian of a step",
        ]
        assert page.locator(".finding").count() == 3
        assert page.locator(".finding.warning").inner_text().split("\n")[-1] == "Try: A forget bias of 1."
        assert "3, 7" in page.locator("#gates .plain").inner_text()


def test_sections_without_data_are_left_out(show: Open) -> None:
    empty = {name: () for name in vars(small()) if name not in ("title", "findings")}
    with show(replace(small(), **empty)) as page:
        assert page.locator("h2").all_inner_texts() == ["Verdict"]


def test_the_page_turns_dark_and_light(show: Open) -> None:
    background = "getComputedStyle(document.body).backgroundColor"
    with show(small()) as page:
        assert page.evaluate(background) == f"rgb{PAPER}"
        page.get_by_role("button", name="Dark").click()
        assert page.evaluate(background) == f"rgb{DARK_PAPER}"
        assert colour(page, 17) == mixed(1, paper=DARK_PAPER, high=DARK_ORANGE)
        page.get_by_role("button", name="Light").click()
        assert colour(page, 17) == mixed(1)
    with show(small(), dark=True) as page:
        assert page.evaluate(background) == f"rgb{DARK_PAPER}"


@pytest.mark.parametrize("shown", [small(), translation()], ids=lambda shown: shown.title)
def test_a_phone_scrolls_in_one_direction(show: Open, shown: Inspection) -> None:
    with show(shown, viewport=PHONE) as page:
        assert page.evaluate("document.documentElement.scrollWidth") == 360


def test_what_a_stranger_wrote_is_shown_as_text(show: Open) -> None:
    shown = small("</title><script>alert(1)</script>")
    tokens = (*HOSTILE, *shown.sequences[0].tokens[len(HOSTILE) :])
    finding = inspection_views.FindingView("bad", "<b>x</b>", "<img src=x onerror=alert(1)>", "</li>")
    hostile = replace(
        shown,
        sequences=(replace(shown.sequences[0], name="<i>", tokens=tokens),),
        findings=(finding,),
        facts=(("<u>", "&amp;"),),
        properties=(inspection_views.PropertyView("<s>", "(?<!x", ()),),
    )
    with show(hostile) as page:
        assert page.title() == page.locator("h1").inner_text() == "</title><script>alert(1)</script>"
        assert page.locator(".finding h3").inner_text() == "<b>x</b>"
        assert page.locator("img, script:not(body > script), .token *").count() == 0
        shown_tokens = [page.locator(f"#token-0-{i}").inner_text() for i in range(len(HOSTILE))]
        assert shown_tokens[:2] == list(HOSTILE[:2])
        assert shown_tokens[3:5] == ["∅", "␛[2J"]
        assert shown_tokens[-2:] == list(HOSTILE[-2:])
        page.get_by_role("button", name="<s>").click()
        page.get_by_text(re.compile("Not a pattern")).wait_for()


def test_a_large_page_says_what_it_leaves_out(show: Open) -> None:
    with show(large()) as page:
        held = page.locator("#held").inner_text()
        assert re.search(r"layer 2: h 256 of 256; c, i", held)
        assert page.get_by_label("Unit", exact=True).locator("option:checked").inner_text() == "200"
        assert page.get_by_text("one in 2 of its rows and columns").count() == 1
        page.get_by_role("button", name="part in a loss").click()
        page.locator("#token-0-9").click()
        assert "the nearest to the selected token" in page.locator("#text").inner_text()


def test_a_broken_model_has_a_page_too(show: Open) -> None:
    """Numbers that are not finite, a gradient that explodes or is zero, directions that are wiped out."""
    shown = small()
    layer, flow, picture = shown.layers[0], shown.flows[1], shown.maps[0]
    numbers = layer.values[0].numbers.copy()
    numbers[90:], numbers[80, 0], numbers[:, 1] = np.nan, np.inf, np.nan
    exploding = 10.0 ** np.arange(0, 300, 5)
    broken = replace(
        shown,
        sequences=(replace(shown.sequences[0], losses=np.full(STEPS, np.nan)),),
        layers=(replace(layer, values=(replace(layer.values[0], numbers=numbers), *layer.values[1:])),),
        flows=(
            replace(flow, lower=exploding, median=exploding, upper=exploding, bound=None, memory=None),
            replace(flow, quantity="zero", lower=0 * exploding, median=0 * exploding, upper=0 * exploding),
        ),
        maps=tuple(replace(picture, norms=norms) for norms in (0 * picture.norms, np.full((60, 60), np.nan))),
        spectra=(replace(shown.spectra[0], exponents=np.array([0.1, -np.inf])),),
    )
    with show(broken) as page:
        choose(page, "Value", "h")
        choose(page, "Unit", "1")
        assert colour(page, 0) == "rgba(0, 0, 0, 0)"
        choose(page, "Unit", "0")
        assert colour(page, 79) != "rgba(0, 0, 0, 0)" == colour(page, 80) == colour(page, 120)
        page.get_by_role("button", name="loss", exact=True).click()
        chart = page.locator("#flow svg.chart")
        chart.focus()
        for key in ("ArrowRight", "PageDown", "PageDown"):
            page.keyboard.press(key)
        assert page.locator("#flow .legend .number").first.inner_text() == "1.00e100"
        page.locator("#spectrum svg.chart").last.focus()
        page.keyboard.press("End")
        assert page.locator("#spectrum .readout").last.inner_text() == "exponent 2: −∞"
        assert page.locator("#map-readout").inner_text().endswith("norm 0")
        page.locator("#map .tabs button").last.click()
        assert page.locator("#map-readout").inner_text().endswith("norm –")
