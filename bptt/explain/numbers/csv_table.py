"""All numbers of a small network as one tidy CSV table: a number a line, with its place."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from bptt.cells.language import PREVIOUS
from bptt.derive.adjoint import DELTA
from bptt.derive.network_pass import EMBEDDING, OUTPUT, LayerPass, NetworkPass, Parameters, Updated
from bptt.derive.normal_form import normal_form
from bptt.derive.unrolled import state_jacobian

COLUMNS = ("step", "layer", "what", "name", "row", "column", "value")
Line = tuple[str, ...]


def csv_table(updated: Updated) -> str:
    """Return the table; numbers are written such that reading them gives the same number.

    `what` is one of weight, input, target, forward, loss, delta, jacobian, summand, gradient, updated and
    loss_after_update. Steps, layers, rows and columns count from 1; a place that a number has not is empty.
    A delta, a summand and a gradient have the sign that the network's δ have.
    """
    return "".join(f"{','.join(line)}\n" for line in (COLUMNS, *_lines(updated)))


def _lines(updated: Updated) -> Iterator[Line]:
    before = updated.before
    yield from _parameters("weight", before.parameters)
    yield from _vectors("input", "x", "", before.example.inputs)
    yield from _vectors("target", "t", OUTPUT, before.example.targets)
    yield from _forward(before)
    yield from _backward(before)
    yield from _jacobians(before)
    for place, names in before.summands.items():
        for name, parts in names.items():
            for step, part in enumerate(parts, 1):
                yield from _numbers((str(step), place, "summand", name), part)
    yield from _parameters("gradient", before.gradients)
    yield from _parameters("updated", updated.after.parameters)
    yield from _numbers(("", "", "loss_after_update", "E"), updated.after.error)


def _forward(before: NetworkPass) -> Iterator[Line]:
    if before.network.embedding:
        yield from _vectors("forward", "x", EMBEDDING, before.embedded)
    for number, layer in enumerate(before.layers, 1):
        for step, values in enumerate(layer.values, 1):
            for name in _names(layer):
                yield from _numbers((str(step), str(number), "forward", name), values[name])
    if before.network.output_layer:
        yield from _vectors("forward", "net", OUTPUT, before.output.nets)
    yield from _vectors("forward", "o", OUTPUT, before.output.outputs)
    for step, loss in enumerate(before.output.losses, 1):
        yield from _numbers((str(step), OUTPUT, "loss", "E"), loss)
    yield from _numbers(("", "", "loss", "E"), before.error)


def _backward(before: NetworkPass) -> Iterator[Line]:
    if before.network.output_layer:
        yield from _vectors("delta", "net", OUTPUT, before.output.deltas)
    for number in range(len(before.layers), 0, -1):
        layer = before.layers[number - 1]
        for step in range(len(layer.deltas), 0, -1):
            for name, vector in layer.deltas[step - 1].items():
                yield from _numbers((str(step), str(number), "delta", name.removeprefix(DELTA)), vector)


def _jacobians(before: NetworkPass) -> Iterator[Line]:
    """Yield ∂h_t/∂h_{t−1} under the name h/h_prev."""
    for number, layer in enumerate(before.layers, 1):
        for step, values in enumerate(layer.values, 1):
            for (target, source), matrix in state_jacobian(layer.cell, layer.point, values).items():
                name = f"{target}/{source}{PREVIOUS}"
                yield from _numbers((str(step), str(number), "jacobian", name), matrix)


def _names(layer: LayerPass) -> tuple[str, ...]:
    form = normal_form(layer.cell)
    return (*layer.cell.inputs, *form.previous, *(step.target for step in form.steps))


def _parameters(what: str, parameters: Parameters) -> Iterator[Line]:
    for place, names in parameters.items():
        for name, array in names.items():
            yield from _numbers(("", place, what, name), array)


def _vectors(what: str, name: str, place: str, vectors: Sequence[Sequence[float]]) -> Iterator[Line]:
    for step, vector in enumerate(vectors, 1):
        yield from _numbers((str(step), place, what, name), vector)


def _numbers(place: Line, array: Any) -> Iterator[Line]:
    """Yield the numbers of a matrix, a vector or a single number."""
    if not isinstance(array, Sequence):
        yield (*place, "", "", repr(float(array)))
        return
    for row, part in enumerate(array, 1):
        if isinstance(part, Sequence):
            for column, number in enumerate(part, 1):
                yield (*place, str(row), str(column), repr(float(number)))
        else:
            yield (*place, str(row), "", repr(float(part)))
