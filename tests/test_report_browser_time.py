"""The page of a sequence in time: pictures, marks, bars and a sound on the axis of seconds."""

from __future__ import annotations

from pathlib import Path

import pytest
from browser import DESKTOP, PHONE, Open, opened
from inspections import LONG, MIDDLE_STEP, SHORT, STEPS, heard, small
from playwright.sync_api import Browser, Page

from bptt.languages.available import Language
from bptt.report.inspection_page import write_page

# The red, green and blue of a canvas at shares of its width and height.
PIXEL = """([row, x, y]) => {
  const canvas = document.querySelector(row);
  const pixel = new OffscreenCanvas(1, 1).getContext("2d");
  pixel.drawImage(canvas, -Math.floor(x * canvas.width), -Math.floor(y * canvas.height));
  return Array.from(pixel.getImageData(0, 0, 1, 1).data.slice(0, 3));
}"""


def seek(page: Page, seconds: float) -> None:
    """Move the sound, and wait for the page to follow."""
    page.evaluate(
        """(at) => new Promise((done) => {
          const audio = document.querySelector("audio");
          const go = () => {
            audio.addEventListener("seeked", () => setTimeout(done), { once: true });
            audio.currentTime = at;
          };
          audio.readyState ? go() : audio.addEventListener("loadedmetadata", go, { once: true });
        })""",
        seconds,
    )


def selected(page: Page) -> str:
    found = page.locator(".token[aria-selected=true]").get_attribute("data-step")
    assert found is not None
    return found


def test_the_sound_lasts_as_long_as_it_can_be_heard(show: Open) -> None:
    with show(heard()) as page:
        seek(page, 1)
        assert page.evaluate("document.querySelector('audio').duration") == pytest.approx(4, abs=1e-3)
        assert "The first 4.0 s of 6.0 s can be heard." in page.locator(".player").inner_text()


@pytest.mark.parametrize(
    ("seconds", "step"), [(0.31, int(0.31 / SHORT)), (3.01, MIDDLE_STEP + int(1.01 / LONG))]
)
def test_the_cursor_and_the_step_follow_the_sound(show: Open, seconds: float, step: int) -> None:
    with show(heard()) as page:
        seek(page, seconds)
        assert selected(page) == str(step)
        cursor, picture = (page.locator(found).first.bounding_box() for found in (".playhead i", "canvas"))
        assert cursor and picture
        assert cursor["x"] == pytest.approx(picture["x"] + picture["width"] * seconds / 6, abs=1.5)


def test_a_click_and_the_keys_move_the_sound(show: Open) -> None:
    with show(heard()) as page:
        seek(page, 0)
        box = page.locator(".timed canvas").first.bounding_box()
        assert box
        page.mouse.click(box["x"] + box["width"] / 4, box["y"] + 10)
        assert page.evaluate("document.querySelector('audio').currentTime") == pytest.approx(1.5, abs=0.01)
        assert selected(page) == str(int(1.5 / SHORT) - 1) or selected(page) == str(int(1.5 / SHORT))
        before = int(selected(page))
        page.locator(".strips").press("ArrowRight")
        assert selected(page) == str(before + 1)
        now = page.evaluate("document.querySelector('audio').currentTime")
        assert now == pytest.approx((before + 1.5) * SHORT, abs=1e-3)


def test_pictures_are_as_wide_as_the_axis_of_the_values(show: Open) -> None:
    with show(heard()) as page:
        page.get_by_label("Window").select_option("all steps")
        drawn = page.locator(".timed [data-axis], .strip-row svg").all()
        boxes = [each.bounding_box() for each in drawn]
        assert len(boxes) == 8
        assert len({(box["x"], box["width"]) for box in boxes if box}) == 1
        left, right = (page.evaluate(PIXEL, [".timed canvas", x, 0.5]) for x in (0.48, 0.52))
        assert left == [0xFD, 0xFD, 0xFC] and right == [0x22, 0x22, 0x22]
        mark = page.locator(".mark").bounding_box()
        assert mark and boxes[0]
        assert mark["x"] == pytest.approx(boxes[0]["x"] + boxes[0]["width"] / 2, abs=1)
        assert mark["width"] == pytest.approx(boxes[0]["width"] / 4, abs=1)
        assert page.locator(".row-names span").all_inner_texts() == ["a", "␣", "C4"]


def test_a_window_shows_its_part_of_the_pictures(show: Open) -> None:
    """The window of 80 steps about step 100 is from 1.2 s to 4 s: the dark half begins at 3 s."""
    with show(heard()) as page:
        page.locator(f"#token-0-{MIDDLE_STEP}").click()
        page.get_by_label("Window").select_option("80 steps")
        begins = (3 - 1.2) / (4 - 1.2)
        left, right = (page.evaluate(PIXEL, [".timed canvas", begins + by, 0.5]) for by in (-0.08, 0.08))
        assert left == [0xFD, 0xFD, 0xFC] and right == [0x22, 0x22, 0x22]
        assert page.locator(".strip-ends span").all_inner_texts() == ["1.20 s", "4.00 s"]


def test_bars_have_the_colour_of_the_unit_at_the_step_that_reads_them(show: Open) -> None:
    with show(heard()) as page:
        page.get_by_label("Window").select_option("all steps")
        for value in ("h", "f"):
            page.get_by_label("Value", exact=True).select_option(value)
            for step, x, y in ((1, 0.1, 0.83), (STEPS // 2, 0.4, 0.17)):
                colour = page.locator(f"#token-0-{step}").evaluate("node => node.style.backgroundColor")
                found = page.evaluate(PIXEL, [".timed:nth-child(4) canvas", x, y])
                assert colour == f"rgb({', '.join(map(str, found))})"


def test_each_example_has_its_own_time(show: Open) -> None:
    with show(heard(second=True)) as page:
        page.get_by_label("Window").select_option("all steps")
        assert page.locator(".strip-ends span").all_inner_texts() == ["0.00 s", "1.80 s"]
        page.locator("#token-0-95").click()
        assert page.locator(".strip-ends span").all_inner_texts() == ["0.00 s", "4.50 s"]
        assert not page.locator("audio").is_visible()
        page.locator("#token-0-20").click()
        assert page.locator("audio").is_visible()


def test_the_gradient_is_that_of_the_selected_step(show: Open) -> None:
    """The map has a loss at each third step: a loss depends on no later step."""
    with show(heard()) as page:
        page.get_by_label("Window").select_option("all steps")
        lengths = []
        for step in (30, 150):
            page.locator(f"#token-0-{step}").click()
            lengths.append(page.locator(".strips .tone-2").first.evaluate("node => node.getBBox().width"))
        assert lengths[0] < lengths[1]


def test_a_text_has_no_sound(show: Open) -> None:
    with show(small()) as page:
        assert page.locator(".timed, .playhead").count() == 0
        assert not page.locator("audio").is_visible()


@pytest.mark.parametrize("dark", [False, True])
def test_a_phone_has_room_for_it(show: Open, dark: bool) -> None:
    with show(heard(), viewport=PHONE, dark=dark) as page:
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        audio = page.locator("audio").bounding_box()
        assert audio and audio["width"] > 150


def test_the_chinese_page(chromium: Browser, tmp_path: Path) -> None:
    write_page(heard(), tmp_path / "a.html", Language.ZH)
    with opened(chromium, tmp_path / "a.html", DESKTOP, False) as page:
        seek(page, 1)
        words = page.locator("#text").inner_text()
        assert "随时间变化" in words and "可听前 4.0 秒（共 6.0 秒）。" in words
        assert page.locator("audio").get_attribute("aria-label") == "声音"
