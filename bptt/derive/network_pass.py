"""A pass through a whole network in numbers: forward, backward, every summand of each gradient, an update.

Layers are evaluated by `bptt.derive.evaluate` from the derived equations of their cells. All states begin at
zero. The loss E is the sum of the losses E_t of all steps.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from math import exp, log
from typing import TypeAlias

from bptt.cells.cell import Cell
from bptt.derive.adjoint import DELTA
from bptt.derive.evaluate import Matrix, Point, Trajectory, Vector, forward
from bptt.derive.network import Loss, Network
from bptt.derive.unrolled import step_gradients

NestedNumbers: TypeAlias = Vector | Matrix
# Numbers by place and name. Places are the layers from "1" up, and the two names below.
Parameters: TypeAlias = Mapping[str, Mapping[str, NestedNumbers]]
Summands: TypeAlias = Mapping[str, Mapping[str, Sequence[NestedNumbers]]]
EMBEDDING, OUTPUT = "embedding", "output"
# The parameters of these places.
TABLE, V, B = "M", "V", "b"


@dataclass(frozen=True)
class NetworkExample:
    """A sequence of inputs and its targets, one vector a step.

    An input that an embedding reads is one-hot, and so is a target of the softmax.
    """

    inputs: Sequence[Vector]
    targets: Sequence[Vector]


@dataclass(frozen=True)
class LayerPass:
    """The numbers of one layer: at each step all forward values and all δ by name.

    `from_above[t]` is what the layer above, or the loss, says of the output at step t: ∂E/∂output.
    """

    cell: Cell
    point: Point
    values: Sequence[Mapping[str, Vector]]
    deltas: Sequence[Mapping[str, Vector]]
    from_above: Sequence[Vector]


@dataclass(frozen=True)
class OutputPass:
    """The numbers of the output at each step: its net input, o, the loss, and δ of the net input.

    Without an output layer the net input is what the last layer hands on.
    """

    nets: Sequence[Vector]
    outputs: Sequence[Vector]
    losses: Sequence[float]
    deltas: Sequence[Vector]


@dataclass(frozen=True)
class NetworkPass:
    """All numbers of a pass; with `sign` −1 every δ and every summand is that of −E."""

    network: Network
    parameters: Parameters
    example: NetworkExample
    sign: int
    embedded: Sequence[Vector]
    layers: Sequence[LayerPass]
    output: OutputPass
    summands: Summands

    @property
    def error(self) -> float:
        """The loss E of the sequence."""
        return sum(self.output.losses)

    @property
    def gradients(self) -> Parameters:
        """The sum of the summands of every parameter."""
        return {
            place: {name: total(parts) for name, parts in names.items()}
            for place, names in self.summands.items()
        }


@dataclass(frozen=True)
class Updated:
    """A pass, and the pass after a step of gradient descent with learning rate `rate`."""

    before: NetworkPass
    rate: float
    after: NetworkPass


def update(before: NetworkPass, rate: float) -> Updated:
    """Take a step of gradient descent with learning rate `rate`, and evaluate the network again."""
    step = -rate * before.sign
    moved = {
        place: {
            name: _combined(lambda w, g: w + step * g, array, before.gradients[place][name])
            for name, array in names.items()
        }
        for place, names in before.parameters.items()
    }
    return Updated(before, rate, evaluate(before.network, moved, before.example, before.sign))


def evaluate(network: Network, parameters: Parameters, example: NetworkExample, sign: int = 1) -> NetworkPass:
    """Evaluate a network on an example, forward and backward."""
    arriving: Sequence[Vector] = example.inputs
    if network.embedding:
        table = parameters[EMBEDDING][TABLE]
        arriving = [_through(table, one_hot, transposed=True) for one_hot in example.inputs]
    embedded = arriving
    points, passes = [], []
    for number, cell in enumerate(network.layers, 1):
        points.append(_point(cell, parameters[str(number)], arriving))
        passes.append(forward(cell, points[-1]))
        arriving = [values[cell.output] for values in passes[-1].values]
    output = _output(network, parameters, example, arriving, sign)
    below, summands = _below_output(network, parameters, output, arriving)
    layers: list[LayerPass] = []
    for number in range(len(network.layers), 0, -1):
        cell = network.layers[number - 1]
        layer, own = _backward(cell, points[number - 1], passes[number - 1], below)
        layers.insert(0, layer)
        below = [deltas[DELTA + cell.inputs[0]] for deltas in layer.deltas]
        summands = {str(number): own, **summands}
    if network.embedding:
        outer = [_outer(one_hot, delta) for one_hot, delta in zip(example.inputs, below, strict=True)]
        summands = {EMBEDDING: {TABLE: outer}, **summands}
    return NetworkPass(network, parameters, example, sign, embedded, layers, output, summands)


def total(parts: Sequence[NestedNumbers]) -> NestedNumbers:
    """Add vectors or matrices of one shape."""
    result = parts[0]
    for part in parts[1:]:
        result = _combined(lambda a, b: a + b, result, part)
    return result


def _point(cell: Cell, parameters: Mapping[str, NestedNumbers], arriving: Sequence[Vector]) -> Point:
    matrices = {name: array for name, array in parameters.items() if name in cell.matrices}
    vectors = {name: array for name, array in parameters.items() if name in cell.vectors}
    sizes = {cell.matrices[name][0]: len(rows) for name, rows in matrices.items()}
    sizes |= {cell.vectors[name]: len(vector) for name, vector in vectors.items()}
    initial = {state: [0.0] * sizes[cell.width(state)] for state in cell.states}
    return Point([{cell.inputs[0]: x} for x in arriving], initial, matrices, vectors)


def _output(
    network: Network, parameters: Parameters, example: NetworkExample, states: Sequence[Vector], sign: int
) -> OutputPass:
    nets = list(states)
    if network.output_layer:
        own = parameters[OUTPUT]
        nets = [_through(own[V], state) for state in states]
        if network.bias:
            nets = [[n + b for n, b in zip(net, own[B], strict=True)] for net in nets]
    loss = network.loss or Loss.SQUARED
    outputs = [_FUNCTIONS[loss](net) for net in nets]
    losses = [_LOSSES[loss](net, target) for net, target in zip(nets, example.targets, strict=True)]
    # For all three pairs of function and loss the derivative by the net input is o − t.
    deltas = [
        [sign * (o - t) for o, t in zip(*pair, strict=True)]
        for pair in zip(outputs, example.targets, strict=True)
    ]
    return OutputPass(nets, outputs, losses, deltas)


def _below_output(
    network: Network, parameters: Parameters, output: OutputPass, states: Sequence[Vector]
) -> tuple[Sequence[Vector], Summands]:
    """Return what the output says of the last layer, and the summands of its own gradients."""
    if not network.output_layer:
        return output.deltas, {}
    matrix = parameters[OUTPUT][V]
    below = [_through(matrix, delta, transposed=True) for delta in output.deltas]
    outer: Sequence[NestedNumbers] = [_outer(d, s) for d, s in zip(output.deltas, states, strict=True)]
    return below, {OUTPUT: {V: outer, **({B: output.deltas} if network.bias else {})}}


def _backward(
    cell: Cell, point: Point, trajectory: Trajectory, above: Sequence[Vector]
) -> tuple[LayerPass, Mapping[str, Sequence[NestedNumbers]]]:
    """Return the numbers of a layer, and the summands of its parameters in the order of the equations."""
    nothing = {state: [0.0] * len(vector) for state, vector in point.initial.items()}
    losses = [{**nothing, cell.output: vector} for vector in above]
    steps = step_gradients(cell, point, trajectory, losses)
    gradients = [{**step.matrices, **step.vectors} for step in steps]
    members = [member for family in cell.families for member in family.members]
    summands = {member: [each[member] for each in gradients] for member in members}
    return LayerPass(cell, point, trajectory.values, [step.deltas for step in steps], above), summands


def _combined(function: Callable[[float, float], float], a: NestedNumbers, b: NestedNumbers) -> NestedNumbers:
    """Combine two arrays of one shape number by number."""
    pairs = list(zip(a, b, strict=True))
    if isinstance(a[0], list):
        return [[function(*each) for each in zip(*rows, strict=True)] for rows in pairs]
    return [function(*each) for each in pairs]


def _outer(delta: Vector, source: Vector) -> Matrix:
    return [[d * s for s in source] for d in delta]


def _through(matrix: Matrix, vector: Vector, transposed: bool = False) -> Vector:
    rows = list(zip(*matrix, strict=True)) if transposed else matrix
    return [sum(w * v for w, v in zip(row, vector, strict=True)) for row in rows]


def _softmax(net: Vector) -> Vector:
    greatest = max(net)
    powers = [exp(n - greatest) for n in net]
    return [power / sum(powers) for power in powers]


def _log_sum(net: Vector) -> float:
    greatest = max(net)
    return float(greatest + log(sum(exp(n - greatest) for n in net)))


def _softmax_loss(net: Vector, target: Vector) -> float:
    """Return −Σ t ln o of a one-hot target."""
    return _log_sum(net) - float(sum(t * n for t, n in zip(target, net, strict=True)))


def _logistic_loss(net: Vector, target: Vector) -> float:
    """Return −Σ (t ln o + (1 − t) ln(1 − o)), in a form that does not overflow."""
    return float(sum(_log_sum([0.0, n]) - t * n for n, t in zip(net, target, strict=True)))


def _squared_loss(net: Vector, target: Vector) -> float:
    return float(sum((n - t) ** 2 for n, t in zip(net, target, strict=True)) / 2)


_FUNCTIONS: Mapping[Loss, Callable[[Vector], Vector]] = {
    Loss.SOFTMAX: _softmax,
    Loss.LOGISTIC: lambda net: [_softmax([0.0, n])[1] for n in net],
    Loss.SQUARED: list,
}
_LOSSES: Mapping[Loss, Callable[[Vector, Vector], float]] = {
    Loss.SOFTMAX: _softmax_loss,
    Loss.LOGISTIC: _logistic_loss,
    Loss.SQUARED: _squared_loss,
}
