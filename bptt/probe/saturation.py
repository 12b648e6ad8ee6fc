"""Gates that are open or shut, units that are stuck, units that are dead."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from bptt.cells.functions import get_function
from bptt.errors import InputError
from bptt.nn.float64 import doubles
from bptt.probe.layer_values import LayerValues, Value, ValueKind

# The part of the range of a function, at either end, that counts as saturated: below 0.1 and above 0.9 for a
# gate, as in Karpathy, Johnson & Fei-Fei 2015, section 4.2; ±0.8 for tanh, which is the same sigmoid
# stretched to the range from -1 to 1.
END = 0.1
# A unit is stuck if it is saturated at one end at more than this share of the steps.
MOSTLY = 0.9


@dataclass(frozen=True, eq=False)
class Saturation:
    """Of each unit of a sigmoid or tanh value, the share of steps at either end of the range, (width,)."""

    layer: str
    value: str
    kind: ValueKind
    left: Tensor
    right: Tensor

    @property
    def stuck_left(self) -> float:
        """The share of units that are nearly always at the lower end: of a gate, shut."""
        return _share(self.left > MOSTLY)

    @property
    def stuck_right(self) -> float:
        """The share of units that are nearly always at the upper end: of a gate, open."""
        return _share(self.right > MOSTLY)


@dataclass(frozen=True, eq=False)
class Activity:
    """Of each unit of a ReLU value, the share of steps at which it is above zero, (width,)."""

    layer: str
    value: str
    active: Tensor

    @property
    def dead(self) -> float:
        """The share of units that never are: no gradient passes through them."""
        return _share(self.active == 0)


@dataclass(frozen=True)
class Saturations:
    """How the units of a stack use the range of their functions, by layer and value."""

    bounded: tuple[Saturation, ...]
    rectified: tuple[Activity, ...]

    @property
    def gates(self) -> tuple[Saturation, ...]:
        """The gates alone."""
        return tuple(s for s in self.bounded if s.kind == "gate")

    @property
    def stuck_gates(self) -> float:
        """The share of all gate units that are nearly always at one end; 0 without gates."""
        stuck = [(s.left > MOSTLY) | (s.right > MOSTLY) for s in self.gates]
        return _share(torch.cat(stuck)) if stuck else 0.0

    @property
    def dead_units(self) -> float:
        """The share of all ReLU units that are never above zero; 0 without any."""
        dead = [a.active == 0 for a in self.rectified]
        return _share(torch.cat(dead)) if dead else 0.0


def saturation(layers: Sequence[LayerValues]) -> Saturations:
    """Measure what `bptt.probe.layer_values` found, over all steps of all rows but the padding.

    Raises InputError if no step is within its row's length.
    """
    bounded, rectified = [], []
    for layer in layers:
        for value in layer.values:
            function = get_function(value.function) if value.function else None
            if function is None:
                continue
            if function.saturates is not None:
                bounded.append(_saturation(layer, value, function.saturates))
            elif function.rectifies:
                rectified.append(Activity(layer.name, value.name, _mean(_steps(layer, value) > 0)))
    return Saturations(tuple(bounded), tuple(rectified))


def _saturation(layer: LayerValues, value: Value, limits: tuple[float, float]) -> Saturation:
    (low, high), steps = limits, _steps(layer, value)
    margin = END * (high - low)
    left, right = _mean(steps < low + margin), _mean(steps > high - margin)
    return Saturation(layer.name, value.name, value.kind, left, right)


def _steps(layer: LayerValues, value: Value) -> Tensor:
    """Return the value at every step that counts, (steps, width)."""
    steps = value.tensor.flatten(0, 1) if layer.valid is None else value.tensor[layer.valid]
    if not len(steps):
        raise InputError("saturation", "there is at least one step", "lengths of zero")
    return steps


def _mean(marks: Tensor) -> Tensor:
    return doubles(marks).mean(0)


def _share(marks: Tensor) -> float:
    return float(doubles(marks).mean())
