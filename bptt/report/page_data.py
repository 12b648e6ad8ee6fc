"""The data that the script of a page reads: an inspection in few bytes, with the units that fit."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from itertools import chain
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bptt.report.inspection_views import (
    Array,
    AttributionView,
    CurveView,
    DeadUnitsView,
    ExpectedView,
    Inspection,
    LayerView,
    MapView,
    PicturesView,
    PropertyView,
    SaturationView,
    SequenceView,
    SpectrumView,
    ValueView,
)
from bptt.report.payload import Json, Levels, Payload, in_decades, in_levels, packed_size
from bptt.report.unit_choice import Place, Series, choose_units
from bptt.timeline import Band, Timeline

# The page has fewer than 3,000,000 bytes, of which base64 spends 4 for every 3 of the payload.
_PAYLOAD = 2_050_000
# With a time it has half as many: units are left out sooner.
_WITH_TIME = 1_000_000
# Of these at most: the maps together, the attributions together, what is left for the units at least; the
# pictures of the steps of a sequence; the pictures of its timelines, and their sounds.
_MAPS, _ATTRIBUTIONS, _UNITS_AT_LEAST = 550_000, 350_000, 200_000
_PICTURES = 600_000
_BANDS, _SOUNDS = 200_000, 800_000


def page_data(inspection: Inspection) -> str:
    """Encode everything that the page holds of an inspection, in letters that mean nothing to HTML."""
    payload = Payload()
    page: Json = {
        "title": inspection.title,
        "facts": inspection.facts,
        "findings": [vars(finding) for finding in inspection.findings],
        "sequences": [_sequence(each, payload) for each in inspection.sequences],
        "flows": [_flow(each, payload) for each in inspection.flows],
        "maps": [_map(each, _MAPS // len(inspection.maps), payload) for each in inspection.maps],
        "attributions": [
            _attribution(each, _ATTRIBUTIONS // len(inspection.attributions), payload)
            for each in inspection.attributions
        ],
        "saturations": [_saturation(each, payload) for each in inspection.saturations],
        "dead": [_dead(each, payload) for each in inspection.dead],
        "spectra": [_spectrum(each, payload) for each in inspection.spectra],
        "properties": [_property(each) for each in inspection.properties],
    }
    timed = any(each.timelines for each in inspection.sequences)
    left = (_WITH_TIME if timed else _PAYLOAD) - len(payload.text({**page, "layers": []})) * 3 // 4
    series = choose_units(inspection, max(left, _UNITS_AT_LEAST))
    page["layers"] = [_layer(i, layer, series, payload) for i, layer in enumerate(inspection.layers)]
    return payload.text(page)


def _sequence(sequence: SequenceView, payload: Payload) -> Json:
    losses = None if sequence.losses is None else payload.floats(sequence.losses)
    return {
        "name": sequence.name,
        "tokens": sequence.tokens,
        "texts": sequence.texts,
        "losses": losses,
        "notes": sequence.notes,
        "expected": None if sequence.expected is None else _expected(sequence.expected, payload),
        "pictures": None if sequence.pictures is None else _pictures(sequence.pictures, payload),
        "timelines": _timelines(sequence.timelines, payload),
    }


def _timelines(timelines: Sequence[Timeline], payload: Payload) -> list[Json]:
    """Encode the time of the examples of a sequence: the sounds and pictures of the first ones that there is
    room for.
    """
    found: list[Json] = []
    first, bands_left, sounds_left = 0, _BANDS, _SOUNDS
    for each in timelines:
        sounds_left -= len(each.sound)
        bands_left -= sum(band.levels.size for band in each.bands)
        found.append(
            {
                "first": first,
                "seconds": payload.floats(each.seconds),
                "bands": [_band(band, payload) for band in each.bands] if bands_left >= 0 else [],
                "marks": [{"name": row.name, "marks": row.marks} for row in each.marks],
                "bars": None if each.bars is None else vars(each.bars),
                "sound": payload.store("u8", np.frombuffer(each.sound, np.uint8))
                if each.sound and sounds_left >= 0
                else None,
                "silent": bool(each.sound) and sounds_left < 0,
            }
        )
        first += each.steps
    return found


def _band(band: Band, payload: Payload) -> Json:
    return {
        "name": band.name,
        "extent": band.extent,
        "rows": band.rows,
        "height": band.levels.shape[0],
        "width": band.levels.shape[1],
        "levels": payload.store("u8", band.levels),
    }


def _pictures(found: PicturesView, payload: Payload) -> Json:
    """Encode what steps look like; pictures are left out evenly if they would take too much room, and the one
    before is then shown for their steps, too.
    """
    every = _stride(len(found.pictures), lambda n: found.pictures[::n], _PICTURES)
    kept = found.pictures[::every]
    ends = [found.ends[min(n + every, len(found.ends)) - 1] for n in range(0, len(found.ends), every)]
    return {
        "height": kept.shape[1],
        "width": kept.shape[2],
        "channels": kept.shape[3],
        "columns": found.columns,
        "every": every,
        "starts": payload.steps(found.starts[::every]),
        "ends": payload.steps(ends),
        "bytes": payload.store("u8", kept),
    }


def _expected(expected: ExpectedView, payload: Payload) -> Json:
    """Encode the likeliest answers: each name once, and for each step numbers of names, -1 for none."""
    names = dict.fromkeys(chain(expected.targets, *expected.answers))
    number = {name: k for k, name in enumerate(names)}
    width = max(map(len, expected.answers), default=0)
    rows = [[number[name] for name in row] + [-1] * (width - len(row)) for row in expected.answers]
    shares = [[*row, *[0.0] * (width - len(row))] for row in expected.probabilities]
    return {
        "predicted": expected.predicted,
        "names": list(names),
        "width": width,
        "answers": payload.steps(np.ravel(rows)),
        "probabilities": payload.floats(np.ravel(shares)),
        "targets": payload.steps([number[name] if name else -1 for name in expected.targets]),
        "targetProbabilities": payload.floats(expected.target_probabilities),
        "ranks": payload.steps(expected.ranks),
    }


def _layer(number: int, layer: LayerView, series: Mapping[Place, Series], payload: Payload) -> Json:
    values = [_value(value, series[number, j], payload) for j, value in enumerate(layer.values)]
    return {"name": layer.name, "sequence": layer.sequence, "values": values}


def _value(value: ValueView, held: Series, payload: Payload) -> Json:
    return {
        "name": value.name,
        "kind": value.kind,
        "width": value.numbers.shape[1],
        "units": payload.steps(held.units),
        "low": payload.floats(held.low),
        "high": payload.floats(held.high),
        "levels": payload.store("u8", held.levels),
    }


def _flow(flow: CurveView, payload: Payload) -> Json:
    return {
        "layer": flow.layer,
        "quantity": flow.quantity,
        "lower": payload.norms(flow.lower),
        "median": payload.norms(flow.median),
        "upper": payload.norms(flow.upper),
        "bound": None if flow.bound is None else payload.norms(flow.bound),
        "memory": flow.memory,
    }


def _spectrum(spectrum: SpectrumView, payload: Payload) -> Json:
    """Encode the largest, the median and the smallest singular value: those that are drawn."""
    values = spectrum.singular_values
    return {
        "layer": spectrum.layer,
        "steps": payload.steps(spectrum.steps),
        "largest": payload.norms(values.max(1)),
        "median": payload.norms(np.median(values, axis=1)),
        "smallest": payload.norms(values.min(1)),
        "exponents": payload.floats(spectrum.exponents),
    }


def _map(picture: MapView, budget: int, payload: Payload) -> Json:
    """Encode a map; rows and columns are left out evenly if it would take too much room."""
    levels, low, high = in_decades(picture.norms)
    every = _stride(len(levels), lambda n: levels[::n, ::n], budget)
    return {
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


def _attribution(attribution: AttributionView, budget: int, payload: Payload) -> Json:
    """Encode an attribution; loss steps are left out evenly if it would take too much room."""
    levels, limits = _both_signs(attribution.scores)
    every = _stride(len(levels), lambda n: levels[::n], budget)
    return {
        "method": attribution.method,
        "of": attribution.of,
        "sequence": attribution.sequence,
        "rows": payload.steps(attribution.loss_steps[::every]),
        "columns": payload.steps(attribution.steps),
        "every": every,
        "limits": payload.floats(limits[::every]),
        "levels": payload.store("u8", levels[::every]),
    }


def _both_signs(rows: Array) -> tuple[Levels, Array]:
    """Encode rows in levels between minus and plus the largest size of each, which follows; 0 is level 127,
    exactly.
    """
    limits = np.abs(np.nan_to_num(rows, posinf=0, neginf=0)).max(1, initial=0)
    ends = np.stack([-limits, limits], 1)
    levels, _, _ = in_levels(np.concatenate([ends, rows], 1))
    return levels[:, 2:], limits


def _stride(rows: int, part: Callable[[int], NDArray[Any]], budget: int) -> int:
    """Return the smallest power of two n for which every n-th row fits; the number of rows if none does."""
    steps = (1 << power for power in range(rows.bit_length()))
    return next((n for n in steps if packed_size(part(n)) <= budget), max(1, rows))


def _saturation(saturation: SaturationView, payload: Payload) -> Json:
    left, right = payload.floats(saturation.left), payload.floats(saturation.right)
    return {"layer": saturation.layer, "gate": saturation.gate, "left": left, "right": right}


def _dead(dead: DeadUnitsView, payload: Payload) -> Json:
    return {"layer": dead.layer, "units": payload.steps(dead.units), "count": dead.count}


def _property(found: PropertyView) -> Json:
    return {**vars(found), "hits": [vars(hit) for hit in found.hits]}
