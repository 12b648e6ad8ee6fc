"""Pooling of a padded batch against plain formulas on each sequence alone."""

from __future__ import annotations

import math

import pytest
import torch
from torch import Tensor

from bptt.errors import InputError
from bptt.nn.modules import Recurrent
from bptt.nn.pooling import Pooling, PoolingKind

T, WIDTH, DOUBLE = 6, 4, torch.float64
LENGTHS = [3, 0, 6, 1]
B = len(LENGTHS)
KINDS: tuple[PoolingKind, ...] = ("last", "mean", "max", "attention")
# Sums over T steps, after sums over the width, of numbers of about 3.
TOLERANCE = 3 * (T + 2 * WIDTH) * torch.finfo(DOUBLE).eps


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(0)


def make(kind: PoolingKind, bidirectional: bool = False) -> Pooling:
    return Pooling(kind, WIDTH, bidirectional, dtype=DOUBLE)


def close(found: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(found, expected, rtol=0, atol=TOLERANCE)


def dot(a: list[float], b: list[float]) -> float:
    return math.fsum(x * y for x, y in zip(a, b, strict=True))


def alone(pooling: Pooling, y: Tensor) -> Tensor:
    """The formula of the docstring for one sequence (T, width), by numbers."""
    rows, units = y.tolist(), range(WIDTH)
    if pooling.kind == "mean":
        return torch.tensor([math.fsum(row[k] for row in rows) / len(rows) for k in units], dtype=DOUBLE)
    if pooling.kind == "max":
        return torch.tensor([max(row[k] for row in rows) for k in units], dtype=DOUBLE)
    if pooling.kind == "last":
        halves = rows[-1][:2] + (rows[0] if pooling.bidirectional else rows[-1])[2:]
        return torch.tensor(halves, dtype=DOUBLE)
    w, b, v = pooling.weight.tolist(), pooling.bias.tolist(), pooling.query.tolist()
    hidden = [[math.tanh(dot(w[k], row) + b[k]) for k in units] for row in rows]
    shares = [math.exp(dot(v, h)) for h in hidden]
    whole = math.fsum(shares)
    weighted = [math.fsum(s * row[k] for s, row in zip(shares, rows, strict=True)) / whole for k in units]
    return torch.tensor(weighted, dtype=DOUBLE)


@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("kind", KINDS)
def test_each_row_is_the_formula_on_it_alone(kind: PoolingKind, bidirectional: bool) -> None:
    pooling, values = make(kind, bidirectional), torch.randn(T, B, WIDTH, dtype=DOUBLE)
    found = pooling(values, LENGTHS)
    for row, length in enumerate(LENGTHS):
        if length:
            close(found[row], alone(pooling, values[:length, row]))
        else:
            assert not found[row].any()
    close(pooling(values[:3]), pooling(values, [3] * B))


@pytest.mark.parametrize("poison", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("kind", KINDS)
def test_what_stands_in_the_padding_does_not_matter(kind: PoolingKind, poison: float) -> None:
    pooling, clean = make(kind), torch.randn(T, B, WIDTH, dtype=DOUBLE)
    valid = torch.arange(T)[:, None] < torch.tensor(LENGTHS)
    results = []
    for values in (clean, clean.masked_fill(~valid[:, :, None], poison)):
        values.requires_grad_()
        found = pooling(values, torch.tensor(LENGTHS))
        gradients = torch.autograd.grad(found.square().sum(), [values, *pooling.parameters()])
        assert not gradients[0][~valid].any()
        results.append([found, *gradients])
    for found, expected in zip(*results, strict=True):
        assert torch.equal(found, expected)


@pytest.mark.parametrize("kind", ["mean", "attention"])
def test_weights_sum_to_one_and_ignore_the_padding(kind: PoolingKind) -> None:
    pooling, values = make(kind), torch.randn(T, B, WIDTH, dtype=DOUBLE)
    weights = pooling.weights(values, LENGTHS)
    valid = torch.arange(T)[:, None] < torch.tensor(LENGTHS)
    assert torch.equal(weights > 0, valid)
    close(weights.sum(0), valid[0].double())
    close((weights[:, :, None] * values).sum(0), pooling(values, LENGTHS))


def test_last_is_the_final_state_of_both_directions() -> None:
    module = Recurrent("gru", 3, WIDTH // 2, num_layers=2, bidirectional=True, dtype=DOUBLE)
    output, final = module(torch.randn(T, B, 3, dtype=DOUBLE), lengths=LENGTHS)
    expected = torch.cat([final[-2], final[-1]], 1)
    assert torch.equal(make("last", bidirectional=True)(output, LENGTHS), expected)


@pytest.mark.parametrize("kind", KINDS)
def test_gradients(kind: PoolingKind) -> None:
    pooling = make(kind)
    values = torch.randn(T, B, WIDTH, dtype=DOUBLE, requires_grad=True)
    leaves = (values, *pooling.parameters())
    assert torch.autograd.gradcheck(lambda values, *_: pooling(values, LENGTHS), leaves)


def test_errors_tell_the_rule() -> None:
    with pytest.raises(InputError, match="the kind is one of last, mean, max, attention, got 'first'"):
        Pooling("first", 4)  # type: ignore[arg-type]
    with pytest.raises(InputError, match="width is a positive integer, got 0"):
        Pooling("mean", 0)
    with pytest.raises(InputError, match="two directions have an even width together, got 3"):
        Pooling("last", 3, bidirectional=True)
    with pytest.raises(InputError, match=r"Pooling\('max', width=4\): weights are those of a mean"):
        Pooling("max", 4).weights(torch.zeros(2, 1, 4))
    with pytest.raises(InputError, match=r"expected shape \(T, B, 4\), got \(2, 1, 3\)"):
        Pooling("max", 4)(torch.zeros(2, 1, 3))
