"""A small sigmoid network worked through by hand, node by node, from the derived equations.

The form is the textbook's (Mitchell 1997, Machine learning, table 4.2): δ is *minus* the gradient of the
squared error ½(t − y)² with respect to a node's net input, so that w ← w + η δ x goes downhill.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from bptt.cells.dense import DENSE
from bptt.derive.adjoint import DELTA
from bptt.derive.evaluate import Backward, Matrix, Point, Trajectory, Vector, backward, forward

LAYER = DENSE.without("b")
OUTPUT, NET = "y", "u"


@dataclass(frozen=True)
class LayerPass:
    """One layer's pass: what came in, its nodes' activations and δ, its weights before and after."""

    inputs: Vector
    activations: Vector
    deltas: Vector
    weights: Matrix
    updated: Matrix


@dataclass(frozen=True)
class Worked:
    """The layers from input to output, and the error before and after the update."""

    targets: Vector
    rate: float
    layers: Sequence[LayerPass]
    error: float
    error_after: float


def work(inputs: Vector, targets: Vector, weights: Sequence[Matrix], rate: float) -> Worked:
    """Do a step of stochastic gradient descent; `weights[l][j][i]` leads from node i to node j of layer l."""
    passes = _forward(inputs, weights)
    outgoing = [y - t for y, t in zip(_output(passes[-1]), targets, strict=True)]
    layers: list[LayerPass] = []
    for matrix, (point, trajectory) in zip(reversed(weights), reversed(passes), strict=True):
        found = backward(LAYER, point, trajectory, [{OUTPUT: outgoing}])
        layers.insert(0, _layer(point, trajectory, found, matrix, rate))
        outgoing = list(found.deltas[0][DELTA + "x"])
    after = _forward(inputs, [layer.updated for layer in layers])
    return Worked(targets, rate, layers, _error(passes, targets), _error(after, targets))


def _forward(inputs: Vector, weights: Sequence[Matrix]) -> list[tuple[Point, Trajectory]]:
    passes = []
    for matrix in weights:
        point = Point([{"x": inputs}], {}, {"W_u": matrix}, {})
        passes.append((point, forward(LAYER, point)))
        inputs = _output(passes[-1])
    return passes


def _output(layer: tuple[Point, Trajectory]) -> Vector:
    return layer[1].values[0][OUTPUT]


def _error(passes: Sequence[tuple[Point, Trajectory]], targets: Vector) -> float:
    return float(sum((y - t) ** 2 for y, t in zip(_output(passes[-1]), targets, strict=True)) / 2)


def _layer(point: Point, trajectory: Trajectory, found: Backward, matrix: Matrix, rate: float) -> LayerPass:
    values: Mapping[str, Vector] = trajectory.values[0]
    gradient = found.matrices["W_u"]
    return LayerPass(
        inputs=values["x"],
        activations=values[OUTPUT],
        deltas=[-d for d in found.deltas[0][DELTA + NET]],
        weights=matrix,
        updated=[
            [w - rate * g for w, g in zip(*rows, strict=True)] for rows in zip(matrix, gradient, strict=True)
        ],
    )


def example() -> Worked:
    """Run an example: two inputs, two hidden nodes, one output, no biases, η = 1."""
    return work([0.35, 0.9], [0.5], [[[0.1, 0.8], [0.4, 0.6]], [[0.3, 0.9]]], rate=1.0)
