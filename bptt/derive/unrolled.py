"""Back-propagation unrolled over T steps: the summands of every gradient, by step and by loss.

A parameter has a copy at each step, and its gradient is the sum of the gradients of the copies. That of
the copy at step k has two forms. The δ form is δ_k s_{k−1}ᵀ; the state form is the chain
∂E_T/∂s_T · ∂s_T/∂s_{T−1} ⋯ ∂s_{k+1}/∂s_k · ∂⁺s_k/∂W, in which ∂⁺ holds s_{k−1} fixed. Here s is all states
of the cell; an output that is no state takes the place of s_T. R4 in docs/equations.md.

Steps count from 1.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from bptt.cells.cell import Cell
from bptt.cells.language import PREVIOUS
from bptt.derive.adjoint import adjoint
from bptt.derive.arithmetic import FLOATS, Arithmetic
from bptt.derive.evaluate import (
    Matrix,
    Point,
    Trajectory,
    Vector,
    add_outer,
    add_vectors,
    backward,
    run,
    value,
)
from bptt.derive.jacobian import CHANGE, jacobian

LossDerivatives = Sequence[Mapping[str, Vector]]


@dataclass(frozen=True)
class Summand:
    """The gradient of the loss of step `last` with respect to the copy of `parameter` at step `step`."""

    parameter: str
    step: int
    last: int

    @property
    def chain(self) -> tuple[tuple[int, int], ...]:
        """The Jacobians of the state form, from the left: (3, 2) is ∂s_3/∂s_2."""
        return chain(self.last, self.step)


def chain(last: int, first: int) -> tuple[tuple[int, int], ...]:
    """Return the steps of the Jacobians whose product is ∂s_last/∂s_first, from the left."""
    return tuple((step, step - 1) for step in range(last, first, -1))


def summands(parameter: str, last: int) -> tuple[Summand, ...]:
    """Return the summands of the gradient of the loss of step `last`, from the last copy to the first."""
    return tuple(Summand(parameter, step, last) for step in range(last, 0, -1))


@dataclass(frozen=True)
class StepGradient:
    """The numbers of one step of the backward pass.

    `deltas` holds the δ of all its values by name, `matrices` and `vectors` the gradients of its copies of
    the parameters.
    """

    step: int
    deltas: Mapping[str, Vector]
    matrices: Mapping[str, Matrix]
    vectors: Mapping[str, Vector]


def step_gradients(
    cell: Cell,
    point: Point,
    trajectory: Trajectory,
    losses: LossDerivatives,
    arithmetic: Arithmetic = FLOATS,
) -> tuple[StepGradient, ...]:
    """Return the gradients of each step's copies in the δ form; their sums are those of `backward`.

    `losses[t][s]` is the derivative of the loss of step t + 1 by its state or output s.
    """
    found = backward(cell, point, trajectory, losses, arithmetic)
    zero = arithmetic.number(0)
    gradients = []
    for k, (values, deltas) in enumerate(zip(trajectory.values, found.deltas, strict=True), 1):
        here = {**values, **deltas}
        matrices = {m: [[zero] * len(row) for row in rows] for m, rows in point.matrices.items()}
        vectors = {v: [zero] * len(numbers) for v, numbers in point.vectors.items()}
        for m in adjoint(cell).matrices:
            for delta, source in m.terms:
                matrices[m.matrix] = add_outer(matrices[m.matrix], here[delta], here[source])
        for v in adjoint(cell).vectors:
            vectors[v.vector] = add_vectors(vectors[v.vector], value(v.expression, here, arithmetic))
        gradients.append(StepGradient(k, deltas, matrices, vectors))
    return tuple(gradients)


def gradients_by_loss(
    cell: Cell,
    point: Point,
    trajectory: Trajectory,
    losses: LossDerivatives,
    arithmetic: Arithmetic = FLOATS,
) -> tuple[tuple[StepGradient, ...], ...]:
    """Return the step gradients of each loss alone: entry [m − 1][n − 1] holds δ_n^m = ∂E_m/∂v_n, n ≤ m.

    The sum over all m ≥ n is entry n − 1 of `step_gradients`.
    """
    zero = arithmetic.number(0)
    silent = [{name: [zero] * len(v) for name, v in loss.items()} for loss in losses]
    return tuple(
        step_gradients(
            cell, point, Trajectory(trajectory.values[:m]), [*silent[: m - 1], losses[m - 1]], arithmetic
        )
        for m in range(1, len(losses) + 1)
    )


def state_jacobian(
    cell: Cell, point: Point, values: Mapping[str, Vector], arithmetic: Arithmetic = FLOATS
) -> Mapping[tuple[str, str], Matrix]:
    """Return the blocks of a step's Jacobian: (target, source) is ∂target_t/∂source_{t−1}, row by row.

    Targets are the states, and the output if it is no state; sources are the states.
    """
    blocks = {}
    for source in cell.states:
        columns = [
            _linear_step(cell, point, values, {CHANGE + source + PREVIOUS: unit}, {}, arithmetic)
            for unit in _units(len(values[source + PREVIOUS]), arithmetic)
        ]
        for target in read_targets(cell):
            blocks[target, source] = _transposed([column[target] for column in columns])
    return blocks


def read_targets(cell: Cell) -> tuple[str, ...]:
    """Return the values of a step that the loss or the next step reads: the states and the output."""
    return tuple(dict.fromkeys((*cell.states, cell.output)))


def chain_gradient(
    cell: Cell,
    point: Point,
    trajectory: Trajectory,
    loss: Mapping[str, Vector],
    summand: Summand,
    arithmetic: Arithmetic = FLOATS,
) -> Vector:
    """Return the state form of a summand, one number for each element of the parameter, row after row.

    `loss[s]` is the derivative of the loss of step `summand.last` by its state or output s.
    """
    row = {name: list(numbers) for name, numbers in loss.items()}
    for step, _ in summand.chain:
        blocks = state_jacobian(cell, point, trajectory.values[step - 1], arithmetic)
        row = {s: _row_times(row, {t: blocks[t, s] for t in row}) for s in cell.states}
    changes = _immediate(cell, point, trajectory.values[summand.step - 1], summand.parameter, arithmetic)
    return [_dot(row, change) for change in changes]


def _immediate(
    cell: Cell, point: Point, values: Mapping[str, Vector], parameter: str, arithmetic: Arithmetic
) -> list[Mapping[str, Vector]]:
    """Return ∂⁺s/∂w of a step for every element w of a parameter, row after row."""
    name = CHANGE + parameter
    if parameter in point.vectors:
        units = _units(len(point.vectors[parameter]), arithmetic)
        return [_linear_step(cell, point, values, {name: unit}, {}, arithmetic) for unit in units]
    rows, columns = len(point.matrices[parameter]), len(point.matrices[parameter][0])
    flat = _units(rows * columns, arithmetic)
    matrices = [[unit[r * columns : (r + 1) * columns] for r in range(rows)] for unit in flat]
    return [_linear_step(cell, point, values, {}, {name: matrix}, arithmetic) for matrix in matrices]


def _linear_step(
    cell: Cell,
    point: Point,
    values: Mapping[str, Vector],
    vectors: Mapping[str, Vector],
    matrices: Mapping[str, Matrix],
    arithmetic: Arithmetic,
) -> Mapping[str, Vector]:
    """Return the changes of states and output that the given changes cause, all others being zero."""
    zero = arithmetic.number(0)
    still = [s + PREVIOUS for s in cell.states] + [*cell.inputs, *cell.vectors]
    here = {**values, **{CHANGE + name: [zero] * len(values[name]) for name in still}, **vectors}
    zeros = {CHANGE + m: [[zero] * len(row) for row in rows] for m, rows in point.matrices.items()}
    run(jacobian(cell).steps, here, {**point.matrices, **zeros, **matrices}, arithmetic)
    return {name: here[CHANGE + name] for name in read_targets(cell)}


def _units(length: int, arithmetic: Arithmetic) -> list[Vector]:
    return [[arithmetic.number(int(i == j)) for j in range(length)] for i in range(length)]


def _transposed(columns: list[Vector]) -> Matrix:
    return [list(row) for row in zip(*columns, strict=True)]


def _row_times(row: Mapping[str, Vector], blocks: Mapping[str, Matrix]) -> Vector:
    """Multiply a row, in blocks by target, with the blocks of one source."""
    products = [
        [sum(r * b for r, b in zip(row[t], column, strict=True)) for column in zip(*blocks[t], strict=True)]
        for t in row
    ]
    return [sum(numbers) for numbers in zip(*products, strict=True)]


def _dot(row: Mapping[str, Vector], change: Mapping[str, Vector]) -> Any:
    return sum(r * c for name in row for r, c in zip(row[name], change[name], strict=True))
