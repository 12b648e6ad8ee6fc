"""Kernels beyond ordinary numbers: infinities and NaN where torch has them, and nowhere else."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
import tolerances
import torch
from drawn import Drawn, draw
from outcomes import How, forward, outcome, same, threads
from torch import Tensor
from user_cells import CELLS as OWN

from bptt.cells import CATALOGUE, Cell
from bptt.runtime.backend import backend
from bptt.runtime.operators import run

T, B, SIZES = 4, 3, {"I": 19, "H": 21, "P": 18}
LIMIT = tolerances.gradient(torch.float32, T, B, *SIZES.values())
# Nothing near the largest number: there the order of a sum decides whether it becomes infinite.
EXTREMES = [100.0, 1e30, torch.inf, -torch.inf, torch.nan, 1e-40]
TINY = torch.finfo(torch.float32).tiny


def extreme(cell: Cell, where: str, size: float) -> Drawn:
    """Of a row one number is extreme, and of another all: of the input at later steps, or of the states."""
    drawn = draw(cell, T, B, SIZES, torch.float32)
    x, *rest = (t.clone() for t in drawn.tensors)
    broken = rest[: len(cell.states)] if where == "states" else [x[1], x[2]]
    for rows in broken:
        rows[1, 3] = size
        rows[2] = size * rows[2].sign()
    return replace(drawn, tensors=(x, *rest))


@pytest.mark.parametrize("size", EXTREMES)
@pytest.mark.parametrize("where", ["input", "states"])
@pytest.mark.parametrize("name", CATALOGUE)
def test_infinite_and_not_a_number_where_torch_operations_are(name: str, where: str, size: float) -> None:
    drawn = extreme(CATALOGUE[name], where, size)
    limit = LIMIT * (tolerances.LAYER_NORM if name == "lstm-layernorm" else 1.0)
    for found, truth in zip(outcome(drawn, How()).all, outcome(drawn, How(), "reference").all, strict=True):
        finite = truth.isfinite()
        torch.testing.assert_close(found[~finite], truth[~finite], rtol=0, atol=0, equal_nan=True)
        # What adds up to a small number may have been as large as the largest.
        largest = max([1.0, *truth[finite].abs().tolist()])
        torch.testing.assert_close(found[finite], truth[finite], rtol=0, atol=limit * largest)


@pytest.mark.parametrize("name", CATALOGUE)
def test_not_a_number_stays_in_its_row(name: str) -> None:
    """And in the steps from it on, unless a gradient brings it back."""
    drawn = draw(CATALOGUE[name], T, B, SIZES, torch.float32)
    x, *rest = drawn.tensors
    broken = x.clone()
    broken[T // 2, 1] = torch.nan
    clean, found = outcome(drawn, How()), outcome(replace(drawn, tensors=(broken, *rest)), How())
    own = 1 + len(drawn.cell.states)
    others = torch.tensor([0, 2])
    for some, expected in zip(
        (*found.values, *found.gradients[:own]), (*clean.values, *clean.gradients[:own]), strict=True
    ):
        along = some.dim() - 2
        assert same([some.index_select(along, others)], [expected.index_select(along, others)])
    for some, expected in zip(found.values, clean.values, strict=True):
        if some.dim() == 3:
            assert same([some[: T // 2]], [expected[: T // 2]]) and some[T // 2 :, 1].isnan().any()


@pytest.mark.parametrize("batch", [2, 9])
@pytest.mark.parametrize("storage", ["keep", "recompute", "segments"])
@pytest.mark.parametrize("name", ["lstm", "gru", "lstm-layernorm", "an output that is no state"])
def test_nothing_leaks_out_of_the_padding(name: str, storage: str, batch: int) -> None:
    """What lies there is never read: neither of the input nor, where it has no effect, of a gradient."""
    cell = {**CATALOGUE, **OWN}[name]
    drawn = draw(cell, 9, batch, SIZES, torch.float32 if name in CATALOGUE else torch.float64)
    x, *rest = drawn.tensors
    lengths = torch.arange(batch) * 5 % 10
    beyond = torch.arange(9)[:, None] >= lengths
    poisoned = replace(drawn, tensors=(x.masked_fill(beyond[:, :, None], torch.nan), *rest))
    for reverse in (False, True):
        how = How(lengths, reverse, storage)
        clean, found = outcome(drawn, how), outcome(poisoned, how)
        assert same(found.all, clean.all)
        assert not found.gradients[0][beyond].any()


def test_a_gradient_of_an_output_in_the_padding_is_not_read() -> None:
    drawn = draw(OWN["an output that is no state"], 5, 3, SIZES).leaves()
    lengths = torch.tensor([2, 0, 5])
    beyond = (torch.arange(5)[:, None] >= lengths)[:, :, None]
    with backend("cpu"):
        output = forward(drawn, How(lengths))[0]
        gradient = torch.ones_like(output)
        clean = torch.autograd.grad(output, drawn.tensors, gradient, retain_graph=True)
        found = torch.autograd.grad(output, drawn.tensors, gradient.masked_fill(beyond, torch.nan))
    assert same(found, clean)


# ---- numbers too small to be normal

HALVED = Cell.define("halved", "h = W_h @ x + 0.5 * h_prev", states="h")


def test_denormal_numbers_count_as_zero() -> None:
    """They would slow every product that they are in: 2^-t is none from t = 127 on, forward and back."""
    steps = 200
    x = torch.zeros(steps, 1, 1).requires_grad_()
    with backend("cpu"):
        found = run(HALVED, x, [torch.ones(1, 1)], [torch.ones(1, 1)])
    (gradient,) = torch.autograd.grad(found.final, x, [torch.ones(1, 1)])
    powers = torch.tensor([2.0**-k if k <= 126 else 0.0 for k in range(steps + 1)])
    assert torch.equal(found.output.detach().flatten(), powers[1:])
    assert torch.equal(gradient.flatten(), powers[:-1].flip(0))


@pytest.fixture
def flushing() -> Iterator[None]:
    yield
    torch.set_flush_denormal(False)


def small_survive() -> Tensor:
    """Whether each thread of torch still computes with denormal numbers."""
    return (torch.full((1 << 17,), TINY / 2) * 0.5).ne(0)


@pytest.mark.parametrize("flushed", [False, True])
def test_the_treatment_of_small_numbers_is_what_it_was(flushed: bool, flushing: None) -> None:
    """In the thread that calls, and in those that it shared the work with."""
    drawn = draw(CATALOGUE["lstm"], T, 67, SIZES, torch.float32)
    with threads(2):
        torch.set_flush_denormal(flushed)
        small = small_survive()
        outcome(drawn, How())
        assert torch.equal(small_survive(), small)
    assert bool(small[0]) is not flushed
