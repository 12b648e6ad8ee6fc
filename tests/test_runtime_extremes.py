"""Large and zero inputs in float32: results stay finite, gradients too, and both are the limits."""

from __future__ import annotations

import pytest
import torch
from drawn import B, T, draw
from torch import Tensor

from bptt.cells import CATALOGUE, Cell
from bptt.runtime.operators import recurrence

UNBOUNDED = ("elman-relu", "indrnn", "lstm-projection", "mingru", "minlstm", "sru")


@pytest.mark.parametrize("size", [0.0, 100.0, -100.0, 1e4, -1e4])
@pytest.mark.parametrize("name", CATALOGUE)
def test_values_and_gradients_are_finite(name: str, size: float) -> None:
    drawn = draw(CATALOGUE[name], dtype=torch.float32)
    tensors = tuple((size * t).requires_grad_() for t in drawn.tensors[:1]) + drawn.leaves().tensors[1:]
    outputs = drawn.run(*tensors)
    assert all(o.isfinite().all() for o in outputs)
    if name not in UNBOUNDED:
        start = max([1.0, *(float(s.detach().abs().max()) for s in tensors[1 : 1 + len(drawn.cell.states)])])
        assert all(o.detach().abs().max() <= start + T for o in outputs)
    gradients = torch.autograd.grad([o.sum() for o in outputs], tensors)
    assert all(g.isfinite().all() for g in gradients)


@pytest.mark.parametrize("size", [0.0, 100.0, 1e4])
@pytest.mark.parametrize("name", CATALOGUE)
def test_large_states_too(name: str, size: float) -> None:
    drawn = draw(CATALOGUE[name], dtype=torch.float32)
    count = len(drawn.cell.states)
    x, *rest = drawn.leaves().tensors
    states = [(size * s).detach().requires_grad_() for s in rest[:count]]
    outputs = drawn.run(x, *states, *rest[count:])
    gradients = torch.autograd.grad([o.sum() for o in outputs], [x, *states, *rest[count:]])
    assert all(v.isfinite().all() for v in (*outputs, *gradients))


# Function, argument, value, derivative: the limits where a formula such as 1/(1+exp(-x)) overflows.
LIMITS = [
    ("sigmoid(W_h @ x)", -1e4, 0.0, 0.0),
    ("sigmoid(W_h @ x)", -80.0, 1.8048514e-35, 1.8048514e-35),
    ("sigmoid(W_h @ x)", 1e4, 1.0, 0.0),
    ("tanh(W_h @ x)", -1e4, -1.0, 0.0),
    ("tanh(W_h @ x)", 1e4, 1.0, 0.0),
    ("softplus(W_h @ x)", -1e4, 0.0, 0.0),
    ("softplus(W_h @ x)", 1e4, 1e4, 1.0),
    ("exp(W_h @ x)", -1e4, 0.0, 0.0),
    ("relu(W_h @ x)", 1e30, 1e30, 1.0),
    ("rsqrt((W_h @ x) ** 2 + 1e-5)", 0.0, 316.22775, 0.0),
]


@pytest.mark.parametrize(("formula", "argument", "value", "slope"), LIMITS)
def test_functions_reach_their_limits(formula: str, argument: float, value: float, slope: float) -> None:
    """float32 keeps 24 bits; a function and its derivative may lose two of them."""
    cell = Cell.define("limit", f"h = {formula}", states="h")
    x = torch.full((1, 1, 1), argument, requires_grad=True)
    (h,) = recurrence(cell, x, [torch.zeros(1, 1)], [torch.ones(1, 1)])
    h.sum().backward()
    expected = torch.tensor([value, slope])
    assert x.grad is not None
    torch.testing.assert_close(torch.stack([h.detach().sum(), x.grad.sum()]), expected, rtol=2**-22, atol=0)


@pytest.mark.parametrize("name", CATALOGUE)
def test_nan_in_one_row_stays_in_its_row(name: str) -> None:
    drawn = draw(CATALOGUE[name])
    x, *rest = drawn.tensors
    broken = x.clone()
    broken[T // 2, 1] = torch.nan
    for found, truth in zip(drawn.run(broken, *rest), drawn.run(), strict=True):
        others = [row for row in range(B) if row != 1]
        assert torch.equal(found[: T // 2], truth[: T // 2])
        assert torch.equal(found[:, others], truth[:, others])
        assert not found[T // 2 :, 1].isfinite().all()


def test_an_exploding_gradient_is_infinite_and_not_wrong() -> None:
    """h_t = 2 h_{t-1} over 200 steps: 2^200 is beyond float32, 2^100 is exact."""
    cell = Cell.define("double", "h = 2 * h_prev + W_h @ x", states="h")

    def slope(steps: int) -> Tensor:
        start = torch.ones(1, 1, requires_grad=True)
        (h,) = recurrence(cell, torch.zeros(steps, 1, 1), [start], [torch.ones(1, 1)])
        return torch.autograd.grad(h[-1].sum(), start)[0]

    assert float(slope(100)) == 2.0**100
    assert slope(200).isinf().all()
