"""The text of the page in a browser: coloured, walked through, searched."""

from __future__ import annotations

import re
from dataclasses import replace

import numpy as np
import pytest
from browser import Open, choose, close, colour, mixed, number
from inspections import INSIDE, OUTSIDE, PLANTED, QUOTES, STEPS, inside_quotes, small, translation

from bptt.report import inspection_views
from bptt.report.inspection_views import Inspection


def series(shown: Inspection, value: int, unit: int) -> np.ndarray:
    return shown.layers[0].values[value].numbers[:, unit]


def usual(numbers: np.ndarray) -> float:
    """What 98 of 100 sizes do not exceed."""
    return float(np.nanquantile(abs(numbers), 0.98, method="inverted_cdf"))


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
        steps = (0, 40, 170, int(abs(numbers).argmax()))
        assert all(close(colour(page, step), mixed(numbers[step] / usual(numbers))) for step in steps)
        choose(page, "Value", "f")
        gate = series(shown, 2, 3)
        assert all(close(colour(page, step), mixed(2 * gate[step] - 1)) for step in (0, 40, 170))


def test_the_loss_colours_the_text(show: Open) -> None:
    shown = small()
    losses = shown.sequences[0].losses
    assert losses is not None
    with show(shown) as page:
        page.get_by_role("button", name="loss", exact=True).click()
        assert close(colour(page, 12), mixed(losses[12] / usual(losses)))
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


def test_pointing_at_a_token_shows_what_is_likely_next(show: Open) -> None:
    shown = small()
    tokens = shown.sequences[0].tokens
    with show(shown) as page:
        rows = page.get_by_role("list", name="Likeliest next tokens").get_by_role("listitem")

        def words() -> list[list[str]]:
            return [row.split("\n") for row in rows.all_inner_texts()]

        page.locator("#token-0-41").hover()
        assert words() == [["1.", tokens[42], "0.5"], ["2.", "e", "0.25"], ["3.", "q", "0.125"]]
        assert rows.nth(0).get_attribute("class") == "right"
        bars = [rows.nth(k).locator(".bar").evaluate("bar => bar.clientWidth") for k in range(3)]
        assert bars[0] == pytest.approx(2 * bars[1], abs=1) == pytest.approx(4 * bars[2], abs=3)
        # The right one, if it is none of these, below them with its rank.
        page.locator("#token-0-40").hover()
        assert words() == [["1.", "ü", "0.5"], *words()[1:3], ["9.", tokens[41], "0.0625"]]
        page.locator(f"#token-0-{STEPS - 1}").hover()
        assert words() == []
    with show(translation()) as page:
        assert page.get_by_text("Likeliest").count() == 0


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


@pytest.mark.parametrize("pattern", [QUOTES, "an answer"])
def test_search_ranks_units_by_the_area_under_the_curve(show: Open, pattern: str) -> None:
    shown = small()
    text = "".join(shown.sequences[0].tokens)
    inside = np.zeros(STEPS, bool)
    for match in re.finditer(pattern, text):
        inside[match.start() : match.end()] = True
    with show(shown) as page:
        page.get_by_label("Find units that follow a pattern").fill(pattern)
        hits = page.locator("#text .search .hits li")
        hits.first.wait_for()
        assert page.locator(".token.match").count() == inside.sum()
        # Only inside quotes is the planted unit high.
        assert hits.first.inner_text().startswith(f"layer 1 · c · unit {PLANTED}")
        for said in hits.all_inner_texts():
            value, unit = re.findall(r"· (\w+) · unit (\d+)", said)[0]
            numbers = series(shown, "hcf".index(value), int(unit))
            pairs = numbers[inside][:, None] - numbers[~inside]
            area = float((np.sign(pairs) / 2 + 0.5).mean())
            # A difference smaller than one of 254 levels may become a tie.
            close_pairs = (pairs != 0) & (abs(pairs) <= np.ptp(numbers) / 254)
            found = float(re.findall(r"\d\.\d{3}", said)[0])
            assert found == pytest.approx(max(area, 1 - area), abs=close_pairs.mean() / 2 + 5e-4)
            assert ("high inside" in said) == (area >= 0.5)
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
    value = inspection_views.ValueView("h", "state", np.random.default_rng(0).normal(size=(len(texts), 2)))
    sequence = inspection_views.SequenceView("text", shown, None, texts)
    layers = (inspection_views.LayerView("layer 1", 0, (value,)),)
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


def test_a_pattern_of_exponential_time_is_stopped_and_the_page_goes_on(show: Open) -> None:
    texts = tuple("a" * 40 + "!")
    empty = dict.fromkeys("flows maps attributions saturations spectra properties dead".split(), ())
    value = inspection_views.ValueView("h", "state", np.random.default_rng(0).normal(size=(len(texts), 2)))
    sequence = inspection_views.SequenceView("text", texts, None, texts)
    layers = (inspection_views.LayerView("layer 1", 0, (value,)),)
    with show(replace(small(), sequences=(sequence,), layers=layers, **empty)) as page:
        field = page.get_by_label("Find units that follow a pattern")
        field.fill("(a+)+b")
        page.wait_for_timeout(600)
        # While it is tried, the page answers: its own thread is free.
        page.get_by_role("button", name="Dark").click(timeout=1000)
        page.get_by_text("Stopped after 2 s: this pattern takes too long").wait_for(timeout=10_000)
        field.fill("!")
        page.get_by_text("1 of 41 tokens are inside a match").wait_for()
        # A pattern that comes while another is tried takes its place.
        field.fill("(a+)+b")
        page.wait_for_timeout(600)
        field.fill("a")
        page.get_by_text("40 of 41 tokens are inside a match").wait_for(timeout=1500)
        field.fill("(a+)+b")
        page.wait_for_timeout(600)
        field.fill("")
        page.wait_for_timeout(2500)
        assert page.locator(".said").inner_text() == "" and page.locator(".token.match").count() == 0


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
            said = page.locator(f".strip [data-value={name}]").inner_text()
            # No more digits than 255 levels between -1 and 1 have.
            assert len(said.partition(".")[2]) <= 3
            found = number(said)
            assert found == pytest.approx(series(shown, i, PLANTED)[77], abs=2 / 254)
        page.locator(".strip svg").first.click(position={"x": 1, "y": 20})
        assert page.locator("[aria-selected=true]").get_attribute("data-step") == "37"


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
