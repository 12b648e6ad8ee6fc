"""A live page in Chromium: what a reader does, and what the page then shows; never an error or a request."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from urllib.parse import quote

import pytest
from browser import DESKTOP, PHONE, REFUSED, check_keys, check_zoomed, number, opened
from language_models import make_task, trained
from live_engine import halved
from playwright.sync_api import Browser, Page

from bptt.jobs.language.model import Trained
from bptt.jobs.language.model_page import describe
from bptt.jobs.language.next_tokens import next_tokens
from bptt.live.live_page import live_page

TEXT = "the cat 7 sat on 床前"

# A link that does not fit the page, in every part.
EDIT = {"layer": 0, "value": "i", "unit": None, "scale": 0, "shift": 0, "from": 0, "to": None}
HOSTILE = {
    "text": 3,
    "second": ["a"],
    "place": -1,
    "colour": {"kind": "value", "layer": 99, "value": "__proto__", "unit": 1e9},
    "sampling": {"count": "many"},
    "edits": [
        None,
        *({**EDIT, "layer": layer} for layer in (7, "constructor", "__proto__")),
        {**EDIT, "unit": 7},
        {**EDIT, "to": "x"},
        {**EDIT, "scale": "1"},
        {**EDIT, "shift": 1e308},
    ],
}


@pytest.fixture(scope="module")
def found() -> Trained:
    found = trained(make_task(spread=1.5))
    halved(found.model)
    return found


@pytest.fixture
def page(found: Trained, chromium: Browser, tmp_path: Path) -> Iterator[Page]:
    with shown(found, chromium, tmp_path) as page:
        yield page


@contextmanager
def shown(
    found: Trained, chromium: Browser, folder: Path, dark: bool = False, phone: bool = False
) -> Iterator[Page]:
    path = folder / "live.html"
    text = live_page(replace(describe(found), example=TEXT), "A <model>")
    path.write_text(text, encoding="utf-8")
    with opened(chromium, path, PHONE if phone else DESKTOP, dark) as page:
        page.wait_for_selector("html[data-read]")
        page.wait_for_selector("text=/m = 19:/")
        yield page


def bars(page: Page) -> list[tuple[str, float]]:
    items = page.get_by_label("Likeliest next tokens").locator("li")
    texts = [text.split("\n") for text in items.all_inner_texts()]
    return [(name.replace("␣", " ").replace("↵", "<eos>"), float(share[:-2]) / 100) for name, share in texts]


def expected(found: Trained, text: str) -> list[tuple[str, float]]:
    last = next_tokens(found, text, last=True)[0].expected
    pairs = zip(last.answers, last.probabilities, strict=True)
    return [(name, pytest.approx(share, abs=6e-4)) for name, share in pairs]  # type: ignore[misc]


def test_after_every_key(page: Page, found: Trained) -> None:
    assert bars(page)[:3] == expected(found, TEXT)[:3]
    page.locator("#text").press("End")
    page.locator("#text").type("né")
    page.wait_for_selector("text=21 characters")
    assert bars(page)[:3] == expected(found, TEXT + "né")[:3]
    page.wait_for_selector("#token-20")
    options = page.get_by_role("listbox").get_by_role("option")
    assert "".join(options.all_inner_texts()) == TEXT + "né"


def test_pointing_and_keys(page: Page, found: Trained) -> None:
    page.locator("#token-4").hover()
    page.wait_for_selector("text=Expected at token 4, “c”")
    page.wait_for_selector("text=/m = 4: /")
    assert bars(page)[:3] == expected(found, TEXT[:4])[:3]
    page.mouse.move(0, 0)
    box = page.get_by_role("listbox")
    box.focus()
    box.press("Home")
    box.press("ArrowRight")
    assert box.get_attribute("aria-activedescendant") == "token-1"
    page.wait_for_selector("text=Expected at token 1, “h”")
    assert "%22place%22%3A1" in page.wait_for_function("() => location.hash || false").json_value()


def test_colours(page: Page) -> None:
    by = page.get_by_label("Colour the text by")
    before = page.locator("#token-3").get_attribute("title")
    assert before is not None and before.startswith("loss ")
    by.select_option("a value of a layer")
    page.wait_for_selector("#token-3[title^='i = ']")
    page.get_by_label("Value").first.select_option("c")
    page.wait_for_selector("#token-3[title^='c = ']")
    by.select_option("gradient of the chosen loss")
    page.wait_for_selector("#token-18[title*='∂E/∂net']")


def test_a_changed_gate(page: Page) -> None:
    plain = bars(page)
    page.locator("#changes").get_by_label("Value").select_option("o")
    page.locator("#changes").get_by_role("button", name="Change", exact=True).click()
    page.wait_for_selector(".before")
    assert bars(page) != plain
    page.wait_for_selector("text=/m = 19: lstm 1 0 at lag 0, 0 at lag 19; lstm 2 [0-9.]*[1-9]/")
    page.get_by_label("Colour the text by").select_option("change of the loss")
    page.wait_for_selector("#token-5[title^='loss changes by']")
    page.get_by_role("button", name="Remove lstm 1: o = 0").click()
    page.wait_for_selector(".before", state="detached")
    assert bars(page) == plain


def test_two_texts_and_a_link(page: Page, found: Trained, chromium: Browser, tmp_path: Path) -> None:
    page.get_by_label("Second text").fill("the cat 8 sat on 床前")
    page.wait_for_selector("text=/First difference at token 8/")
    rows = page.locator("#pair tbody tr").all_inner_texts()
    assert [row.split("\t")[0] for row in rows] == [str(k) for k in range(5, 19)][: len(rows)]
    page.wait_for_function("() => location.hash.includes('second')")
    address = page.url
    page.goto("about:blank")
    page.goto(address)
    page.wait_for_selector("text=/First difference at token 8/")
    for hostile in ("{not ours", "null", json.dumps(HOSTILE)):
        page.goto("about:blank")
        page.goto(f"{address.partition('#')[0]}#{quote(hostile)}")
        page.wait_for_selector("html[data-read='19']")
        assert page.locator(".edits li").count() == 0


def test_equations_states_and_every_pair(page: Page) -> None:
    page.wait_for_selector("#step >> text=/net_i = W_i x/")
    first = page.locator("#step .equation-lines").first.locator("div.quiet").first.inner_text()
    left, right = first.split(" = ")
    terms = [number(term.strip("() ")) for term in right.replace("−", "-").split(" + ")]
    assert number(left) == pytest.approx(sum(terms), rel=2e-2, abs=2e-2)
    units = page.get_by_role("slider")
    assert units.get_attribute("aria-valuetext") == f"i[0] = {left_of(page, 'i =')}, unit 0 of 7"
    units.focus()
    units.press("End")
    page.wait_for_selector("canvas[aria-valuenow='6']")
    assert units.get_attribute("aria-valuetext") == f"i[6] = {left_of(page, 'i =')}, unit 6 of 7"
    assert page.locator("#nearest li").count() == 6
    page.get_by_role("button", name="Draw every loss and every step").click()
    page.wait_for_selector("canvas.live-map[data-rows='19']")
    alphas = """c => { const { data } = c.getContext('2d').getImageData(0, 0, 19, 19);
        return [c.width, data[4 * 18 * 19 + 3], data[4 * 18 + 3]]; }"""
    assert page.locator("canvas.live-map").evaluate(alphas) == [19, 255, 0]
    page.locator("canvas.live-map").focus()
    for key in ("ArrowDown", "ArrowDown", "ArrowRight"):
        page.locator("canvas.live-map").press(key)
    page.wait_for_selector("text=/^m = 2, n = 1: [0-9]/")


def left_of(page: Page, equation: str) -> str:
    """Return the number below an equation, of its left side."""
    lines = page.locator("#step .equation-lines").first.inner_text().split("\n")
    return lines[next(k for k, line in enumerate(lines) if line.startswith(equation)) + 1].split(" = ")[0]


def test_a_sample_goes_on(page: Page, found: Trained) -> None:
    page.get_by_label("Tokens", exact=True).first.fill("12")
    go_on = page.get_by_role("button", name="Continue the text")
    go_on.click()
    page.wait_for_selector("text=31 characters")
    assert page.locator("#text").input_value().startswith(TEXT)
    # The likeliest tokens alone: by temperature, and by a share that one token fills.
    wanted = TEXT
    for _ in range(5):
        answers = next_tokens(found, wanted, last=True)[0].expected.answers
        wanted += next(answer for answer in answers if answer != "<unk>").replace("<eos>", "\n")
    for temperature, share in (("0", "1"), ("1", "0")):
        page.locator("#text").fill(TEXT)
        page.get_by_label("Tokens", exact=True).first.fill("5")
        page.get_by_label("Temperature").fill(temperature)
        page.get_by_label("Top p").fill(share)
        go_on.click()
        page.wait_for_selector("text=24 characters")
        assert page.locator("#text").input_value() == wanted


def test_a_nearest_state_is_gone_to(page: Page) -> None:
    page.locator("#nearest li").first.wait_for()
    first = page.locator("#nearest li button").first
    place = first.inner_text()
    first.click()
    page.wait_for_selector(f"#token-{place}[aria-selected=true]")
    page.wait_for_selector(f"text=/m = {place}: /")


@pytest.mark.parametrize("phone", [False, True])
def test_dark_and_narrow(found: Trained, chromium: Browser, tmp_path: Path, phone: bool) -> None:
    with shown(found, chromium, tmp_path, dark=True, phone=phone) as page:
        assert page.locator("h1").inner_text() == "A <model>"
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        unnamed = """() => [...document.querySelectorAll("input, select, textarea, button")]
            .filter((e) => !(e.getAttribute("aria-label") || e.textContent.trim())).length"""
        assert page.evaluate(unnamed) == 0


def test_unknown_characters_are_counted_and_an_emptied_text_leaves_nothing(page: Page) -> None:
    page.wait_for_selector(".equation-lines >> text=net_i")
    page.locator("#text").fill("the ☃ cat ☃")
    page.wait_for_selector("text=/^11 characters, .* bits each; 2 unknown to the model$/")
    page.get_by_role("button", name="Draw every loss and every step").click()
    page.wait_for_selector("canvas.live-map[data-rows='11']")
    page.locator("#text").fill("")
    page.wait_for_selector("text=/^0 characters/")
    page.wait_for_selector(".equation-lines >> text=net_i", state="detached")
    assert not page.locator("#step .readout").inner_text()
    assert not page.locator(".hits li").count() and page.locator("canvas.live-map").is_hidden()
    page.locator("#text").fill("the")
    page.wait_for_selector(".equation-lines >> text=net_i")


def test_by_keys_alone_and_magnified(page: Page) -> None:
    check_keys(page)
    check_zoomed(page)


@pytest.mark.parametrize("first", REFUSED)
def test_a_browser_without_workers_is_told(
    first: str, found: Trained, chromium: Browser, tmp_path: Path
) -> None:
    path = tmp_path / "live.html"
    path.write_text(live_page(describe(found), "A <model>"), encoding="utf-8")
    with opened(chromium, path, DESKTOP, False, first=first) as page:
        assert "does not allow here" in page.get_by_role("alert").inner_text()
