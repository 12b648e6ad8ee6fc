"""The first value of a stack that is NaN or infinite, and what went into it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.utils.rnn import PackedSequence

from bptt.cells.expression import RowCall, symbols
from bptt.cells.language import PREVIOUS
from bptt.derive.normal_form import EquationStep, normal_form
from bptt.nn.sequences import Lengths
from bptt.nn.stack import Stack
from bptt.probe.stack_layers import LayerInput, layer_inputs


@dataclass(frozen=True)
class BadValue:
    """A value that is NaN or infinite, by its name in the normal form, "x", or "c_prev" before step 0.

    `read` are the values that went into it, those of its unit, and the largest in magnitude where a linear
    map reads them all; the largest is first.
    """

    layer: str
    name: str
    step: int | None
    row: int
    unit: int
    value: float
    equation: str = ""
    read: tuple[tuple[str, float], ...] = ()


@torch.no_grad()
def first_bad_value(
    stack: Stack,
    inputs: Tensor | PackedSequence,
    hx: Tensor | Sequence[Tensor] | None = None,
    lengths: Lengths | None = None,
) -> BadValue | None:
    """Find the first in the order of computation: layer, time step, equation. The padding is skipped.

    The arguments are those of `Stack.forward`. A layer's input and initial states come before its values.
    """
    for given in layer_inputs(stack, inputs, hx, lengths):
        if found := _in_input(given) or _in_initial(given) or _in_values(stack, given):
            return found
    return None


def first_index(bad: Tensor) -> tuple[int, ...] | None:
    """Return the place of the first mark."""
    places = bad.nonzero()
    return tuple(places[0].tolist()) if len(places) else None


def _in_input(given: LayerInput) -> BadValue | None:
    bad = ~given.x.isfinite()
    place = first_index(bad if given.valid is None else bad & given.valid[:, :, None])
    if place is None:
        return None
    step, row, unit = place
    return BadValue(given.name, given.layer.cell.inputs[0], step, row, unit, given.x[place].item())


def _in_initial(given: LayerInput) -> BadValue | None:
    for state, value in zip(given.layer.cell.states, given.initial, strict=True):
        if place := first_index(~value.isfinite()):
            row, unit = place
            return BadValue(given.name, state + PREVIOUS, None, row, unit, value[place].item())
    return None


def _in_values(stack: Stack, given: LayerInput) -> BadValue | None:
    """Find the first bad value of a layer; none appears in the padding, where states are kept."""
    steps = normal_form(given.layer.cell).steps
    names = [step.target for step in steps]
    values = given.layer.values(stack, given.x, given.initial, names, given.lengths)
    bad = torch.stack([~values[name].isfinite().all(-1) for name in names], -1)  # (T, B, names)
    by_time = bad.any(1)
    place = first_index(by_time.flip(0) if given.layer.reverse else by_time)
    if place is None:
        return None
    t, number = place
    t = len(bad) - 1 - t if given.layer.reverse else t
    row = int(bad[t, :, number].nonzero()[0])
    here = values[names[number]][t, row]
    unit = int((~here.isfinite()).nonzero()[0])
    read = _Reader(stack, given, values, t, row).read(steps[number], unit)
    return BadValue(given.name, names[number], t, row, unit, float(here[unit]), str(steps[number]), read)


class _Reader:
    """Looks up what an equation reads at one step of one row."""

    def __init__(self, stack: Stack, given: LayerInput, values: dict[str, Tensor], t: int, row: int) -> None:
        cell = given.layer.cell
        before = t + 1 if given.layer.reverse else t - 1
        self.values = {name: sequence[t, row] for name, sequence in values.items()}
        self.values |= dict.fromkeys(cell.inputs, given.x[t, row])
        for state, initial in zip(cell.states, given.initial, strict=True):
            earlier = values[state][before] if 0 <= before < len(given.x) else initial
            self.values[state + PREVIOUS] = earlier[row]
        self.values |= given.layer.members(stack)

    def read(self, step: EquationStep, unit: int) -> tuple[tuple[str, float], ...]:
        """Yield the values that go into a unit of a step's target, the largest in magnitude first."""
        found = {name: self._at(name, unit, isinstance(step.rest, RowCall)) for name in symbols(step.rest)}
        for product in step.products:
            found[product.vector] = _largest(self.values[product.vector])
            found[product.matrix] = _largest(self.values[product.matrix][unit])
        known = [(name, number) for name, number in found.items() if number is not None]
        return tuple(sorted(known, key=lambda pair: -abs(pair[1])))

    def _at(self, name: str, unit: int, whole_row: bool) -> float | None:
        """Return the value of a name; None for a constant of the cell."""
        value = self.values.get(name)
        if value is None:
            return None
        return _largest(value) if whole_row or len(value) == 1 else float(value[unit])


def _largest(values: Tensor) -> float:
    return float(values[values.abs().argmax()])
