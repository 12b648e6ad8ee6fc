"""One unit of a layer step by step: its gates and states, by the names of the cell's equations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bptt.errors import InputError
from bptt.nn.exposure import Part
from bptt.probe.layer_values import LayerValues, Value, ValueKind


@dataclass(frozen=True)
class UnitValue:
    """A named value of a unit at each of T steps: a state, a gate (between 0 and 1), or another one."""

    name: str
    kind: ValueKind
    numbers: tuple[float, ...]


@dataclass(frozen=True)
class UnitSteps:
    """The unit of this number, from 0 to `units` - 1, of a layer that is shown as `layer`."""

    layer: str
    unit: int
    units: int
    values: tuple[UnitValue, ...]


def unit_steps(layer: LayerValues, unit: int) -> UnitSteps:
    """Return gates, states and other results of a function of one unit, in the order of the equations.

    `layer` is that of one sequence (B = 1). Sums and products that have a name are left out, and values that
    have no such unit, as one number for all units, or a projection. Raises InputError if the layer has no
    unit of this number.
    """
    units = max(value.tensor.shape[2] for value in layer.values)
    if not 0 <= unit < units:
        raise InputError("unit", f"is from 0 to {units - 1} in {layer.name}", unit)
    shown = [value for value in layer.values if _is_shown(value) and unit < value.tensor.shape[2]]
    values = (UnitValue(v.name, v.kind, tuple(v.tensor[:, 0, unit].tolist())) for v in shown)
    return UnitSteps(layer.name, unit, units, tuple(values))


def _is_shown(value: Value) -> bool:
    return value.kind != "other" or bool(value.function)


def states_of(layer: LayerValues) -> LayerValues:
    """Return the layer with its states alone; a layer without states as it is."""
    states = tuple(value for value in layer.values if value.kind == "state")
    return replace(layer, values=states) if states else layer


def most_moving_unit(layer: LayerValues) -> tuple[str, int]:
    """Return the name of the first state and the unit in which it varies most over the steps."""
    state = states_of(layer).values[0]
    return state.name, int(state.tensor[:, 0].var(0, correction=0).argmax())


def find_layers(
    layers: Sequence[tuple[Part, LayerValues]], part: str | None, number: int | None, reverse: bool
) -> list[tuple[Part, LayerValues]]:
    """Return the layers of a part with a number, from 1; None takes all. With `reverse`, the backward ones.

    Raises InputError naming the choice that no layer fits.
    """
    parts = dict.fromkeys(each.name for each, _ in layers)
    if part is not None and part not in parts:
        rule = f"is one of {', '.join(parts)}" if any(parts) else "is for a model of two parts"
        raise InputError("part", rule, part)
    found = [(each, layer) for each, layer in layers if part in (None, each.name)]
    most = max(layer.layer for _, layer in found)
    if number is not None and not 1 <= number <= most:
        raise InputError("layer", f"is from 1 to {most}", number)
    found = [(each, layer) for each, layer in found if number in (None, layer.layer)]
    if not reverse:
        return found
    found = [(each, layer) for each, layer in found if layer.direction == "backward"]
    if not found:
        raise InputError("reverse", "is for a layer that is read in both directions", "one direction")
    return found
