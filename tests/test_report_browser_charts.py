"""The charts of the page in a browser: read by pointer, by keys, and as tables."""

from __future__ import annotations

from dataclasses import replace

import pytest
from browser import Open, number
from inspections import small


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


def test_lags_are_whole(show: Open) -> None:
    shown = small()
    short = [replace(flow, lower=flow.lower[:3], median=flow.median[:3], upper=flow.upper[:3], bound=None,
                     memory=None) for flow in shown.flows]  # fmt: skip
    with show(replace(shown, flows=tuple(short))) as page:
        assert page.locator("#flow text.tick.middle").all_text_contents() == ["0", "1", "2"]


def test_a_single_loss_is_a_strip(show: Open) -> None:
    shown = small()
    picture = shown.maps[0]
    single = replace(picture, loss_steps=picture.loss_steps[-1:], norms=picture.norms[-1:])
    with show(replace(shown, maps=(single,))) as page:
        box = page.locator("#map canvas").bounding_box()
        assert box is not None and box["height"] < box["width"] / 5


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
