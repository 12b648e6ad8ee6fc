"""Live pages of a classifier and a tagger in Chromium: typing, choosing, looking back, changing, links."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import torch
from browser import DESKTOP, PHONE, check_keys, check_zoomed, choose, number, opened
from job_files import CONTENTS
from live_engine import halved
from playwright.sync_api import Browser, Page
from test_exporting_jobs import FILMS, untrained

import bptt
from bptt.jobs.registry import find_page, job_of
from bptt.languages.available import Language
from bptt.live.live_page import live_page

TEXT, SENTENCE = "The model reads this text as you type.", "Ada Lovelace went to London in 1842 ."


@contextmanager
def shown(
    trained: Any, chromium: Browser, folder: Path, language: Language = Language.EN, phone: bool = False
) -> Iterator[Page]:
    describe, path = find_page(job_of(trained)), folder / "live.html"
    assert describe is not None
    path.write_text(live_page(describe(trained, None), "A <model>", language), encoding="utf-8")
    with opened(chromium, path, PHONE if phone else DESKTOP, dark=phone) as page:
        page.wait_for_selector("html[data-read]")
        page.wait_for_selector(".equation-lines >> text=net_i")
        yield page


def halved_run(job: str, text: str, folder: Path, name: str, **options: Any) -> Any:
    trained: Any = bptt.load(untrained(job, text, folder, name, **options))
    halved(trained.model)
    return trained


@pytest.fixture(scope="module")
def classifier(tmp_path_factory: pytest.TempPathFactory) -> Any:
    return halved_run("classify", FILMS, tmp_path_factory.mktemp("films"), "films.tsv", ngrams=False)


@pytest.fixture(scope="module")
def tagger(tmp_path_factory: pytest.TempPathFactory) -> Any:
    trained = halved_run("tag", CONTENTS["tag"][1], tmp_path_factory.mktemp("news"), "news.conll")
    torch.nn.init.constant_(trained.model.crf.start, 0.5)
    return trained


def bars(page: Page) -> dict[str, float]:
    items = page.get_by_label("Answers").locator("li").all_inner_texts()
    rows = [item.split("\n") for item in items]
    return {row[0]: float(row[-1].removesuffix(" %")) / 100 for row in rows}


def near(shares: dict[str, float]) -> Any:
    return pytest.approx(shares, abs=6e-4)


def test_a_classifier(classifier: Any, chromium: Browser, tmp_path: Path) -> None:
    """After every key the bars are the model's; a chosen label has its own loss; a link keeps it all."""

    def expected(text: str) -> Any:
        (found,) = classifier.predict([text])
        return near(dict(zip(classifier.labels, found.probabilities, strict=True)))

    with shown(classifier, chromium, tmp_path) as page:
        assert bars(page) == expected(TEXT)
        page.locator("#text").press("End")
        page.locator("#text").type(" fine film")
        page.wait_for_selector("text=11 steps; 9 unknown to the model")
        assert bars(page) == expected(f"{TEXT} fine film")
        assert page.locator("#token-10").inner_text() == " film"
        page.wait_for_selector("#token-10[title^='part in the loss: ']")
        said = page.locator("#reach .readout").first
        for label in ("good", "bad"):
            button = page.get_by_label("Answers").get_by_role("button", name=label)
            button.focus()
            button.press("Enter")
            page.wait_for_selector(f"text=/nats: loss of {label}/")
            loss = number(said.inner_text().split()[2])
            assert loss == pytest.approx(-torch.tensor(bars(page)[label]).log().item(), abs=1e-2)
            assert page.locator("button[aria-pressed=true]").inner_text() == label
            assert page.evaluate("document.activeElement.textContent") == label
        choose(page, "Colour the text by", "gradient of the chosen loss")
        page.wait_for_selector("#token-10[title^='‖∂E/∂net‖ = ']")
        choose(page, "Colour the text by", "a value of a layer")
        page.wait_for_selector("#token-10[title^='i = ']")
        page.get_by_role("button", name="Draw every loss and every step").click()
        page.wait_for_selector("canvas.live-map[data-rows='11']")
        page.locator("canvas.live-map").focus()
        page.locator("canvas.live-map").press("ArrowDown")
        page.wait_for_selector("text=/^m = 1, n = 0/")
        page.wait_for_function("() => location.hash.includes('choice%22%3A0')")
        address = page.url
        page.goto("about:blank")
        page.goto(address)
        page.wait_for_selector("text=/nats: loss of bad/")
        assert page.locator("#text").input_value() == f"{TEXT} fine film"
        # The way back from a text without steps.
        page.locator("#text").fill("")
        page.wait_for_selector("text=/^0 steps$/")
        assert bars(page) == expected("")


def test_a_tagger(tagger: Any, chromium: Browser, tmp_path: Path) -> None:
    """Words carry their tags; word and tag are chosen by pointer and by key; a change is shown beside."""

    def expected(text: str, word: int) -> Any:
        (shares,) = tagger.probabilities([text.split()])
        return near(dict(zip(tagger.tags.tags, shares[word].tolist(), strict=True)))

    with shown(tagger, chromium, tmp_path) as page:
        (wanted,) = tagger.predict([SENTENCE.split()])
        notes = page.locator(".token .note").all_inner_texts()
        assert [note.split(" ")[0] for note in notes] == ["" if tag == "O" else tag for tag in wanted.tags]
        assert bars(page) == expected(SENTENCE, 7)
        page.locator("#token-4").click()
        page.wait_for_selector("text=Tags of word 4, “London”")
        assert bars(page) == expected(SENTENCE, 4)
        page.mouse.move(0, 0)
        page.get_by_label("Answers").get_by_role("button", name="I-PER").click()
        page.wait_for_selector("text=/nats: tag I-PER at word 4/")
        box = page.get_by_role("listbox")
        box.focus()
        box.press("ArrowLeft")
        page.wait_for_selector("text=/nats: tag I-PER at word 3/")
        left, right = (
            page.locator("#step .equation-lines").last.locator("div.quiet").first.inner_text().split(" = ")
        )
        assert number(left) == pytest.approx(
            sum(number(term.strip("() ")) for term in right.split(" + ")), rel=1e-2
        )
        assert number(left) != 0
        plain = bars(page)
        page.locator("#changes").get_by_label("Value").select_option("c")
        page.locator("#changes").get_by_role("button", name="Change", exact=True).click()
        page.wait_for_selector(".before")
        assert bars(page) != plain
        choose(page, "Colour the text by", "change by what you changed")
        page.wait_for_selector("#token-3[title^='P of the answer changes by ']")
        page.get_by_role("button", name="Remove lstm 1: c = 0").click()
        page.wait_for_selector(".before", state="detached")
        assert bars(page) == plain


def test_an_emptied_sentence_leaves_nothing(tagger: Any, chromium: Browser, tmp_path: Path) -> None:
    with shown(tagger, chromium, tmp_path) as page:
        page.wait_for_selector("svg.reach-chart polyline")
        page.get_by_role("button", name="Draw every loss and every step").click()
        page.wait_for_selector("canvas.live-map[data-rows='8']")
        page.locator("#text").fill("")
        page.wait_for_selector("text=/^0 words/")
        page.wait_for_selector(".equation-lines >> text=net_i", state="detached")
        page.wait_for_selector("svg.reach-chart polyline", state="detached")
        assert page.locator("canvas.live-map").is_hidden()
        assert not page.locator("#step .readout, #reach .readout").all_inner_texts()[0]
        assert not page.locator(".token").count()
        page.locator("#text").fill(SENTENCE)
        page.wait_for_selector(".equation-lines >> text=net_i")
        check_keys(page)
        check_zoomed(page)


def test_in_chinese_on_a_phone_in_the_dark(tagger: Any, chromium: Browser, tmp_path: Path) -> None:
    with shown(tagger, chromium, tmp_path, Language.ZH, phone=True) as page:
        assert page.evaluate("document.documentElement.lang") == "zh-CN"
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        assert page.locator("h2").all_inner_texts() == [
            "输入",
            "支撑答案的各步",
            "改动模型",
            "一个单元，一步",
        ]
        unnamed = """() => [...document.querySelectorAll("input, select, textarea, button, canvas, svg, ol")]
            .filter((e) => !(e.getAttribute("aria-label") || e.textContent.trim())).length"""
        assert page.evaluate(unnamed) == 0
