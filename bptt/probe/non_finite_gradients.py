"""The first gradient of a backward pass through a stack that is NaN or infinite."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bptt.cells.language import PREVIOUS
from bptt.derive.adjoint import DELTA
from bptt.nn.stack import Stack
from bptt.probe.stack_layers import layer_names
from bptt.runtime.norms import Norms


@dataclass(frozen=True)
class BadGradient:
    """A δ that is NaN or infinite: `name` is "δnet_f", or "δc_prev" for what a step hands on.

    `before` is ‖∂E/∂net‖ of the same row where it was finite for the last time, None if it never was.
    """

    layer: str
    name: str
    step: int
    row: int
    value: float
    before: float | None


def first_bad_gradient(stack: Stack, records: Sequence[tuple[int, Norms]]) -> BadGradient | None:
    """Find the first in the order of the backward pass: layer from the last, step, equation from the last.

    `records` are what `stack.observer` was given, in the order in which it was.
    """
    for number, norms in records:
        if found := _in_layer(layer_names(stack)[number], stack.layers[number].reverse, norms):
            return found
    return None


def _in_layer(layer: str, reverse: bool, norms: Norms) -> BadGradient | None:
    """Return where a norm, in float64, is not finite: there the gradient is not either, or is beyond
    1e154.
    """
    names = (*norms.sums[::-1], *(state + PREVIOUS for state in norms.states))
    steps = range(len(norms.delta))
    finite: int | None = None
    for t in steps if reverse else steps[::-1]:
        columns = (*norms.delta[t].unbind(-1)[::-1], *norms.carried[t].unbind(-1))  # (B,) each
        for number, (name, column) in enumerate(zip(names, columns, strict=True)):
            rows = (~column.isfinite()).nonzero()
            if len(rows):
                row, last = int(rows[0]), t if number >= len(norms.sums) else finite
                before = None if last is None else float(norms.net[last, row])
                return BadGradient(layer, DELTA + name, t, row, float(column[row]), before)
        finite = t
    return None
