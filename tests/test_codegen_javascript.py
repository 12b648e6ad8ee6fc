"""Cells in JavaScript, on 64-bit numbers, against torch's own differentiation of the equations."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pytest
import torch
from javascript import Evaluate, evaluate
from test_explain_diagrams import random_cell
from torch import Tensor
from user_cells import CELLS as ODD

from bptt.cells import CATALOGUE, Cell
from bptt.cells.adjusted import adjusted
from bptt.codegen.javascript.cell_object import javascript
from bptt.codegen.plan import plan
from bptt.runtime.reference.backward import backward
from bptt.runtime.reference.forward import forward
from bptt.runtime.reference.function import saved_names
from bptt.runtime.reference.problem import Problem, problem_of

# A size that is a multiple of 4 and two that are not: products take four rows at a time.
SIZES = {"I": 3, "H": 5, "P": 4}
STEPS = 6
__all__ = ["evaluate"]


@dataclass(frozen=True)
class Drawn:
    """Numbers for a cell: tensors (x, *initial, *parameters), and ∂E/∂ of each state and the output."""

    cell: Cell
    tensors: tuple[Tensor, ...]
    losses: dict[str, Tensor]

    @property
    def problem(self) -> Problem:
        return problem_of(plan(self.cell), self.tensors, None, False)

    def entry(self) -> str:
        """Return the numbers as JavaScript."""
        cell, (x, *rest) = self.cell, self.tensors
        initial = dict(zip(cell.states, rest, strict=False))
        parameters = dict(zip((f.name for f in cell.families), rest[len(cell.states) :], strict=True))
        numbers = {"x": x, "initial": initial, "parameters": parameters, "losses": self.losses}
        return f"{{ cell: {javascript(cell)}, ...{json.dumps(plain(numbers))} }}"


def plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {name: plain(each) for name, each in value.items()}
    return value.detach().flatten().tolist()


def draw(cell: Cell, seed: int = 0) -> Drawn:
    source = torch.Generator().manual_seed(seed)

    def normal(*shape: int) -> Tensor:
        # Small: random cells multiply their states, which then grow without bound.
        return 0.4 * torch.randn(*shape, generator=source, dtype=torch.float64)

    width = {name: SIZES[cell.width(name)] for name in (*cell.states, cell.output)}
    x = normal(STEPS, 1, SIZES[cell.width(cell.inputs[0])])
    tensors = [x, *(normal(1, width[s]) for s in cell.states)]
    tensors += [normal(*f.shape(SIZES)) for f in cell.families]
    losses = {name: normal(STEPS, 1, width[name]) for name in width}
    return Drawn(cell, tuple(tensors), losses)


# What a cell computes, its gradients, and ‖∂E_m/∂net_n‖ of each loss step m and step n ≤ m.
BODY = """
const sizes = %s, steps = %s;
return [%s].map(({ cell, x, initial, parameters, losses }) => {
  const arrays = (numbers) =>
    Object.fromEntries(Object.entries(numbers).map(([name, all]) => [name, Float64Array.from(all)]));
  const layer = new Layer(cell, sizes, arrays(parameters), Float64Array);
  layer.initial = arrays(initial);
  layer.reserve(17);
  layer.x.set(x);
  for (const name of cell.states) layer.values[name].set(initial[name]);
  layer.forward(0, 2);
  layer.forward(2, steps);
  const values = {};
  for (const name of Object.keys(cell.values))
    values[name] = Array.from({ length: steps }, (_, t) => [...layer.at(name, t)]);
  const seed = (first, last) => {
    for (const [name, all] of Object.entries(losses)) {
      const loss = layer.deltas[`loss_${name}`].fill(0);
      const width = all.length / steps;
      loss.set(all.slice(first * width, last * width), first * width);
    }
  };
  const rows = [];
  for (let m = 0; m < steps; ++m) {
    seed(m, m + 1);
    layer.backward(0, m + 1);
    rows.push(Array.from({ length: m + 1 }, (_, n) => layer.sumNorm(n)));
  }
  seed(0, steps);
  layer.backward(0, steps);
  const gradients = arrays(parameters);
  for (const all of Object.values(gradients)) all.fill(0);
  layer.gradients(gradients, 0, 3);
  layer.gradients(gradients, 3, steps);
  const first = (name, width) => [...layer.deltas[name].subarray(0, width)];
  const dx = Object.keys(cell.inputs).map((name) => first(`δ${name}`, x.length));
  const d0 = cell.states.map((name) => first(`δ${name}_prev`, initial[name].length));
  return { values, rows, dx, d0, gradients: Object.values(gradients).map((all) => [...all]) };
});
"""


def computed(evaluate: Evaluate, drawn: Sequence[Drawn]) -> list[dict[str, Any]]:
    sizes = {**SIZES, "B": 1, "T": STEPS}
    found: list[dict[str, Any]] = evaluate(
        BODY % (json.dumps(sizes), STEPS, ",\n".join(each.entry() for each in drawn))
    )
    return found


def check(drawn: Drawn, found: dict[str, Any]) -> None:
    """Compare with 1e-12 of the largest number of each result."""
    cell, states = drawn.cell, len(drawn.cell.states)
    leaves = tuple(t.clone().requires_grad_() for t in drawn.tensors)
    problem = problem_of(plan(cell), leaves, None, False)
    names = list(found["values"])
    expected = forward(problem, names)
    for name in names:
        close(name, found["values"][name], expected[name][:, 0])
    energy = sum((loss * expected[name]).sum() for name, loss in drawn.losses.items())
    assert isinstance(energy, Tensor)
    x, *rest = torch.autograd.grad(energy, leaves, allow_unused=True, materialize_grads=True)
    close("x", np.sum(found["dx"], 0), x)
    for name, one, other in zip(cell.states, found["d0"], rest, strict=False):
        close(f"initial {name}", one, other)
    for family, one, other in zip(cell.families, found["gradients"], rest[states:], strict=True):
        close(family.name, one, other)
    kept = forward(drawn.problem, saved_names(drawn.problem.plan))
    for m, row in enumerate(found["rows"]):
        seeds = {}
        for name, loss in drawn.losses.items():
            seeds[name] = torch.zeros_like(loss)
            seeds[name][m] = loss[m]
        norms = backward(drawn.problem, kept, dict(seeds), measure=True).norms
        assert norms is not None
        close(f"row {m}", row, norms.delta[: m + 1, 0].norm(dim=-1))


def close(name: str, found: Any, expected: Tensor) -> None:
    numbers = expected.detach().numpy().ravel()
    size = max(1.0, np.abs(numbers).max(initial=0))
    np.testing.assert_allclose(np.ravel(found), numbers, rtol=0, atol=1e-12 * size, err_msg=name)


# Names that the text of JavaScript has for itself, or might have.
NAMES = Cell.define(
    "names",
    """
    sizeH = tanh(W_sizeH @ x + b_sizeH)
    nowH = sizeH * 2
    nextH = nowH + sizeH
    row = mean(nextH)
    let = sigmoid(nextH * row)
    j = let * nowH
    values = tanh(R_values @ j)
    constructor = sigmoid(W_constructor @ x)
    __proto__ = constructor * values
    Math = __proto__ * h_prev
    h = tanh(R_h @ Math + W_h @ x)
    """,
    states="h",
)

SAMPLE = {
    **CATALOGUE,
    "names": NAMES,
    **{f"odd: {name}": cell for name, cell in ODD.items()},
    **{
        f"adjusted {name}": adjusted(CATALOGUE[name]) for name in ("gru", "lstm-projection", "lstm-layernorm")
    },
    **{f"random {seed}": random_cell(seed) for seed in range(12)},
}


@pytest.fixture(scope="module")
def answers(evaluate: Evaluate) -> dict[str, tuple[Drawn, dict[str, Any]]]:
    drawn = [draw(cell) for cell in SAMPLE.values()]
    return dict(zip(SAMPLE, zip(drawn, computed(evaluate, drawn), strict=True), strict=True))


@pytest.mark.parametrize("name", SAMPLE)
def test_values_gradients_and_norms(name: str, answers: dict[str, tuple[Drawn, dict[str, Any]]]) -> None:
    check(*answers[name])
