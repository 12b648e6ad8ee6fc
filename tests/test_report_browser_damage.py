"""A page whose file is damaged says so instead of staying empty."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from browser import DESKTOP
from inspections import small
from playwright.sync_api import Browser

from bptt.report.inspection_page import page_text

PAGE = page_text(small())
(LETTERS,) = re.findall(r'id="data">([^<]*)<', PAGE)
HALF = len(LETTERS) // 2
OTHER = {"A": "B"}.get(LETTERS[HALF], "A")


def with_numbers(letters: str) -> str:
    return PAGE.replace(LETTERS, letters)


@pytest.mark.parametrize(
    ("damaged", "said"),
    [
        (with_numbers(LETTERS[:HALF] + OTHER + LETTERS[HALF + 1 :]), "The numbers of this page are damaged"),
        (with_numbers(LETTERS[: HALF // 4 * 4]), "The numbers of this page are damaged"),
        (with_numbers("no base64 \u732b"), "The numbers of this page are damaged"),
        (with_numbers(""), "The numbers of this page are damaged"),
        (PAGE[: PAGE.index('<script type="application')], "The numbers of this page are damaged"),
        (PAGE[: PAGE.index(LETTERS) + HALF], "The numbers of this page are damaged"),
        (PAGE[: PAGE.index("function firstView")], "the script or the data of this page are damaged"),
        (PAGE.replace("function firstView", "function  firstView"), "the script or the data"),
    ],
    ids=["a letter", "half", "no base64", "nothing", "no element", "cut", "cut in the script", "the script"],
)
def test_a_damaged_page_says_so(chromium: Browser, tmp_path: Path, damaged: str, said: str) -> None:
    path = tmp_path / "page.html"
    path.write_text(damaged, encoding="utf-8")
    page = chromium.new_page(viewport=DESKTOP)
    page.goto(path.as_uri())
    line = page.locator("#page").get_by_text(said)
    line.wait_for(state="visible", timeout=10_000)
    assert re.search("write it anew", line.inner_text())
    assert page.locator("main section").count() == 0 and page.locator("#page p:visible").count() == 1
    page.close()
