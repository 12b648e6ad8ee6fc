"""Unrolled derivations in numbers: δ and summands of every step against autograd with a copy per step."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from unrolled_cells import draw, tape
from user_cells import CELLS as OTHERS

from bptt.cells import CATALOGUE, Cell
from bptt.cells.language import PREVIOUS
from bptt.derive.adjoint import DELTA, FROM_LOSS, FROM_NEXT
from bptt.derive.arithmetic import FLOATS
from bptt.derive.evaluate import backward, forward, run
from bptt.derive.normal_form import normal_form
from bptt.derive.one_loss import follow_loss
from bptt.derive.unrolled import (
    Summand,
    chain_gradient,
    gradients_by_loss,
    step_gradients,
    summands,
)

RECURRENT = [cell for cell in CATALOGUE.values() if cell.states]
OWN = Cell.define(
    "own",
    """
    k = sigmoid(W_k @ x + R_k @ h_prev)
    s = 0.9 * s_prev + 0.1 * tanh(W_s @ x + h_prev)
    h = k * h_prev + (1 - k) * tanh(R_h @ (s * k) + b_h)
    y = tanh(V_y @ h + U_y @ h_prev + d_y)
    """,
    states="h s",
    output="y",
    widths={"y": "P"},
)
CELLS = [*RECURRENT, OWN]
EVERY = {cell.name: cell for cell in CELLS} | OTHERS
# Some hundred operations a step on numbers of order one to ten, five steps deep.
LIMIT = 1e-12


def double(numbers: object) -> Tensor:
    return torch.tensor(numbers, dtype=torch.float64)


def difference(numbers: object, truth: Tensor | None) -> float:
    found = double(numbers)
    return float((found if truth is None else found - truth.reshape(found.shape)).abs().max())


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.name)
@pytest.mark.parametrize("steps", [1, 2, 5])
def test_every_delta_and_summand_is_that_of_autograd(cell: Cell, steps: int) -> None:
    point, losses = draw(cell, steps)
    trajectory, form = forward(cell, point), normal_form(cell)
    taped = tape(cell, point, form.steps)
    for m, gradients in enumerate(gradients_by_loss(cell, point, trajectory, losses), 1):
        loss = taped.values[m - 1][cell.output] @ double(losses[m - 1][cell.output])
        assert [g.step for g in gradients] == list(range(1, m + 1))
        for n, found in enumerate(gradients):
            names = [s.target for s in form.steps if DELTA + s.target in found.deltas]
            wanted = [*(taped.values[n][name] for name in names), *taped.copies[n].values()]
            truth = torch.autograd.grad(loss, wanted, retain_graph=True, allow_unused=True)
            numbers = [*(found.deltas[DELTA + name] for name in names)]
            numbers += [{**found.matrices, **found.vectors}[name] for name in taped.copies[n]]
            for number, true in zip(numbers, truth, strict=True):
                assert difference(number, true) < LIMIT


@pytest.mark.parametrize("cell", CELLS, ids=lambda cell: cell.name)
def test_summands_add_up_to_the_gradient_in_both_forms(cell: Cell) -> None:
    steps = 4
    point, losses = draw(cell, steps, seed=1)
    trajectory = forward(cell, point)
    whole = backward(cell, point, trajectory, losses)
    by_step = step_gradients(cell, point, trajectory, losses)
    by_loss = gradients_by_loss(cell, point, trajectory, losses)
    for name, gradient in {**whole.matrices, **whole.vectors}.items():
        total = double(gradient)
        parts = double([{**g.matrices, **g.vectors}[name] for g in by_step])
        assert difference(parts.sum(0).tolist(), total) < LIMIT
        pairs = [{**g.matrices, **g.vectors}[name] for alone in by_loss for g in alone]
        assert difference(double(pairs).sum(0).tolist(), total) < LIMIT
        for summand in summands(name, steps):
            form = by_loss[summand.last - 1][summand.step - 1]
            number = chain_gradient(cell, point, trajectory, losses[-1], summand)
            truth = double({**form.matrices, **form.vectors}[name])
            assert difference(number, truth.flatten()) < LIMIT


def test_a_chain_names_its_jacobians_from_the_left() -> None:
    assert [s.chain for s in summands("W_h", 3)] == [(), ((3, 2),), ((3, 2), (2, 1))]
    assert summands("W_h", 3)[-1] == Summand("W_h", 1, 3)


@pytest.mark.parametrize("name", EVERY)
def test_equations_of_one_loss_have_the_deltas_of_that_loss(name: str) -> None:
    cell = EVERY[name]
    point, losses = draw(cell, 3)
    trajectory = forward(cell, point)
    alone = gradients_by_loss(cell, point, trajectory, losses)[-1]
    carried: dict[str, list[float]] = {}
    for one in follow_loss(cell, 3):
        here = {
            **trajectory.values[one.step - 1],
            FROM_LOSS + cell.output: losses[-1][cell.output],
            **carried,
        }
        run(one.equations, here, point.matrices, FLOATS)
        found = alone[one.step - 1].deltas
        for target in found:
            number = (
                here[target] if target in {e.target for e in one.equations} else [0.0] * len(found[target])
            )
            assert difference(number, double(found[target])) < LIMIT, target
        carried = {FROM_NEXT + state: here[DELTA + state + PREVIOUS] for state in one.handed}
