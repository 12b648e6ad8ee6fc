"""Sequences of different lengths in one batch, and what lies in the padding."""

from __future__ import annotations

import pytest
import tolerances
import torch
from drawn import SIZES, Drawn, draw
from torch import Tensor
from user_cells import READOUT

from bptt.cells import CATALOGUE, Cell

# torch's own: forward mode scripts its decompositions.
pytestmark = pytest.mark.filterwarnings("ignore:`torch.jit.script` is deprecated")

STEPS, LENGTHS = 5, (3, 0, 5, 1)
LIMIT = tolerances.gradient(
    torch.float64, STEPS, len(LENGTHS), *SIZES.values(), magnitude=tolerances.LAYER_NORM
)
CELLS = {**CATALOGUE, "readout": READOUT}


def drawn(name: str) -> Drawn:
    return draw(CELLS[name], STEPS, len(LENGTHS)).leaves()


def close(found: Tensor, expected: Tensor) -> None:
    torch.testing.assert_close(found, expected, rtol=0, atol=LIMIT)


def weighted(outputs: tuple[Tensor, ...]) -> Tensor:
    """A loss that looks at every number of the outputs, the padding's included."""
    weights = [torch.linspace(-1, 2, o.numel(), dtype=o.dtype).reshape(o.shape) for o in outputs]
    return torch.stack([(w * o).sum() for w, o in zip(weights, outputs, strict=True)]).sum()


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("name", CELLS)
def test_a_batch_is_its_sequences_one_by_one(name: str, reverse: bool) -> None:
    whole = drawn(name)
    cell, count = whole.cell, len(whole.cell.states)
    outputs = whole.run(lengths=torch.tensor(LENGTHS), reverse=reverse)
    x, *rest = whole.tensors
    states, parameters = rest[:count], rest[count:]
    for row, length in enumerate(LENGTHS):
        start = [s[row : row + 1] for s in states]
        if length > 0:
            alone = whole.run(x[:length, row : row + 1], *start, *parameters, reverse=reverse)
            for found, truth in zip(outputs, alone, strict=True):
                close(found[:length, row], truth[:, 0])
        # A state keeps its value where the sequence is over; in reverse, where it has not begun.
        for found, first in zip(outputs[:count], start, strict=True):
            held = found[length - 1, row] if length and not reverse else first[0]
            close(found[length:, row], held.expand(STEPS - length, -1))
        if cell.output not in cell.states:
            assert not outputs[-1][length:, row].any()


@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("name", CELLS)
def test_gradients_of_a_batch_are_those_of_its_sequences(name: str, reverse: bool) -> None:
    whole = drawn(name)
    count = len(whole.cell.states)
    found = torch.autograd.grad(
        weighted(whole.run(lengths=torch.tensor(LENGTHS), reverse=reverse)), whole.tensors
    )
    # One by one: the padding is cut off, and what a state holds there is written out.
    pieces = []
    x, *rest = whole.tensors
    for row, length in enumerate(LENGTHS):
        start = [s[row : row + 1] for s in rest[:count]]
        alone: tuple[Tensor, ...] = ()
        if length > 0:
            alone = whole.run(x[:length, row : row + 1], *start, *rest[count:], reverse=reverse)
        pieces.append(padded(whole, alone, start, length, reverse))
    outputs = tuple(torch.cat(parts, 1) for parts in zip(*pieces, strict=True))
    for gradient, truth in zip(found, torch.autograd.grad(weighted(outputs), whole.tensors), strict=True):
        close(gradient, truth)


def padded(
    whole: Drawn, alone: tuple[Tensor, ...], start: list[Tensor], length: int, reverse: bool
) -> list[Tensor]:
    count = len(start)
    found = []
    for k, name in enumerate(dict.fromkeys((*whole.cell.states, whole.cell.output))):
        width = SIZES[whole.cell.width(name)]
        rest = torch.zeros(1, width, dtype=torch.float64)
        if k < count:
            rest = alone[k][-1] if length and not reverse else start[k]
        parts = [rest.expand(STEPS - length, 1, width)]
        found.append(torch.cat([alone[k], *parts] if length else parts))
    return found


@pytest.mark.parametrize("poison", [float("nan"), float("inf"), -float("inf")])
@pytest.mark.parametrize("reverse", [False, True])
@pytest.mark.parametrize("name", CELLS)
def test_nothing_leaks_out_of_the_padding(name: str, reverse: bool, poison: float) -> None:
    lengths = torch.tensor(LENGTHS)
    clean = drawn(name)
    poisoned = draw(clean.cell, STEPS, len(LENGTHS)).leaves()
    beyond = torch.arange(STEPS)[:, None] >= lengths
    with torch.no_grad():
        poisoned.tensors[0][beyond] = poison
    outputs, truth = (d.run(lengths=lengths, reverse=reverse) for d in (poisoned, clean))
    for found, expected in zip(outputs, truth, strict=True):
        assert torch.equal(found, expected)
    gradients, expected_gradients = (
        torch.autograd.grad(weighted(o), d.tensors, create_graph=True)
        for o, d in ((outputs, poisoned), (truth, clean))
    )
    for found, expected in zip(gradients, expected_gradients, strict=True):
        assert torch.equal(found, expected)
    assert not gradients[0][beyond].any()
    twice = torch.autograd.grad(weighted(gradients), poisoned.tensors)
    assert all(g.isfinite().all() for g in twice)
    moves = draw(clean.cell, STEPS, len(LENGTHS), seed=1).tensors
    _, changes = poisoned.tangent(moves, lengths, reverse)
    _, expected_changes = clean.tangent(moves, lengths, reverse)
    for found, expected in zip(changes, expected_changes, strict=True):
        assert torch.equal(found, expected)


def test_a_batch_of_empty_sequences_hands_its_initial_state_on() -> None:
    whole = drawn("lstm")
    h, c = whole.run(lengths=torch.zeros(len(LENGTHS), dtype=torch.int64))
    for found, first in ((h, whole.tensors[1]), (c, whole.tensors[2])):
        assert torch.equal(found, first.expand(STEPS, -1, -1))
    gradients = torch.autograd.grad(h.sum() + 2 * c.sum(), whole.tensors)
    assert not any(gradients[k].any() for k in (0, 3, 4, 5))
    assert torch.equal(gradients[1], torch.full_like(gradients[1], STEPS))
    assert torch.equal(gradients[2], torch.full_like(gradients[2], 2 * STEPS))


def test_full_lengths_are_no_lengths() -> None:
    whole = drawn("gru")
    full = torch.full((len(LENGTHS),), STEPS)
    assert torch.equal(whole.run(lengths=full)[0], whole.run()[0])


SINGULAR = Cell.define(
    "singular",
    """
    a = log(x)
    h = tanh(W_h @ a + R_h @ h_prev + v_h / mean(x))
    """,
    states="h",
    widths={"a": "I"},
)


@pytest.mark.parametrize("twice", [False, True])
def test_a_function_that_has_no_value_at_zero_leaves_no_nan_behind_an_end(twice: bool) -> None:
    whole = draw(SINGULAR, STEPS, len(LENGTHS))
    x, *rest = [t.abs() + 0.1 for t in whole.tensors]
    leaves = [t.requires_grad_() for t in (x, *rest)]
    loss = weighted(whole.run(*leaves, lengths=torch.tensor(LENGTHS)))
    found = torch.autograd.grad(loss, leaves, create_graph=twice)
    if twice:
        found = torch.autograd.grad(torch.stack([(g**2).sum() for g in found]).sum(), leaves)
    assert all(g.isfinite().all() for g in found)
