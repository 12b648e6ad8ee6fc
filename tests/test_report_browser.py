"""The page of an inspection in a browser: every interaction changes what it should."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from browser import PHONE, chromium, opened
from inspections import (
    HOSTILE,
    INSIDE,
    OUTSIDE,
    PLANTED,
    QUOTES,
    STEPS,
    inside_quotes,
    large,
    small,
    translation,
)
from playwright.sync_api import Browser, Page

from bptt.report import inspection
from bptt.report.inspection import Inspection
from bptt.report.inspection_page import write_page

Open = Callable[..., AbstractContextManager[Page]]
PAPER, BLUE, ORANGE = (0xFD, 0xFD, 0xFC), (0x00, 0x72, 0xB2), (0xD5, 0x5E, 0x00)
DARK_PAPER, DARK_ORANGE = (0x15, 0x17, 0x1A), (0xF0, 0x8C, 0x4A)
STRENGTH = 0.62


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture
def show(browser: Browser, tmp_path: Path) -> Open:
    """Open the page of an inspection; it ends with no error and no request, or the test fails."""

    def open_page(shown: Inspection, **how: object) -> AbstractContextManager[Page]:
        path = tmp_path / "report.html"
        write_page(shown, path)
        return opened(browser, path, **how)  # type: ignore[arg-type]

    return open_page


def mixed(
    share: float, paper: Sequence[int] = PAPER, low: Sequence[int] = BLUE, high: Sequence[int] = ORANGE
) -> str:
    """The colour of a share between -1 and 1, as a browser writes it."""
    pole = low if share < 0 else high
    channels = (round(a + STRENGTH * abs(share) * (b - a)) for a, b in zip(paper, pole, strict=True))
    return f"rgb({', '.join(map(str, channels))})"


def colour(page: Page, step: int, sequence: int = 0) -> str:
    found = page.locator(f"#token-{sequence}-{step}").evaluate("e => getComputedStyle(e).backgroundColor")
    return str(found)


def close(found: str, expected: str) -> bool:
    """Within what 8 bits a number and 8 bits a channel can differ."""
    channels = (np.array(re.findall(r"\d+", text)[:3], int) for text in (found, expected))
    return bool(np.abs(np.subtract(*channels)).max() <= 2)


def choose(page: Page, label: str, choice: str) -> None:
    page.get_by_label(label, exact=True).select_option(choice)


def number(text: str) -> float:
    return float(text.replace("−", "-"))


def series(shown: Inspection, value: int, unit: int) -> np.ndarray:
    return shown.layers[0].values[value].numbers[:, unit]


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


def test_a_unit_colours_the_text(show: Open) -> None:
    shown = small()
    with show(shown) as page:
        # The unit that follows the first property is chosen at first.
        inside = inside_quotes(shown.sequences[0].tokens)
        for step in (0, 16, 17, 29, 30, STEPS - 1):
            value = INSIDE if inside[step] else OUTSIDE
            assert colour(page, step) == mixed(value / INSIDE)
        choose(page, "Unit", "3")
        numbers = series(shown, 1, 3)
        assert all(
            close(colour(page, step), mixed(numbers[step] / abs(numbers).max())) for step in (0, 40, 170)
        )
        choose(page, "Value", "f")
        gate = series(shown, 2, 3)
        assert all(close(colour(page, step), mixed(2 * gate[step] - 1)) for step in (0, 40, 170))


def test_the_loss_colours_the_text(show: Open) -> None:
    shown = small()
    losses = shown.sequences[0].losses
    assert losses is not None
    with show(shown) as page:
        page.get_by_role("button", name="loss", exact=True).click()
        assert close(colour(page, 12), mixed(losses[12] / np.nanmax(losses)))
        assert colour(page, STEPS - 1) == "rgba(0, 0, 0, 0)"


def test_earlier_tokens_show_their_part_in_the_selected_loss(show: Open) -> None:
    shown = small()
    scores = shown.attributions[0].scores
    with show(shown) as page:
        page.get_by_role("button", name="part in a loss").click()
        page.locator("#token-0-50").click()
        limit = abs(scores[50]).max()
        assert all(close(colour(page, n), mixed(scores[50, n] / limit)) for n in (20, 44, 49, 50))
        assert colour(page, 51) == mixed(0)
        page.locator("#token-0-49").hover()
        said = page.locator("#text .readout").inner_text()
        found = number(re.findall(r"part in the loss of step 50 = (\S+)", said)[0])
        assert found == pytest.approx(scores[50, 49], abs=limit / 127)


def test_pointing_at_a_token_reads_its_numbers(show: Open) -> None:
    shown = small()
    with show(shown) as page:
        page.locator("#token-0-43").hover()
        losses = shown.sequences[0].losses
        assert losses is not None
        assert page.locator("#text .readout").inner_text() == (
            f"step 43 “↵” · layer 1, c of unit {PLANTED} = −0.4 · loss {losses[43]:.3g} nats"
        )


def test_arrow_keys_move_the_selected_token(show: Open) -> None:
    with show(small()) as page:
        box = page.get_by_role("listbox")
        box.focus()
        for key, step in (
            ("ArrowRight", 1),
            ("ArrowRight", 2),
            ("ArrowLeft", 1),
            ("End", STEPS - 1),
            ("Home", 0),
        ):
            page.keyboard.press(key)
            assert box.get_attribute("aria-activedescendant") == f"token-0-{step}"
        page.keyboard.press("ArrowDown")
        # The second line begins after the end of the first, and its first character stands below.
        assert box.get_attribute("aria-activedescendant") == "token-0-44"
        page.keyboard.press("ArrowUp")
        assert page.locator("[aria-selected=true]").get_attribute("data-step") == "0"


def test_search_ranks_the_planted_unit_first(show: Open) -> None:
    shown = small()
    with show(shown) as page:
        page.get_by_label("Find units that follow a pattern").fill(QUOTES)
        hits = page.locator("#text .search .hits li")
        hits.first.wait_for()
        assert hits.first.inner_text().split("\n")[0].startswith(f"layer 1 · c · unit {PLANTED}")
        inside = np.array(inside_quotes(shown.sequences[0].tokens))
        assert page.locator(".token.match").count() == inside.sum()
        for text in hits.all_inner_texts():
            value, unit = re.findall(r"· (\w+) · unit (\d+)", text)[0]
            numbers = series(shown, "hcf".index(value), int(unit))
            pairs = numbers[inside][:, None] - numbers[~inside]
            area = float((np.sign(pairs) / 2 + 0.5).mean())
            # A difference smaller than one of 254 levels may become a tie.
            ties = float((abs(pairs) <= np.ptp(numbers) / 254).mean()) / 2
            found = float(re.findall(r"\d\.\d{3}", text)[0])
            assert found == pytest.approx(max(area, 1 - area), abs=ties + 5e-4)
            assert ("high inside" in text) == (area >= 0.5)
        hits.nth(1).get_by_role("button").click()
        assert page.get_by_label("Unit", exact=True).locator("option:checked").inner_text() != str(PLANTED)


def test_a_property_is_a_button(show: Open) -> None:
    with show(small()) as page:
        page.get_by_role("button", name="inside quotes").click()
        assert page.get_by_label("Find units that follow a pattern").input_value() == QUOTES
        assert f"unit {PLANTED}" in page.locator(".search .hits li").first.inner_text()


def test_a_property_that_is_a_number_tells_how_it_was_measured(show: Open) -> None:
    with show(small()) as page:
        page.get_by_role("button", name="place in the line").click()
        assert page.locator(".search .hits li").all_inner_texts() == [
            "layer 1 · h · unit 2\n0.610\nfalls with it"
        ]
        said = page.locator(".said").inner_text()
        assert "Spearman's correlation with the position" in said
        assert said.endswith("measured on the second.")


@pytest.mark.parametrize(
    ("pattern", "marked"),
    [
        (r"猫(\w)", "在"),  # a group is meant, and \w knows Chinese
        ("^.", "猫第"),  # at the beginning of each line
        (r"(?P<a>[\d])", "2"),
        (r"\"\w", '"a'),  # a mark that needs no backslash has one
        ("行hi", "行hi"),  # in what tokens stand for, not in how they are shown
        ("(?i)b", "B"),
        ("b|", ""),  # nothing is inside an empty match
    ],
)
def test_patterns_are_those_of_python(show: Open, pattern: str, marked: str) -> None:
    texts = ("猫", "在", "", "2", '"', "a", "\n", "第", "行", "hi", "B")
    shown = ("猫", "在", "<s>", "2", '"', "a", "↵", "第", "行", "▁hi", "B")
    empty = dict.fromkeys("flows maps attributions saturations spectra properties dead".split(), ())
    value = inspection.Value("h", "state", np.random.default_rng(0).normal(size=(len(texts), 2)))
    sequence = inspection.Sequence("text", shown, None, texts)
    layers = (inspection.Layer("layer 1", 0, (value,)),)
    with show(replace(small(), sequences=(sequence,), layers=layers, **empty)) as page:
        page.get_by_label("Find units that follow a pattern").fill(pattern)
        page.get_by_text("inside a match").wait_for()
        steps = page.locator(".token.match").evaluate_all("found => found.map((e) => Number(e.dataset.step))")
        assert "".join(texts[step] for step in steps) == marked


def test_a_bad_pattern_is_said(show: Open) -> None:
    with show(small()) as page:
        page.get_by_label("Find units that follow a pattern").fill("(")
        page.get_by_text(re.compile("Not a pattern")).wait_for()
        assert page.locator(".search .hits li").count() == 0
        page.get_by_label("Find units that follow a pattern").fill("(?i)nobody")
        page.get_by_text("12 of 180 tokens").wait_for()


def test_nearest_states_are_near_and_lead_there(show: Open) -> None:
    shown = small()
    with show(shown) as page:
        page.locator("#token-0-60").click()
        first = page.locator(".nearest li").first
        step = int(re.findall(r"step (\d+)", first.inner_text())[0])
        states = shown.layers[0].values[1].numbers
        distances = np.linalg.norm(states - states[60], axis=1)
        distances[51:70] = np.inf
        assert distances[step] == pytest.approx(distances.min(), rel=0.02)
        first.get_by_role("button").click()
        assert page.locator("[aria-selected=true]").get_attribute("data-step") == str(step)


def test_strips_show_all_values_of_the_unit(show: Open) -> None:
    shown = small()
    with show(shown) as page:
        page.locator("#token-0-77").click()
        for i, name in enumerate("hcf"):
            found = number(page.locator(f".strip [data-value={name}]").inner_text())
            assert found == pytest.approx(series(shown, i, PLANTED)[77], abs=2 / 254)
        page.locator(".strip svg").first.click(position={"x": 1, "y": 20})
        assert page.locator("[aria-selected=true]").get_attribute("data-step") == "37"


def test_the_flow_is_read_by_pointer_keys_legend_and_table(show: Open) -> None:
    shown = small()
    with show(shown) as page:
        chart = page.locator("#flow svg.chart")
        chart.focus()
        page.keyboard.press("ArrowRight")
        page.keyboard.press("PageDown")
        assert page.locator("#flow .readout").inner_text() == "lag 10"
        found = [number(text) for text in page.locator("#flow .legend .number").all_inner_texts()]
        assert found == [float(f"{flow.median[10]:.3g}") for flow in shown.flows]
        before = page.locator("#flow path.line:not(.legend path)").count()
        page.locator("#flow .legend button").nth(1).click()
        # The line of h, and its bound.
        assert page.locator("#flow path.line:not(.legend path)").count() == before - 2
        chart.hover(position={"x": 63, "y": 100})
        assert page.locator("#flow .readout").inner_text() == "lag 0"
        page.locator("#flow summary").first.click()
        row = page.locator("#flow tbody tr").nth(20)
        row.wait_for()
        cells = row.locator("th, td").all_inner_texts()
        bound = shown.flows[1].bound
        assert bound is not None
        columns = (shown.flows[0].median, shown.flows[1].median, bound, shown.flows[2].median)
        assert [number(cell) for cell in cells] == [20, *(float(f"{column[20]:.3g}") for column in columns)]


def test_the_map_tells_the_norm_of_a_cell(show: Open) -> None:
    shown = small()
    picture = shown.maps[0]
    with show(shown) as page:
        canvas = page.locator("#map canvas")
        box = canvas.bounding_box()
        assert box is not None
        cell = box["width"] / 60
        canvas.hover(position={"x": 10.5 * cell, "y": 40.5 * cell})
        said = page.locator("#map-readout").inner_text()
        assert said.startswith("loss at m = 120 “")
        assert ", step n = 30 “" in said
        assert ", lag 90: norm " in said
        found = number(said.rpartition(" ")[2])
        assert found == pytest.approx(picture.norms[40, 10], rel=6e-3)
        canvas.click(position={"x": 10.5 * cell, "y": 40.5 * cell})
        page.keyboard.press("ArrowUp")
        page.keyboard.press("Shift+ArrowRight")
        said = page.locator("#map-readout").inner_text()
        assert said.startswith("loss at m = 117 “")
        assert number(said.rpartition(" ")[2]) == pytest.approx(picture.norms[39, 20], rel=6e-3)
        assert page.locator("#map .axis-name").last.text_content() == "norm for the loss at m = 117"
        canvas.hover(position={"x": 50.5 * cell, "y": 40.5 * cell})
        assert page.locator("#map-readout").inner_text().endswith("norm 0")


def test_the_map_is_as_bright_as_the_norm(show: Open) -> None:
    with show(small()) as page:
        canvas = "document.querySelector('canvas')"
        pixels = page.evaluate(f"[...{canvas}.getContext('2d').getImageData(0, 0, 60, 60).data]")
        largest = int(small().maps[0].norms.argmax())
        assert pixels[4 * largest : 4 * largest + 4] == [0xFD, 0xE7, 0x25, 255]
        # At the right of the first row: no loss depends on what comes after it.
        assert pixels[4 * 59 : 4 * 60] == [0, 0, 0, 0]


def test_a_circle_of_a_gate_chooses_its_unit(show: Open) -> None:
    shown = small()
    saturation = shown.saturations[1]
    with show(shown) as page:
        panel = page.locator(".panel").nth(1)
        panel.locator("svg").focus()
        for _ in range(3):
            page.keyboard.press("ArrowRight")
        shares = (f"open {saturation.right[2]:.0%}", f"shut {saturation.left[2]:.0%}")
        assert panel.locator(".readout").inner_text() == f"layer 1, unit 2: {', '.join(shares)}".replace(
            "%", " %"
        )
        page.keyboard.press("Enter")
        assert page.locator(".strip h3").inner_text() == "layer 1, unit 2"
        assert page.get_by_label("Value", exact=True).locator("option:checked").inner_text() == "f"


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


def test_a_translation_is_coloured_in_both_its_sequences(show: Open) -> None:
    shown = translation()
    scores = [attribution.scores for attribution in shown.attributions]
    with show(shown) as page:
        page.get_by_role("button", name="part in a loss").click()
        page.locator("#token-1-4").click()
        limit = max(abs(part[4]).max() for part in scores)
        for sequence in (0, 1):
            assert close(colour(page, 2, sequence), mixed(scores[sequence][4, 2] / limit))
        choose(page, "Layer", "decoder layer 1")
        assert colour(page, 2, 0) == "rgba(0, 0, 0, 0)"
        assert colour(page, 2, 1) != "rgba(0, 0, 0, 0)"


def test_what_a_stranger_wrote_is_shown_as_text(show: Open) -> None:
    shown = small("</title><script>alert(1)</script>")
    tokens = (*HOSTILE, *shown.sequences[0].tokens[len(HOSTILE) :])
    finding = inspection.Finding("bad", "<b>x</b>", "<img src=x onerror=alert(1)>", "</li>")
    hostile = replace(
        shown,
        sequences=(replace(shown.sequences[0], name="<i>", tokens=tokens),),
        findings=(finding,),
        facts=(("<u>", "&amp;"),),
        properties=(inspection.Property("<s>", "(?<!x", ()),),
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
