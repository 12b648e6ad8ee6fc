"""The page of a model whose steps look like something: pictures over the values, on one axis."""

from __future__ import annotations

import pytest
from browser import PHONE, Open
from inspections import STEPS, clip, small
from playwright.sync_api import Page

# The red of the pixel of a canvas at a share of its width, in the middle of its height.
RED = """([found, share]) => {
  const canvas = document.querySelector(found);
  const pixel = new OffscreenCanvas(1, 1).getContext("2d");
  pixel.drawImage(canvas, -Math.floor(share * canvas.width), -(canvas.height >> 1));
  return pixel.getImageData(0, 0, 1, 1).data[0];
}"""


def red(page: Page, canvas: str, share: float) -> int:
    found: int = page.evaluate(RED, [canvas, share])
    return found


def choose_all_steps(page: Page) -> None:
    page.get_by_label("Window").select_option("all steps")


def test_frames_are_at_the_steps_that_they_are_of(show: Open) -> None:
    """A frame of 8 x 6 in a band of 800 x 64 is 85 pixels wide: of 60 frames 9 have room, the first at their
    steps."""
    with show(clip()) as page:
        choose_all_steps(page)
        assert red(page, ".pictures", 0.01) == 0
        # The next frame that has room begins at pixel 93.3: frame 7, of red 28.
        assert red(page, ".pictures", 0.15) == 28
        # The last pixels show frames near the end.
        assert red(page, ".pictures", 0.97) >= 4 * 50


def test_the_frame_of_the_selected_step_is_shown_large(show: Open) -> None:
    with show(clip()) as page:
        choose_all_steps(page)
        page.locator("#token-0-100").click()
        assert page.locator(".strip .large").get_attribute("aria-label") == "Picture of step 100"
        assert red(page, ".strip .large", 0.5) == 4 * (100 // 3)
        page.locator(".strip .pictures").click(position={"x": 1, "y": 20})
        assert page.locator(".strip .large").get_attribute("aria-label") == "Picture of step 0"


def test_the_gradient_is_on_the_axis_of_the_pictures(show: Open) -> None:
    with show(clip()) as page:
        choose_all_steps(page)
        rows = page.locator(".strip-row")
        assert rows.first.locator("b").inner_text() == "Pictures"
        assert rows.last.locator("b").inner_text() == "‖∂E/∂net‖"
        boxes = [page.locator(found).first.bounding_box() for found in (".pictures", ".strip-row svg")]
        assert all(boxes) and boxes[0]["x"] == boxes[1]["x"] and boxes[0]["width"] == boxes[1]["width"]  # type: ignore[index]


def test_a_picture_of_columns_is_as_long_as_its_steps(show: Open) -> None:
    with show(clip(columns=True)) as page:
        choose_all_steps(page)
        assert {red(page, ".pictures", share) for share in (0.0, 0.5, 0.99)} == {90}
        assert page.locator(".strip .large").count() == 0


def test_a_text_has_no_pictures(show: Open) -> None:
    with show(small()) as page:
        assert page.locator(".pictures, .stacked").count() == 0


@pytest.mark.parametrize("columns", [False, True])
def test_a_phone_has_room_for_them(show: Open, columns: bool) -> None:
    with show(clip(columns), viewport=PHONE) as page:
        assert page.evaluate("document.documentElement.scrollWidth") == 360
        assert STEPS > 0
