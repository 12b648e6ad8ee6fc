"""Recurrent stacks in ONNX: each layer as a standard operator if it is one, else as a Scan."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy
import torch
from torch import Tensor

from bptt.errors import InputError
from bptt.graphs.onnx_graph import INT32, OnnxGraph
from bptt.graphs.scan_loop import CellWriter
from bptt.graphs.standard_operators import ONE, Gate, StandardOperator, standard_operator
from bptt.nn.initial import initial_names
from bptt.nn.layer import Layer
from bptt.nn.stack import Stack


@dataclass(frozen=True)
class Padding:
    """The lengths of the rows of a batch, `counts` (B,) int32; `valid` (T, B, 1) is false in the padding."""

    counts: str
    valid: str


def padding(graph: OnnxGraph, x: str, lengths: str) -> Padding:
    """Return the padding of `x` (T, B, ...) for `lengths` (B,) int64."""
    steps = graph.op("Squeeze", graph.size(x, 0))
    positions = graph.op("Range", graph.integer(0), steps, graph.integer(1))
    valid = graph.op("Less", graph.unsqueeze(positions, 1), graph.unsqueeze(lengths, 0))
    return Padding(graph.cast(lengths, INT32), graph.unsqueeze(valid, 2))


# The states of each layer and direction as values (1, B, width).
Rows = Sequence[Sequence[str]]


def write_stack(
    graph: OnnxGraph, stack: Stack, x: str, padded: Padding | None, initial: Rows | None
) -> tuple[str, list[list[str]]]:
    """Return the output (T, B, directions * width) of a stack, and the final states by layer and direction.

    Without `initial` the states begin as the stack says: at zero, or at learned states. Raises InputError for
    a stack that begins at random states.
    """
    if initial is None:
        initial = [_start(graph, stack, layer, x) for layer in stack.layers]
    found: list[list[str]] = []
    count = stack.num_directions
    for first in range(0, len(stack.layers), count):
        layers, starts = stack.layers[first : first + count], initial[first : first + count]
        operator = standard_operator(layers[0].cell)
        if operator is not None:
            x, finals = _standard(graph, stack, layers, operator, x, padded, starts)
        else:
            x, finals = _scanned(graph, stack, layers, x, padded, starts)
        found += finals
    return x, found


def read_states(graph: OnnxGraph, stack: Stack, given: Sequence[str]) -> list[list[str]]:
    """Cut tensors of the stack's state form into the states (1, B, width) of each layer and direction."""
    found: list[list[str]] = [[] for _ in stack.layers]
    for name, tensor in zip(given, stack.state_form.tensors, strict=True):
        parts = graph.split(name, [1] * len(tensor.rows), 0)
        for row, part in zip(tensor.rows, parts, strict=True):
            width = stack.layers[row].widths[tensor.index]
            found[row].append(part if width == tensor.width else graph.cut(part, 2, 0, width))
    return found


def join_states(graph: OnnxGraph, stack: Stack, rows: Rows) -> list[str]:
    """Join the states of each layer and direction to tensors of the stack's state form."""
    found = []
    for tensor in stack.state_form.tensors:
        parts = []
        for row in tensor.rows:
            part, width = rows[row][tensor.index], stack.layers[row].widths[tensor.index]
            if width < tensor.width:
                part = graph.op("Pad", part, graph.integers(0, 0, 0, 0, 0, tensor.width - width))
            parts.append(part)
        found.append(graph.concat(parts, 0))
    return found


def state_shapes(stack: Stack) -> dict[str, tuple[int | str, ...]]:
    """Return the names and shapes of the tensors of states."""
    return {tensor.name: (len(tensor.rows), "batch", tensor.width) for tensor in stack.state_form.tensors}


def _start(graph: OnnxGraph, stack: Stack, layer: Layer, x: str) -> list[str]:
    if stack.initial == "random":
        cure = 'Export with states as inputs, or set `initial` to "random-in-training"'
        raise InputError(stack.where, "an exported stack begins at fixed states", "random ones", cure)
    batch = graph.size(x, 1)
    if stack.initial != "learned":
        return [graph.zeros(1, batch, width) for width in layer.widths]
    names = zip(initial_names(layer), layer.widths, strict=True)
    return [
        graph.op("Expand", graph.constant(getattr(stack, name), name), graph.sizes(1, batch, width))
        for name, width in names
    ]


def _scanned(
    graph: OnnxGraph, stack: Stack, layers: Sequence[Layer], x: str, padded: Padding | None, starts: Rows
) -> tuple[str, list[list[str]]]:
    outputs, finals = [], []
    for layer, start in zip(layers, starts, strict=True):
        writer = CellWriter(graph, layer.cell, layer.members(stack), layer.sizes)
        begun = [graph.squeeze(state, 0) for state in start]
        output, final = writer.write(x, begun, padded.valid if padded else None, layer.reverse)
        outputs.append(output)
        finals.append([graph.unsqueeze(state, 0) for state in final])
    return graph.concat(outputs, 2), finals


def _standard(
    graph: OnnxGraph,
    stack: Stack,
    layers: Sequence[Layer],
    operator: StandardOperator,
    x: str,
    padded: Padding | None,
    starts: Rows,
) -> tuple[str, list[list[str]]]:
    cell = layers[0].cell
    order = [cell.states.index(state) for state in operator.states]
    begun = [graph.concat([start[k] for start in starts], 0) for k in order]
    weights = [_weights(operator, layer, layer.members(stack)) for layer in layers]
    names = ["W", "R", "B"] + ["P"] * bool(operator.peepholes)
    constants = [
        graph.constant(torch.stack([each[name] for each in weights]), f"{operator.kind}_{name}")
        for name in names
    ]
    inputs = [x, *constants[:3], padded.counts if padded else "", *begun, *constants[3:]]
    attributes: dict[str, object] = (
        {} if operator.linear_before_reset is None else {"linear_before_reset": operator.linear_before_reset}
    )
    both = len(layers) == 2
    direction = "bidirectional" if both else "reverse" if layers[0].reverse else "forward"
    output, *final = graph.ops(
        operator.kind,
        inputs,
        1 + len(begun),
        hidden_size=layers[0].output_size,
        direction=direction,
        activations=list(operator.activations) * len(layers),
        **attributes,
    )
    if padded:
        # The operators return zeros for a row of length 0, whose final state is the initial one.
        empty = graph.op("Equal", padded.counts, graph.constant(0, "zero", numpy.int32))
        empty = graph.unsqueeze(empty, 1)
        final = [graph.op("Where", empty, old, new) for old, new in zip(begun, final, strict=True)]
    if both:
        turned = graph.op("Transpose", output, perm=[0, 2, 1, 3])
        output = graph.op("Reshape", turned, graph.integers(0, 0, 2 * layers[0].output_size))
    else:
        output = graph.squeeze(output, 1)
    parts = [graph.split(state, [1] * len(layers), 0) for state in final]
    return output, [[parts[order.index(k)][row] for k in range(len(order))] for row in range(len(layers))]


def gate_rows(
    operator: StandardOperator, layer: Layer, members: Mapping[str, Tensor]
) -> dict[str, list[Tensor]]:
    """Return the rows of each gate in the order of an operator, by their place: see GateTerm."""
    height, width = layer.output_size, layer.sizes[layer.cell.width(layer.cell.inputs[0])]
    like = next(iter(members.values()))
    shapes = {"W": (height, width), "R": (height, height), "P": (height,), "b": (height,), "d": (height,)}
    return {
        place: [_sum(gate, place, members, like.new_zeros(shape)).detach() for gate in operator.gates]
        for place, shape in shapes.items()
    }


def _weights(operator: StandardOperator, layer: Layer, members: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return the tensors of an operator for one direction: its gates stacked in its order."""
    rows = gate_rows(operator, layer, members)
    found = {"W": rows["W"], "R": rows["R"], "B": [*rows["b"], *rows["d"]]}
    if operator.peepholes:
        found["P"] = [rows["P"][number] for number in operator.peepholes]
    return {name: torch.cat(parts) for name, parts in found.items()}


def _sum(gate: Gate, place: str, members: Mapping[str, Tensor], zero: Tensor) -> Tensor:
    total = zero
    for term in gate:
        if term.place == place:
            total = total + term.coefficient * (members[term.parameter] if term.parameter != ONE else 1.0)
    return total
