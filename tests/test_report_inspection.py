"""The page of an inspection as a file, and its figures."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import zlib
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from inspections import HOSTILE, QUOTES, STEPS, UNITS, large, small, translation
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from bptt.errors import MachineError
from bptt.report.inspection_figures import draw_all, draw_flow, draw_map, draw_saturation
from bptt.report.inspection_page import page_text, write_page
from bptt.report.inspection_views import CurveView, LayerView, PropertyView, SequenceView, UnitView, ValueView
from bptt.report.payload import in_decades, in_levels, packed_size
from bptt.report.unit_choice import choose_units

LIMIT = 3_000_000
KINDS = {"u8": "<u1", "u16": "<u2", "i32": "<i4", "f32": "<f4", "f64": "<f8"}


def unpacked(page: str) -> Any:
    """What a page holds, with arrays in place of where they lie."""
    found = re.search(r'<script type="application/octet-stream" id="data">([^<]*)</script>', page)
    assert found is not None
    raw = zlib.decompress(base64.b64decode(found[1]))
    start = 4 + int.from_bytes(raw[:4], "little")

    def opened(value: dict[str, Any]) -> Any:
        if "array" not in value:
            return value
        return np.frombuffer(raw, KINDS[value["array"]], value["length"], start + value["at"])

    return json.loads(raw[4:start], object_hook=opened)


# ---- numbers in few bits


def test_levels_are_half_a_step_from_the_numbers() -> None:
    rows = np.random.default_rng(0).normal(0, [[1e-9], [1], [1e6]], (3, 500))
    rows[1, 7] = np.nan
    levels, low, high = in_levels(rows)
    assert levels[1, 7] == 255
    back = low[:, None] + levels / 254 * (high - low)[:, None]
    error = np.abs(np.delete(back - rows, 7, 1))
    assert np.all(error <= 0.5 * (high - low)[:, None] / 254 * (1 + 1e-9))


@pytest.mark.parametrize("row", [[2.5, 2.5], [np.nan, np.nan], [np.inf, 1.0]])
def test_levels_of_a_row_without_a_span(row: list[float]) -> None:
    levels, low, high = in_levels(np.array([row]))
    assert np.isfinite([low, high]).all()
    assert [level == 255 for level in levels[0]] == [not np.isfinite(x) for x in row]


def test_decades_keep_three_digits_over_any_range() -> None:
    norms = 10.0 ** np.linspace(-300, 300, 999)
    norms[[0, 1]] = 0, np.nan
    levels, low, high = in_decades(norms)
    assert (levels[0], levels[1]) == (0, 65535)
    back = 10 ** (low + (levels[2:] - 1.0) / 65533 * (high - low))
    # Half a level of 600 decades in 65,533.
    assert np.abs(np.log10(back / norms[2:])).max() <= 0.5 * 600 / 65533 * (1 + 1e-6)


def test_decades_of_nothing_but_zeros() -> None:
    levels, low, high = in_decades(np.zeros((2, 3)))
    assert (levels == 0).all()
    assert (low, high) == (0, 0)


# ---- which units a page holds


def test_all_units_are_held_if_they_fit() -> None:
    held = choose_units(small(), 10**6)
    assert all(series.units == tuple(range(UNITS)) for series in held.values())


def test_units_of_a_property_come_first_then_states_then_what_moves() -> None:
    shown = large(steps=300, units=20, layers=1)
    hit = PropertyView("some", "x", (UnitView("layer 1", "c", 13, 0.9),))
    shown = replace(shown, properties=(hit,))
    names = [value.name for value in shown.layers[0].values]
    moving = int(np.argsort(-shown.layers[0].values[0].numbers.std(0))[0])

    def held(budget: int) -> dict[str, tuple[int, ...]]:
        return {names[j]: series.units for (_, j), series in choose_units(shown, budget).items()}

    series = packed_size(np.random.default_rng(0).integers(0, 255, 300).astype(np.uint8)) + 12
    assert held(6 * series + 50) == dict.fromkeys(names, (13,))
    assert held(7 * series + 50)["h"] == tuple(sorted((13, moving)))
    states = held(25 * series + 50)
    assert states["h"] == tuple(range(20))
    assert states["c"] == (13,)
    assert held(30 * series + 50)["o"] == tuple(sorted((13, moving if moving != 13 else -1)))


def test_values_of_different_widths() -> None:
    """A projected LSTM carries fewer h than it has cells."""
    draw = np.random.default_rng(0)
    values = tuple(
        ValueView(name, "state", draw.normal(size=(30, width))) for name, width in (("h", 2), ("c", 5))
    )
    shown = replace(small(), layers=(LayerView("layer 1", 0, values),), properties=())
    held = choose_units(shown, 10**6)
    assert [series.units for series in held.values()] == [(0, 1), (0, 1, 2, 3, 4)]


# ---- the file


def test_what_is_drawn_is_what_was_measured() -> None:
    shown = small()
    page = unpacked(page_text(shown))
    value = page["layers"][0]["values"][1]
    levels = value["levels"].reshape(UNITS, STEPS)
    back = value["low"][:, None] + levels / 254 * (value["high"] - value["low"])[:, None]
    numbers = shown.layers[0].values[1].numbers.T
    assert np.abs(back - numbers).max() <= np.ptp(numbers, axis=1).max() / 254
    assert page["flows"][1]["median"].tolist()[1:] == shown.flows[1].median.tolist()[1:]
    attribution = page["attributions"][0]
    parts = (attribution["levels"].reshape(STEPS - 1, STEPS) - 127.0) / 127 * attribution["limits"][:, None]
    scores = shown.attributions[0].scores
    assert np.all(np.abs(parts - scores) <= np.abs(scores).max(1, keepdims=True) / 254 * 1.01)
    expected, shown_expected = page["sequences"][0]["expected"], shown.sequences[0].expected
    assert shown_expected is not None
    answers = expected["answers"].reshape(STEPS, 3)
    names = [tuple(expected["names"][k] for k in row if k >= 0) for row in answers]
    assert names == list(shown_expected.answers)
    assert expected["probabilities"].reshape(STEPS, 3)[:-1].tolist() == [[0.5, 0.25, 0.125]] * (STEPS - 1)
    assert page["properties"][0]["pattern"] == QUOTES
    assert page["dead"][0]["units"].tolist() == [3, 7]


def test_what_is_left_out_evenly_leaves_the_rest_as_it_was() -> None:
    shown = large(steps=1600, units=1, layers=2)
    page = unpacked(page_text(shown))
    (attribution,), scores = page["attributions"], shown.attributions[0].scores
    assert attribution["every"] > 1
    rows = attribution["rows"]
    assert rows.tolist() == list(range(0, 1600, attribution["every"]))
    parts = (attribution["levels"].reshape(len(rows), 1600) - 127.0) / 127 * attribution["limits"][:, None]
    assert np.all(np.abs(parts - scores[rows]) <= attribution["limits"][:, None] / 254 * 1.01)
    for found, picture in zip(page["maps"], shown.maps, strict=True):
        every = found["every"]
        assert every > 1
        assert found["rows"].tolist() == found["columns"].tolist() == list(picture.steps[::every])
        decades = found["low"] + (found["levels"] - 1.0) / 65533 * (found["high"] - found["low"])
        np.testing.assert_allclose(10**decades, picture.norms[::every, ::every].ravel(), rtol=3e-4)


def test_the_page_names_no_address_and_allows_only_its_own_script() -> None:
    page = page_text(small())
    outside = re.findall(r"\w+://[^\s\"'`]+", page)
    # The name of a language, which nobody fetches.
    assert outside == ["http://www.w3.org/2000/svg"]
    style, script = (
        base64.b64encode(hashlib.sha256(re.findall(tag, page, re.S)[0].encode()).digest()).decode()
        for tag in (r"<style>(.*?)</style>", r"<script>(.*?)</script>")
    )
    policy = f"default-src 'none'; script-src 'sha256-{script}'; style-src 'sha256-{style}'; "
    policy += "worker-src blob:; media-src blob:; base-uri 'none'; form-action 'none'"
    assert f'content="{policy}"' in page
    # The script ends where it should.
    assert page.count("<script") == page.count("</script>") == 2


def test_what_a_stranger_wrote_is_not_in_the_page_as_it_is() -> None:
    shown = small("</title><script>alert(1)</script>\udcff中")
    tokens = (*HOSTILE, *shown.sequences[0].tokens[len(HOSTILE) :])
    page = page_text(replace(shown, sequences=(SequenceView("<i>", tokens),)))
    assert "alert(1)</script>" not in page
    assert "<title>&lt;/title&gt;&lt;script&gt;alert(1)&lt;/script&gt;&#56575;&#20013;</title>" in page
    assert not any(token in page for token in HOSTILE[1:2])
    assert tuple(unpacked(page)["sequences"][0]["tokens"]) == tokens


def test_equal_inspections_make_equal_bytes(tmp_path: Path) -> None:
    paths = [tmp_path / name for name in ("one.html", "two.html")]
    for path in paths:
        write_page(small(), path)
    assert paths[0].read_bytes() == paths[1].read_bytes()


@pytest.mark.parametrize(("steps", "units", "layers"), [(2000, 256, 2), (60, 1500, 2), (4000, 64, 6)])
def test_a_page_stays_small(steps: int, units: int, layers: int) -> None:
    page = page_text(large(steps, units, layers))
    assert len(page.encode()) < LIMIT
    held = [value for layer in unpacked(page)["layers"] for value in layer["values"]]
    assert sum(value["levels"].size for value in held) >= 200_000


def test_an_inspection_of_nothing_but_words() -> None:
    empty = {name: () for name in vars(small()) if name != "title"}
    assert unpacked(page_text(replace(small(), **empty)))["layers"] == []


def test_a_page_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    with pytest.raises(MachineError, match="must be writable"):
        write_page(small(), tmp_path / "missing" / "report.html")


# ---- figures


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[Axes]]:
    """The axes of every figure, which is not saved."""
    found: list[Axes] = []
    monkeypatch.setattr(Figure, "savefig", lambda figure, path, **_: found.append(figure.axes[0]))
    monkeypatch.setattr("bptt.report.figure_page.write_output", lambda path, data: None)
    yield found


def test_patterns_of_nothing_but_signs_have_pictures_of_their_own(tmp_path: Path) -> None:
    shown = small("signs")
    first, second, *_ = shown.properties
    shown = replace(shown, properties=(replace(first, name="[，。]"), replace(second, name="[(]")))
    paths = draw_all(shown, tmp_path, ("svg",))
    assert [path.name for path in paths][:2] == ["text_pattern.svg", "text_pattern_2.svg"]
    assert len(set(paths)) == len(paths)


def test_every_figure_is_drawn_in_each_format(tmp_path: Path) -> None:
    shown = replace(small("标题 $1"), attributions=())
    paths = draw_all(shown, tmp_path)
    assert [path.name for path in paths] == [
        f"{name}.{ending}"
        for name in (
            "text_inside_quotes text_place_in_the_line gradient_flow map_layer_1 saturation "
            "singular_values_layer_1 lyapunov_layer_1"
        ).split()
        for ending in ("png", "svg")
    ]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in paths[::2])
    assert all(b"<svg" in path.read_bytes() for path in paths[1::2])


def test_equal_figures_are_equal_files(tmp_path: Path) -> None:
    flows = small().flows
    for name in ("one", "two"):
        draw_flow(flows, "title", tmp_path / f"{name}.svg")
    assert (tmp_path / "one.svg").read_bytes() == (tmp_path / "two.svg").read_bytes()


def test_names_of_directions_differ(drawn: list[Axes], tmp_path: Path) -> None:
    shown = translation()
    both = tuple(replace(shown.maps[0], layer=name) for name in ("encoder layer 1", "encoder layer 1 ←"))
    names = [path.name for path in draw_all(replace(shown, maps=both), tmp_path, ["png"])]
    assert names[-2:] == ["map_encoder_layer_1_of_target.png", "map_encoder_layer_1_reverse_of_target.png"]


def test_flow_shows_medians_bounds_and_memory(drawn: list[Axes], tmp_path: Path) -> None:
    flows = small().flows
    draw_flow(flows, "title", tmp_path / "flow.png")
    lines = [line.get_ydata() for line in drawn[0].lines]
    expected = []
    for flow in flows:
        expected += [flow.median] + ([flow.bound] if flow.bound is not None else [])
        expected += [[flow.median[flow.memory]]] if flow.memory is not None else []
    assert len(lines) == len(expected)
    for line, numbers in zip(lines, expected, strict=True):
        np.testing.assert_array_equal(line, numbers)
    assert drawn[0].get_yscale() == "log"


@pytest.mark.parametrize("bounded", [False, True])
def test_only_a_bound_is_dotted_and_only_then_the_note_says_so(
    drawn: list[Axes], tmp_path: Path, bounded: bool
) -> None:
    """An LSTM of two layers has three quantities, and no bound."""
    norms = 0.9 ** np.arange(9.0)
    bound = norms if bounded else None
    flows = [
        CurveView(layer, name, norms, norms, norms, bound if name == "δ" else None, None)
        for layer in ("layer 1", "layer 2")
        for name in ("δ", "h", "c", "n", "m")
    ]
    draw_flow(flows, "title", tmp_path / "flow.png")
    dotted = [line for line in drawn[0].lines if line.get_linestyle() in (":", (0, (1, 2)))]
    labelled = [line for line in drawn[0].lines if not str(line.get_label()).startswith("_")]
    assert len(labelled) == 10 and not any(line.get_linestyle() == ":" for line in labelled)
    assert len(drawn[0].lines) - len(labelled) == (2 if bounded else 0) >= len(dotted) // 2
    (note,) = [text.get_text() for text in drawn[0].texts if "median" in text.get_text()]
    assert ("dotted: the bound" in note) == bounded


def test_flow_without_a_gradient_is_drawn(drawn: list[Axes], tmp_path: Path) -> None:
    nothing = np.zeros(5)
    draw_flow(
        [CurveView("layer 1", "h", nothing, nothing, nothing, None, None)], "title", tmp_path / "flow.png"
    )
    assert drawn[0].get_yscale() == "linear"


def test_map_leaves_zeros_out(drawn: list[Axes], tmp_path: Path) -> None:
    picture = small().maps[0]
    draw_map(picture, "title", tmp_path / "map.png")
    image = drawn[0].images[0].get_array()
    np.testing.assert_array_equal(np.ma.getmaskarray(image), picture.norms <= 0)
    draw_map(replace(picture, norms=np.zeros((60, 60))), "title", tmp_path / "map.png")


def test_saturation_has_a_circle_for_each_unit(drawn: list[Axes], tmp_path: Path) -> None:
    saturations = small().saturations
    draw_saturation(saturations, "title", tmp_path / "saturation.png")
    offsets = [np.asarray(part.get_offsets()) for part in drawn[0].collections]
    assert len(offsets) == 3
    shares = np.stack([saturations[0].right, saturations[0].left], 1)
    np.testing.assert_array_equal(offsets[0], shares)
