"""A headless Chromium, whichever is installed on this machine, and what the tests of pages read in it."""

from __future__ import annotations

import re
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Browser, Error, Page, ViewportSize, sync_playwright

from bptt.report.inspection_page import write_page
from bptt.report.inspection_views import Inspection

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
# A browser that speaks to nobody; a container's root may not use the sandbox.
FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()
CURE = "no Chromium: install one (apt install chromium, or playwright install chromium)"
DESKTOP = ViewportSize(width=1280, height=900)
PHONE = ViewportSize(width=360, height=740)
PAPER, BLUE, ORANGE = (0xFD, 0xFD, 0xFC), (0x00, 0x72, 0xB2), (0xD5, 0x5E, 0x00)
DARK_PAPER, DARK_ORANGE = (0x15, 0x17, 0x1A), (0xF0, 0x8C, 0x4A)
STRENGTH = 0.62
Open = Callable[..., AbstractContextManager[Page]]


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """The browser, on a new and empty profile; the test is skipped on a machine that has none."""
    found = next(filter(None, map(shutil.which, NAMES)), None)
    with sync_playwright() as playwright:
        path = found or playwright.chromium.executable_path
        if not Path(path).exists():
            pytest.skip(CURE)
        browser = playwright.chromium.launch(executable_path=path, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def show(chromium: Browser, tmp_path: Path) -> Open:
    """Open the page of an inspection; it ends with no error and no request, or the test fails."""

    def open_page(
        shown: Inspection, viewport: ViewportSize = DESKTOP, dark: bool = False
    ) -> AbstractContextManager[Page]:
        path = tmp_path / "report.html"
        write_page(shown, path)
        return opened(chromium, path, viewport, dark)

    return open_page


@contextmanager
def opened(
    browser: Browser, path: Path, viewport: ViewportSize, dark: bool, fragment: str = "", first: str = ""
) -> Iterator[Page]:
    """A page from the disk, drawn; `fragment` is the state in its address, and `first` a script that runs
    before its own.

    At the end nothing has gone wrong in it, and it asked for nothing else.
    """
    wrong: list[str] = []
    asked: list[str] = []
    context = browser.new_context(viewport=viewport, color_scheme="dark" if dark else "light")
    page = context.new_page()
    page.set_default_timeout(20_000)
    page.on("console", lambda message: wrong.append(message.text))
    page.on("pageerror", lambda error: wrong.append(_said(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.on("dialog", lambda dialog: wrong.append(dialog.message))
    if first:
        page.add_init_script(first)
    page.goto(path.as_uri() + (f"#{fragment}" if fragment else ""))
    page.wait_for_selector("main [role=alert]" if first else "main section")
    yield page
    context.close()
    assert not wrong, wrong
    # A worker is made of a text that the page holds.
    pages = {url.partition("#")[0] for url in asked if not url.startswith("blob:")}
    assert pages == {path.as_uri()}


# What a browser does that refuses workers: there is no such class, it throws, or the worker fails unheard.
REFUSED = (
    "delete window.Worker",
    "window.Worker = class { constructor() { throw new DOMException('no', 'SecurityError'); } }",
    "window.Worker = class { constructor() { setTimeout(() => this.onerror(new Event('error'))); }"
    " addEventListener() {} postMessage() {} terminate() {} }",
)
# The elements that a key reaches, and those of them that show no focus or have no size.
UNFOCUSED = """() => {
    const found = document.activeElement, { outlineStyle, outlineWidth } = getComputedStyle(found);
    found.dataset.reached = "";
    return found !== document.body && (outlineStyle === "none" || outlineWidth === "0px"
        || !found.getBoundingClientRect().width) ? found.outerHTML.slice(0, 200) : "";
}"""
UNREACHED = """() => [...document.querySelectorAll("a[href], button, input, select, textarea")]
    .filter((one) => one.checkVisibility() && !one.disabled && !("reached" in one.dataset))
    .map((one) => one.outerHTML.slice(0, 200))"""


def check_keys(page: Page) -> None:
    """The tabulator reaches every control, each of which then shows that it has the focus."""
    for _ in range(100):
        page.keyboard.press("Tab")
        assert not page.evaluate(UNFOCUSED)
        if not page.evaluate(UNREACHED):
            return
    raise AssertionError(page.evaluate(UNREACHED))


def check_zoomed(page: Page) -> None:
    """Magnified twice, and four times, the page is no wider than its window."""
    for width in (DESKTOP["width"] // 2, DESKTOP["width"] // 4):
        page.set_viewport_size(ViewportSize(width=width, height=450))
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def _said(error: Error) -> str:
    return error.stack or error.message


def mixed(
    share: float, paper: Sequence[int] = PAPER, low: Sequence[int] = BLUE, high: Sequence[int] = ORANGE
) -> str:
    """The colour of a share, of which ±1 are the ends, as a browser writes it."""
    pole, strength = low if share < 0 else high, STRENGTH * min(1, abs(share))
    channels = (round(a + strength * (b - a)) for a, b in zip(paper, pole, strict=True))
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
