"""Numbers drawn from a seed: with two decimals, to be followed by hand."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from random import Random
from typing import Any

from bptt.cells.parameters import split_name
from bptt.derive.evaluate import Vector
from bptt.derive.network import Network
from bptt.derive.network_pass import Parameters
from bptt.explain.numbers.reading import Shapes


def draw_parameters(seed: int, network: Network, shapes: Shapes) -> Parameters:
    """Draw every parameter from −1 to 1; a family with an initial constant, such as a gain, starts there."""
    source = Random(f"parameters {seed}")

    def start(place: str, name: str, shape: Sequence[int]) -> Any:
        cell = network.layers[int(place) - 1] if place.isdecimal() else None
        family = split_name(name, cell.targets)[0] if cell else ""
        if cell and family in cell.init:
            return _each(shape, lambda: cell.init[family])
        return _draw(source, shape)

    return {
        place: {name: start(place, name, shape) for name, shape in names.items()}
        for place, names in shapes.items()
    }


def draw_rows(seed: int, what: str, steps: int, width: int) -> list[Vector]:
    """Draw a row of numbers from −1 to 1 for each step; `what` keeps inputs and targets apart."""
    rows: list[Vector] = _draw(Random(f"{what} {seed}"), (steps, width))
    return rows


def draw_choices(seed: int, what: str, steps: int, count: int) -> list[int]:
    """Draw a whole number from 0 to `count` − 1 for each step."""
    source = Random(f"{what} {seed}")
    return [source.randrange(count) for _ in range(steps)]


def _draw(source: Random, shape: Sequence[int]) -> Any:
    return _each(shape, lambda: round(source.uniform(-1, 1), 2))


def _each(shape: Sequence[int], make: Callable[[], float]) -> Any:
    """Make an array number by number, row by row."""
    return [_each(shape[1:], make) for _ in range(shape[0])] if shape else make()
