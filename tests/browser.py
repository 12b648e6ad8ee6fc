"""A headless Chromium for the tests of pages: whatever is installed on this machine."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Error, Page, ViewportSize, sync_playwright

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")
# A browser that speaks to nobody; a container's root may not use the sandbox.
FLAGS = (
    "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking "
    "--disable-component-update --disable-sync"
).split()
CURE = "no Chromium: install one (apt install chromium, or playwright install chromium)"
DESKTOP = ViewportSize(width=1280, height=900)
PHONE = ViewportSize(width=360, height=740)


@contextmanager
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


@contextmanager
def opened(
    browser: Browser, path: Path, viewport: ViewportSize = DESKTOP, dark: bool = False
) -> Iterator[Page]:
    """A page from the disk, drawn. At the end nothing has gone wrong in it, and it asked for nothing else."""
    wrong: list[str] = []
    asked: list[str] = []
    context = browser.new_context(viewport=viewport, color_scheme="dark" if dark else "light")
    page = context.new_page()
    page.set_default_timeout(5000)
    page.on("console", lambda message: wrong.append(message.text))
    page.on("pageerror", lambda error: wrong.append(_said(error)))
    page.on("request", lambda request: asked.append(request.url))
    page.on("dialog", lambda dialog: wrong.append(dialog.message))
    page.goto(path.as_uri())
    page.wait_for_selector("main section")
    yield page
    context.close()
    assert wrong == []
    assert {url.partition("#")[0] for url in asked} == {path.as_uri()}


def _said(error: Error) -> str:
    return error.stack or error.message
