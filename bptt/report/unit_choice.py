"""The choice of the units that a page holds: as many as fit, the most informative first."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bptt.report.inspection_views import Inspection, LayerView
from bptt.report.payload import in_levels, packed_size

# The room that the page needs to describe one unit: its number, and the ends of its values.
_BESIDE_LEVELS = 12


@dataclass(frozen=True, eq=False)
class Series:
    """The units of one value that a page holds, in ascending order: levels (units, T) between their ends."""

    units: tuple[int, ...]
    levels: NDArray[np.uint8]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


# A value of a layer, by their numbers.
Place = tuple[int, int]


def choose_units(inspection: Inspection, budget: int) -> dict[Place, Series]:
    """Return the units of every value that fit into a budget of compressed bytes.

    In turn: the units that follow a property, with all their values; the first state of all units, which
    is what the search is about; and the other values, unit by unit, where the state moves most first.
    """
    coded = {
        (i, j): in_levels(value.numbers.T)
        for i, layer in enumerate(inspection.layers)
        for j, value in enumerate(layer.values)
    }
    chosen: dict[Place, set[int]] = {place: set() for place in coded}
    for place, unit in dict.fromkeys(_in_turn(inspection)):
        size = packed_size(coded[place][0][unit]) + _BESIDE_LEVELS
        if size <= budget:
            chosen[place].add(unit)
            budget -= size
    return {place: _series(sorted(units), *coded[place]) for place, units in chosen.items()}


def _series(
    units: list[int], levels: NDArray[np.uint8], low: NDArray[np.float64], high: NDArray[np.float64]
) -> Series:
    return Series(tuple(units), levels[units], low[units], high[units])


def _in_turn(inspection: Inspection) -> Iterator[tuple[Place, int]]:
    numbers = {layer.name: i for i, layer in enumerate(inspection.layers)}
    hits = [hit for found in inspection.properties for hit in found.hits if hit.layer in numbers]
    for hit in hits:
        number = numbers[hit.layer]
        yield from _whole_unit(inspection.layers[number], number, hit.unit)
    orders = [(i, layer, _by_movement(layer)) for i, layer in enumerate(inspection.layers) if layer.values]
    for i, layer, order in orders:
        state = _state(layer)
        yield from (((i, state), unit) for unit in order[: layer.values[state].numbers.shape[1]])
    for rank in range(max((len(order) for _, _, order in orders), default=0)):
        for i, layer, order in orders:
            if rank < len(order):
                yield from _whole_unit(layer, i, order[rank])


def _whole_unit(layer: LayerView, number: int, unit: int) -> Iterator[tuple[Place, int]]:
    for j, value in enumerate(layer.values):
        if unit < value.numbers.shape[1]:
            yield (number, j), unit


def _state(layer: LayerView) -> int:
    return next((j for j, value in enumerate(layer.values) if value.kind == "state"), 0)


def _by_movement(layer: LayerView) -> list[int]:
    """Order units by how much their state varies, relative to its size; the last ones of the widest value
    come last.
    """
    numbers = layer.values[_state(layer)].numbers
    width = max(value.numbers.shape[1] for value in layer.values)
    finite = np.nan_to_num(numbers, posinf=0, neginf=0)
    order = np.argsort(-finite.std(0), kind="stable").tolist()
    return [*order, *range(numbers.shape[1], width)]
