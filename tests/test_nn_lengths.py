"""Sequences of different lengths in one batch give what each gives alone (A4)."""

from __future__ import annotations

from typing import Any

import pytest
import torch
from torch import Tensor

from bptt import nn
from bptt.cells import CATALOGUE

T, B, I, H, P = 6, 5, 3, 4, 2
DOUBLE = torch.float64
LENGTHS = [3, 0, 6, 1, 3]

# Rows of a batch are independent: only the order of summation inside a product may differ.
TOLERANCE = 1e-13


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(0)


def make(cell: str, **options: Any) -> nn.Recurrent:
    proj_size = P if cell == "lstm-projection" else 0
    return nn.Recurrent(cell, I, H, proj_size=proj_size, dtype=DOUBLE, **options)


def some_states(module: nn.Recurrent) -> tuple[Tensor, ...]:
    widths = module.layers[0].widths
    return tuple(torch.randn(len(module.layers), B, w, dtype=DOUBLE, requires_grad=True) for w in widths)


def as_tuple(states: Tensor | tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    return (states,) if isinstance(states, Tensor) else states


def close(found: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(found, expected, rtol=0, atol=TOLERANCE)


@pytest.mark.parametrize("batch_first", [False, True])
@pytest.mark.parametrize("cell", sorted(CATALOGUE))
def test_a_batch_equals_one_by_one(cell: str, batch_first: bool) -> None:
    module = make(cell, num_layers=2, bidirectional=True, batch_first=batch_first)
    x, hx = torch.randn(T, B, I, dtype=DOUBLE), some_states(module)
    given = x.transpose(0, 1) if batch_first else x
    output, final, layers = module(given, hx, lengths=LENGTHS, return_states=True)
    output = output.transpose(0, 1) if batch_first else output
    for row, length in enumerate(LENGTHS):
        assert not output[length:, row].any()
        start = tuple(state[:, row] for state in hx)
        if length == 0:
            for state, first in zip(as_tuple(final), start, strict=True):
                assert torch.equal(state[:, row], first)
            continue
        alone, last, steps = module(x[:length, row], start, return_states=True)
        close(output[:length, row], alone)
        for state, expected in zip(as_tuple(final), as_tuple(last), strict=True):
            close(state[:, row], expected)
        for layer, expected in zip(layers, steps, strict=True):
            for found, truth in zip(
                layer.forward + layer.backward, expected.forward + expected.backward, strict=True
            ):
                close((found.transpose(0, 1) if batch_first else found)[:length, row], truth)


@pytest.mark.parametrize("cell", sorted(CATALOGUE))
def test_gradients_are_the_sum_of_one_by_one(cell: str) -> None:
    module = make(cell, num_layers=2, bidirectional=True)
    x = torch.randn(T, B, I, dtype=DOUBLE, requires_grad=True)
    hx = some_states(module)
    weights = torch.randn(T, B, 2 * module.output_size, dtype=DOUBLE)
    leaves = [x, *hx, *module.parameters()]
    output, final = module(x, hx, lengths=torch.tensor(LENGTHS))
    loss = (output * weights).sum() + sum(state.square().sum() for state in as_tuple(final))
    apart = torch.zeros((), dtype=DOUBLE)
    for row, length in enumerate(LENGTHS):
        start = tuple(state[:, row] for state in hx)
        if length:
            output, final = module(x[:length, row], start)
            apart = apart + (output * weights[:length, row]).sum()
            start = as_tuple(final)
        apart = apart + sum(state.square().sum() for state in start)
    for found, expected in zip(
        torch.autograd.grad(loss, leaves), torch.autograd.grad(apart, leaves), strict=True
    ):
        # Gradients of parameters are sums over T · B · layers terms.
        torch.testing.assert_close(found, expected, rtol=0, atol=100 * TOLERANCE)


@pytest.mark.parametrize("poison", [float("nan"), float("inf")])
@pytest.mark.parametrize("cell", sorted(CATALOGUE))
def test_what_stands_in_the_padding_does_not_matter(cell: str, poison: float) -> None:
    module = make(cell, num_layers=2, bidirectional=True)
    valid = torch.arange(T)[:, None] < torch.tensor(LENGTHS)
    clean = torch.randn(T, B, I, dtype=DOUBLE).masked_fill(~valid[:, :, None], 0)
    results = []
    for x in (clean, clean.masked_fill(~valid[:, :, None], poison)):
        x.requires_grad_()
        output, final, layers = module(x, lengths=LENGTHS, return_states=True)
        states = [*as_tuple(final), *(s for la in layers for s in la.forward + la.backward)]
        loss = output.square().sum() + sum(state.square().sum() for state in states)
        found = torch.autograd.grad(loss, [x, *module.parameters()])
        assert not found[0][~valid].any()
        results.append([output, *states, *found])
    for found, expected in zip(*results, strict=True):
        assert torch.equal(found, expected)


def test_full_lengths_change_nothing() -> None:
    module = make("lstm", bidirectional=True)
    x = torch.randn(T, B, I, dtype=DOUBLE)
    output, (h, c) = module(x)
    for lengths in ([T] * B, torch.full((B,), T, dtype=torch.int32)):
        found, (h1, c1) = module(x, lengths=lengths)
        assert torch.equal(found, output) and torch.equal(h1, h) and torch.equal(c1, c)


def test_a_single_sequence_may_have_a_length() -> None:
    module = make("gru")
    x = torch.randn(T, I, dtype=DOUBLE)
    output, h = module(x, lengths=[2])
    expected, last = module(x[:2])
    close(output[:2], expected)
    close(h, last)
    assert output.shape == (T, H) and not output[2:].any()


def test_a_packed_batch_equals_lengths() -> None:
    module = make("lstm", num_layers=2, bidirectional=True)
    lengths = [3, 2, 6, 1, 3]
    x, hx = torch.randn(T, B, I, dtype=DOUBLE), some_states(module)
    packed = torch.nn.utils.rnn.pack_padded_sequence(x, lengths, enforce_sorted=False)
    output, final, layers = module(packed, hx, return_states=True)
    padded, last, steps = module(x, hx, lengths=lengths, return_states=True)
    close(torch.nn.utils.rnn.pad_packed_sequence(output)[0], padded)
    for found, expected in zip(final, last, strict=True):
        close(found, expected)
    for found, expected in zip(layers, steps, strict=True):
        close(found.forward[1], expected.forward[1])


def test_a_batch_may_be_empty() -> None:
    module = make("lstm", bidirectional=True)
    x = torch.zeros(T, 0, I, dtype=DOUBLE, requires_grad=True)
    for lengths in (None, []):
        output, (h, c) = module(x, lengths=lengths)
        assert output.shape == (T, 0, 2 * H) and h.shape == c.shape == (2, 0, H)
        assert not any(g.any() for g in torch.autograd.grad(output.sum(), list(module.parameters())))
