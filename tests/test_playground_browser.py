"""The playground in Chromium: what a reader can do, and what it then shows; never an error or a request."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlencode

import pytest
from browser import DESKTOP, PHONE, REFUSED, check_keys, check_zoomed, choose, number, opened
from playwright.sync_api import Browser, Page

from bptt.cells import CATALOGUE
from bptt.playground.playground_page import write_playground

# Networks that train in a moment.
SMALL = {"steps": "8", "hidden": "4", "batch": "2", "updates": "50"}
LSTM = "\n".join(equation.text for equation in CATALOGUE["lstm"].equations)


@contextmanager
def shown(chromium: Browser, folder: Path, dark: bool = False, phone: bool = False) -> Iterator[Page]:
    path = folder / "playground.html"
    write_playground(path)
    with opened(chromium, path, PHONE if phone else DESKTOP, dark, urlencode(SMALL)) as page:
        ready(page)
        yield page


def go(page: Page, address: str) -> None:
    page.goto("about:blank")
    page.goto(address)
    ready(page)


def ready(page: Page) -> None:
    """Wait for the first report of the cells of the catalogue."""
    for slot in (0, 1):
        page.wait_for_selector(f"[data-slot='{slot}'][data-updates]")


@pytest.fixture
def page(chromium: Browser, tmp_path: Path) -> Iterator[Page]:
    with shown(chromium, tmp_path) as page:
        yield page


def trained(page: Page, updates: int = 50) -> None:
    page.get_by_role("button", name="Train", exact=True).click()
    for slot in page.locator("article:visible").evaluate_all("all => all.map((one) => one.dataset.slot)"):
        page.wait_for_selector(f"[data-slot='{slot}'][data-updates='{updates}']")


def equations(page: Page) -> list[str]:
    return page.get_by_role("region", name="Derivation").locator("tr").all_inner_texts()


def test_the_derivation_and_the_weights_follow_the_typing(page: Page) -> None:
    area = page.get_by_label("Equations, one a line")
    assert len(equations(page)) == 8
    page.wait_for_selector("text=56 weights")
    area.fill("h = tanh(W_h @ x + R_h @ h_prev + b_h)")
    # H (I + H + 1) with I = 2, H = 4.
    page.wait_for_selector("text=28 weights")
    assert len(equations(page)) == 4
    page.get_by_role("button", name="Gradients").click()
    assert len(equations(page)) == 3
    page.get_by_role("button", name="Forward").click()
    assert len(equations(page)) == 2
    page.get_by_label("Start from").select_option("lstm")
    page.wait_for_selector("text=112 weights")
    assert area.input_value() == LSTM
    assert page.get_by_label("States").input_value() == "h c"


def test_a_wrong_equation_is_explained_where_it_stands(page: Page) -> None:
    area = page.get_by_label("Equations, one a line")
    area.fill("h = tanh(W_h @ x + R_h @ h_prev)\n  c = sigm(h)")
    fault = page.locator(".fault")
    fault.wait_for()
    assert "Line 2, column 7: unknown function or number of arguments, got sigm() of 1" in fault.inner_text()
    assert "Known: sigmoid, tanh" in fault.inner_text()
    assert area.get_attribute("aria-invalid") == "true"
    page.get_by_role("button", name="Go there").click()
    selected = "e => e.value.slice(e.selectionStart, e.selectionEnd)"
    assert area.evaluate(selected) == "sigm(h)"
    area.press_sequentially("sigmoid(h)")
    fault.wait_for(state="detached")
    assert area.get_attribute("aria-invalid") == "false"
    page.get_by_text("Output, widths, constants, starts").click()
    page.get_by_label("Constants").fill("epsilon")
    fault.wait_for()
    assert "constants: written as name=value, got 'epsilon'" in fault.inner_text()


# From the left edge of the marked character to that of the mark, in pixels.
MARKED = """(pre, column) => {
  const range = document.createRange();
  range.setStart(pre.firstChild, column);
  range.setEnd(pre.firstChild, column + 1);
  return pre.querySelector("mark").getBoundingClientRect().left - range.getBoundingClientRect().left;
}"""


@pytest.mark.parametrize("line", ["  c = sigm(h)", "c\t=\tsigm(h)", "状态 = sigm(h)"])
def test_the_mark_is_below_the_fault(page: Page, line: str) -> None:
    # Two ends of a line that a text area keeps as they are.
    page.get_by_label("Equations, one a line").fill(f"h = tanh(W_h @ x)\x0b\u2028{line}")
    pre = page.locator(".fault pre")
    pre.wait_for()
    assert pre.inner_text().split("\n")[0] == line
    assert abs(pre.evaluate(MARKED, line.index("sigm"))) < 0.5
    page.get_by_role("button", name="Go there").click()
    selected = "e => e.value.slice(e.selectionStart, e.selectionEnd)"
    assert page.get_by_label("Equations, one a line").evaluate(selected) == "sigm(h)"


def test_a_training_ends_with_its_last_cell(page: Page) -> None:
    trained(page)
    updates = page.get_by_label("Updates")
    for wanted in ("50", "25"):
        updates.fill(wanted)
        updates.press("Tab")
        page.wait_for_selector("html[data-running='false']")
        page.get_by_role("button", name="Train", exact=True).click()
        page.wait_for_selector("html[data-running='false']")
    updates.fill("1000000")
    updates.press("Tab")
    page.get_by_role("button", name="Train", exact=True).click()
    page.wait_for_selector("html[data-running='true']")
    for choice in ("First cell", "Second cell"):
        choose(page, choice, "none")
    page.get_by_label("the cell above").uncheck()
    page.wait_for_selector("html[data-running='false']")
    assert page.get_by_role("button", name="Train", exact=True).is_disabled()
    choose(page, "First cell", "gru")
    assert page.get_by_role("button", name="Train", exact=True).is_enabled()


def test_a_link_opened_in_the_page(page: Page) -> None:
    page.evaluate("location.hash = 'hidden=7'")
    page.wait_for_function("() => document.getElementById('hidden')?.value === '7'")
    page.go_back()
    page.wait_for_function("() => document.getElementById('hidden')?.value === '4'")


def test_a_text_too_short_is_said(page: Page) -> None:
    choose(page, "Problem", "text: the next character")
    said = page.get_by_text("A text has at least 3 characters")
    page.get_by_label("Text to learn").fill("ab")
    said.wait_for()
    page.get_by_label("Text to learn").fill("abc")
    said.wait_for(state="detached")


def test_cells_train_side_by_side(page: Page) -> None:
    before = float(page.locator("[data-slot='1']").get_attribute("data-loss") or "nan")
    trained(page)
    page.wait_for_selector("html[data-running='false']")
    names = page.locator("article h3").all_inner_texts()
    assert names == ["elman-tanh", "lstm", "own"]
    assert float(page.locator("[data-slot='1']").get_attribute("data-loss") or "nan") < before
    assert "lstm: loss" in page.locator(".unseen").inner_text()
    assert page.locator("[data-slot='2'] .says").inner_text().count("answer") == 1
    # Loss, baseline and gradient: a line for each cell, and one more.
    assert [page.locator("figure").nth(k).locator("path.line").count() for k in (0, 1)] == [8, 6]
    page.get_by_text("Numbers as a table").first.click()
    rows = page.get_by_role("region", name="Numbers as a table").locator("tbody tr")
    rows.first.wait_for()
    assert [row.split("\t")[0] for row in rows.all_inner_texts()] == ["0", "25", "50"]


def test_a_training_that_breaks_is_said(page: Page) -> None:
    page.get_by_label("Equations, one a line").fill("h = exp(900 + W_h @ x) * (1 + h_prev)")
    page.wait_for_selector("text=8 weights")
    page.get_by_role("button", name="Train", exact=True).click()
    page.wait_for_selector("text=stopped: the gradient is no longer finite: lower the learning rate")
    page.wait_for_selector("html[data-running='false']")
    assert page.locator("[data-slot='1']").get_attribute("data-updates") == "50"


def test_equal_seeds_give_equal_losses(page: Page) -> None:
    def losses() -> list[str | None]:
        return [page.locator(f"[data-slot='{k}']").get_attribute("data-loss") for k in range(3)]

    trained(page)
    first = losses()
    page.get_by_role("button", name="Start again").click()
    page.wait_for_selector("[data-slot='2'][data-updates='0']")
    trained(page)
    assert losses() == first
    page.get_by_label("Seed").fill("2")
    page.get_by_label("Seed").press("Enter")
    page.wait_for_selector("[data-slot='2'][data-updates='0']")
    trained(page)
    assert losses() != first


def test_changes_while_it_trains(page: Page) -> None:
    page.get_by_label("Updates").fill("1000000")
    page.get_by_label("Updates").press("Enter")
    page.get_by_role("button", name="Train", exact=True).click()
    page.wait_for_function("() => Number(document.querySelector('[data-slot=\"1\"]').dataset.updates) > 25")
    page.get_by_label("Learning rate").fill("0")
    page.get_by_label("Learning rate").press("Enter")
    # Another cell begins anew and goes on training; the others go on where they were.
    page.get_by_label("Equations, one a line").fill("h = relu(W_h @ x + u_h * h_prev + b_h)")
    page.wait_for_function("() => Number(document.querySelector('[data-slot=\"2\"]').dataset.updates) > 25")
    page.get_by_label("First cell").select_option("none")
    page.wait_for_selector("[data-slot='0']", state="hidden")
    page.get_by_label("the cell above").uncheck()
    page.wait_for_selector("[data-slot='2']", state="hidden")
    page.get_by_role("button", name="Pause").click()
    assert page.locator("html").get_attribute("data-running") == "false"


@pytest.mark.parametrize(
    ("problem", "words"),
    [("copying: letters after a wait", "to copy; answer"), ("text: the next character", "")],
)
def test_other_problems(page: Page, problem: str, words: str) -> None:
    choose(page, "Problem", problem)
    assert page.get_by_label("Updates").input_value() == ("2000" if words else "500")
    page.get_by_label("Updates").fill("50")
    page.get_by_label("Updates").press("Enter")
    if not words:
        page.get_by_label("Text to learn").fill("ab")
        page.get_by_label("Text to learn").fill("abcab" * 4)
        # 3 characters for the LSTM of 4 units, 4 H (I + H + 1), and the output, 3 (H + 1).
        page.wait_for_selector("text=143 weights with the output")
    page.wait_for_selector("[data-slot='2'][data-updates='0']")
    trained(page)
    says = page.locator("[data-slot='1'] .says").inner_text()
    assert words in says
    if not words:
        assert len(says) == 120 and set(says) <= set("abc")
    assert page.get_by_label("Text to learn").is_visible() == (not words)
    # Nats have a scale without powers of ten.
    low, high, *_ = map(number, page.locator("figure").first.locator("text.tick.end").all_text_contents())
    assert 0 < high < 5 * low
    # The steps that copying needs, and those that the text has.
    page.get_by_label("Steps").fill("6")
    page.get_by_label("Steps").press("Enter")
    assert page.get_by_label("Steps").input_value() == ("7" if words else "6")


def test_the_address_holds_the_state(page: Page) -> None:
    page.get_by_label("Equations, one a line").fill("h = tanh(W_h @ x + u_h * h_prev)")
    page.get_by_label("Second cell").select_option("gru")
    page.get_by_label("Units").fill("6")
    page.get_by_label("Units").press("Enter")
    page.wait_for_function("() => location.hash.includes('hidden=6') && location.hash.includes('u_h')")
    go(page, page.url)
    assert page.get_by_label("Equations, one a line").input_value() == "h = tanh(W_h @ x + u_h * h_prev)"
    assert page.get_by_label("Second cell").input_value() == "gru"
    assert page.locator("article h3").all_inner_texts() == ["elman-tanh", "gru", "own"]
    plain = page.url.partition("#")[0]
    hostile = {"first": "__proto__", "problem": "toString", "steps": "1e99", "hidden": "-3", "rate": "x"}
    go(page, f"{plain}#{urlencode(hostile)}&equations=%3Cb%3E&%E0%A4%A")
    assert page.get_by_label("First cell").input_value() == "elman-tanh"
    assert page.get_by_label("Units").input_value() == "24"
    assert "an equation is `name = expression`, got '<b>'" in page.locator(".fault").inner_text()


def test_keys_and_names(page: Page) -> None:
    picture = page.locator("[data-slot='1'] canvas")
    picture.focus()
    picture.press("ArrowLeft")
    readout = page.locator("[data-slot='1'] .readout.quiet")
    assert readout.inner_text().startswith("loss at 8, step 7, lag 1: ")
    picture.press("Shift+ArrowUp")
    assert readout.inner_text().startswith("loss at 1, step 1, lag 0: ")
    assert readout.inner_text().endswith(", 1 of that at lag 0")
    picture.hover(position={"x": 2, "y": 250})
    assert readout.inner_text().startswith("loss at 7, step 1, lag 6: ")
    curve = page.get_by_label("Median norm of the gradient by lag")
    curve.focus()
    curve.press("End")
    assert page.locator("figure").nth(1).locator(".readout").inner_text() == "lag 7"
    unnamed = page.locator("button, input, select, textarea, canvas, svg[tabindex]").evaluate_all(
        "all => all.filter((e) => !(e.ariaLabel || e.labels?.[0]?.textContent || e.textContent.trim()))"
        ".map((e) => e.outerHTML)"
    )
    assert unnamed == []


@pytest.mark.parametrize(("dark", "phone"), [(True, False), (False, True)])
def test_dark_and_narrow(chromium: Browser, tmp_path: Path, dark: bool, phone: bool) -> None:
    with shown(chromium, tmp_path, dark, phone) as page:
        assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
        button = page.locator("#theme")
        assert button.inner_text() == ("Light" if dark else "Dark")
        button.click()
        assert page.locator("html").get_attribute("data-theme") == ("light" if dark else "dark")


def test_a_cell_given_by_its_author(chromium: Browser, tmp_path: Path) -> None:
    path = tmp_path / "playground.html"
    write_playground(path, CATALOGUE["lstm-layernorm"])
    with opened(chromium, path, DESKTOP, False) as page:
        page.wait_for_selector("[data-slot='2'][data-updates='0']")
        assert page.get_by_label("Constants").input_value() == "epsilon=0.00001"
        assert page.get_by_label("Starts").input_value() == "gain=1 b=0"
        assert path.stat().st_size < 300_000


def test_by_keys_alone_and_magnified(page: Page) -> None:
    check_keys(page)
    check_zoomed(page)


@pytest.mark.parametrize("first", REFUSED)
def test_a_browser_without_workers_is_told(first: str, page: Page) -> None:
    """The cells can be written and derived all the same."""
    page.add_init_script(first)
    page.reload()
    page.wait_for_selector("[data-slot='0'][data-stopped]")
    assert "stopped: the browser refuses the worker" in page.locator("[data-slot='0']").inner_text()
    assert equations(page)
