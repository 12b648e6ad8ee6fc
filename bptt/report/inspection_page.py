"""An inspection as one HTML file that needs nothing else: no server, no network, no font."""

from __future__ import annotations

import base64
import hashlib
import html
import re
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bptt.errors import MachineError
from bptt.report.inspection import Attribution, Flow, Inspection, Layer, Map, Spectrum
from bptt.report.payload import Json, Payload, in_decades, in_levels, packed_size
from bptt.report.unit_choice import Place, Series, choose_units

# The page has fewer than 3,000,000 bytes, of which base64 spends 4 for every 3 of the payload.
_PAYLOAD = 2_050_000
# Of these at most: the maps together, the attributions together, what is left for the units at least.
_MAPS, _ATTRIBUTIONS, _UNITS_AT_LEAST = 550_000, 350_000, 200_000

_FILES = Path(__file__).parent / "page_files"
# In the order in which they are joined: the first need nothing of the later ones.
_SCRIPTS = (
    "payload elements colours scales store chart verdict tokens strip search nearest colourings controls text "
    "flow map saturation spectrum main"
).split()


def write_page(inspection: Inspection, path: Path) -> None:
    """Write the page. Equal inspections give equal bytes.

    Raises MachineError if the file cannot be written.
    """
    text = page_text(inspection)
    try:
        path.write_text(text, encoding="utf-8", newline="\n")
    except OSError as error:
        raise MachineError(str(path), "must be writable", error.strerror) from error


def page_text(inspection: Inspection) -> str:
    """The page as one text of HTML, below 3 MB: of the units those that fit, and it says which.

    Nothing of the inspection stands in it as markup but the title, escaped: the rest is data, which the
    script shows as text. The policy allows that script and that style alone, and no address at all.
    """
    style = _read("page.css")
    script = '"use strict";\n(() => {\n' + "\n".join(_read(f"{name}.js") for name in _SCRIPTS) + "})();\n"
    return _filled(
        _read("page.html"),
        {
            "title": html.escape(inspection.title),
            "policy": f"default-src 'none'; script-src {_hash(script)}; style-src {_hash(style)}; "
            "base-uri 'none'; form-action 'none'",
            "style": style,
            "script": script,
            "data": _data(inspection),
        },
    )


def _read(name: str) -> str:
    return (_FILES / name).read_text(encoding="utf-8")


def _hash(text: str) -> str:
    return f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode('ascii')}'"


def _filled(template: str, parts: Mapping[str, str]) -> str:
    """The template with its `{{names}}` replaced, once: what is put in is not looked at again."""
    return re.sub(r"\{\{(\w+)\}\}", lambda found: parts[found[1]], template)


def _data(inspection: Inspection) -> str:
    payload = Payload()
    page: Json = {
        "title": inspection.title,
        "facts": inspection.facts,
        "findings": [vars(finding) for finding in inspection.findings],
        "sequences": [
            {
                "name": s.name,
                "tokens": s.tokens,
                "texts": s.texts,
                "losses": None if s.losses is None else payload.floats(s.losses),
            }
            for s in inspection.sequences
        ],
        "flows": [_flow(flow, payload) for flow in inspection.flows],
        "maps": _maps(inspection.maps, payload),
        "attributions": _attributions(inspection.attributions, payload),
        "saturations": [
            {
                "layer": s.layer,
                "gate": s.gate,
                "left": payload.floats(s.left),
                "right": payload.floats(s.right),
            }
            for s in inspection.saturations
        ],
        "dead": [
            {"layer": d.layer, "units": payload.steps(d.units), "count": d.count} for d in inspection.dead
        ],
        "spectra": [_spectrum(spectrum, payload) for spectrum in inspection.spectra],
        "properties": [{**vars(p), "hits": [vars(hit) for hit in p.hits]} for p in inspection.properties],
    }
    left = _PAYLOAD - len(payload.text({**page, "layers": []})) * 3 // 4
    series = choose_units(inspection, max(left, _UNITS_AT_LEAST))
    page["layers"] = [_layer(i, layer, series, payload) for i, layer in enumerate(inspection.layers)]
    return payload.text(page)


def _layer(number: int, layer: Layer, series: Mapping[Place, Series], payload: Payload) -> Json:
    values = []
    for j, value in enumerate(layer.values):
        held = series[number, j]
        values.append(
            {
                "name": value.name,
                "kind": value.kind,
                "width": value.numbers.shape[1],
                "units": payload.steps(held.units),
                "low": payload.floats(held.low),
                "high": payload.floats(held.high),
                "levels": payload.store("u8", held.levels),
            }
        )
    return {"name": layer.name, "sequence": layer.sequence, "values": values}


def _flow(flow: Flow, payload: Payload) -> Json:
    return {
        "layer": flow.layer,
        "quantity": flow.quantity,
        "lower": payload.norms(flow.lower),
        "median": payload.norms(flow.median),
        "upper": payload.norms(flow.upper),
        "bound": None if flow.bound is None else payload.norms(flow.bound),
        "memory": flow.memory,
    }


def _spectrum(spectrum: Spectrum, payload: Payload) -> Json:
    """Of the singular values the largest, the median and the smallest: what is drawn."""
    values = spectrum.singular_values
    return {
        "layer": spectrum.layer,
        "steps": payload.steps(spectrum.steps),
        "largest": payload.norms(values.max(1)),
        "median": payload.norms(np.median(values, axis=1)),
        "smallest": payload.norms(values.min(1)),
        "exponents": payload.floats(spectrum.exponents),
    }


def _maps(maps: tuple[Map, ...], payload: Payload) -> list[Json]:
    """Rows and columns are left out evenly if the maps would take too much room."""
    found = []
    for picture in maps:
        levels, low, high = in_decades(picture.norms)
        sizes = ((every, packed_size(levels[::every, ::every])) for every in _strides())
        every = next(every for every, size in sizes if size <= _MAPS // len(maps))
        found.append(
            {
                "layer": picture.layer,
                "of": picture.of,
                "sequence": picture.sequence,
                "rows": payload.steps(picture.loss_steps[::every]),
                "columns": payload.steps(picture.steps[::every]),
                "every": every,
                "low": low,
                "high": high,
                "levels": payload.store("u16", levels[::every, ::every]),
            }
        )
    return found


def _attributions(attributions: tuple[Attribution, ...], payload: Payload) -> list[Json]:
    """Loss steps are left out evenly if the attributions would take too much room."""
    found = []
    for attribution in attributions:
        levels, limits = _both_signs(attribution.scores)
        sizes = ((every, packed_size(levels[::every])) for every in _strides())
        every = next(every for every, size in sizes if size <= _ATTRIBUTIONS // len(attributions))
        found.append(
            {
                "method": attribution.method,
                "of": attribution.of,
                "sequence": attribution.sequence,
                "rows": payload.steps(attribution.loss_steps[::every]),
                "columns": payload.steps(attribution.steps),
                "every": every,
                "limits": payload.floats(limits[::every]),
                "levels": payload.store("u8", levels[::every]),
            }
        )
    return found


def _both_signs(rows: NDArray[np.float64]) -> tuple[NDArray[np.uint8], NDArray[np.float64]]:
    """Levels between minus and plus each row's largest size, which follows; none is level 127, exactly."""
    limits = np.abs(np.nan_to_num(rows, posinf=0, neginf=0)).max(1, initial=0)
    ends = np.stack([-limits, limits], 1)
    levels, _, _ = in_levels(np.concatenate([ends, rows], 1))
    return levels[:, 2:], limits


def _strides() -> Iterator[int]:
    """1, 2, 4, ...: the last leaves a single row, which always fits."""
    return (1 << power for power in range(64))
