"""Saturated gates and dead units, planted where they must be found."""

from __future__ import annotations

import pytest
import torch

from bptt import Cell, nn
from bptt.errors import InputError
from bptt.probe import saturation, values

STEPS, BATCH, INPUTS, HIDDEN = 20, 2, 3, 4


def still(stack: nn.Recurrent) -> nn.Recurrent:
    """The stack with zero in all its parameters."""
    with torch.no_grad():
        for parameter in stack.parameters():
            parameter.zero_()
    return stack


def test_gates_that_stand_open_shut_or_between() -> None:
    """With zero matrices a gate is the sigmoid of its bias: 0.047 at -3, 0.109 at -2.1."""
    stack = still(nn.Recurrent("lstm", INPUTS, HIDDEN))
    with torch.no_grad():
        stack.b_l0[HIDDEN : 2 * HIDDEN] = torch.tensor([-3.0, -2.1, 2.1, 3.0])
    found = saturation(values(stack, torch.randn(STEPS, BATCH, INPUTS)))
    assert {s.layer for s in found.bounded} == {"layer 1"}
    kinds = {s.value: s.kind for s in found.bounded}
    assert kinds == {"i": "gate", "f": "gate", "g": "other", "o": "gate"}
    _, f, _, _ = found.bounded
    assert f.left.tolist() == [1, 0, 0, 0]
    assert f.right.tolist() == [0, 0, 0, 1]
    assert (f.stuck_left, f.stuck_right) == (1 / HIDDEN, 1 / HIDDEN)
    assert [s.value for s in found.gates] == ["i", "f", "o"]
    assert found.stuck_gates == 2 / (3 * HIDDEN)
    assert found.rectified == () and found.dead_units == 0


def test_share_of_steps_is_that_of_a_count_by_hand() -> None:
    torch.manual_seed(0)
    stack = nn.Recurrent("gru", INPUTS, HIDDEN, bidirectional=True)
    x = 8 * torch.randn(STEPS, BATCH, INPUTS)
    layers = values(stack, x)
    found = saturation(layers)
    assert [s.layer for s in found.bounded] == ["layer 1 →"] * 3 + ["layer 1 ←"] * 3
    tensors = [v.tensor for layer in layers for v in layer.values if v.name in "rzn"]
    for measured, tensor in zip(found.bounded, tensors, strict=True):
        low, high = (-0.8, 0.8) if measured.value == "n" else (0.1, 0.9)
        for unit in range(HIDDEN):
            numbers = [float(tensor[t, row, unit]) for t in range(STEPS) for row in range(BATCH)]
            assert measured.left[unit] == pytest.approx(sum(v < low for v in numbers) / len(numbers))
            assert measured.right[unit] == pytest.approx(sum(v > high for v in numbers) / len(numbers))
    assert 0 < float(found.bounded[0].left.mean()) < 1


def test_padding_does_not_count() -> None:
    torch.manual_seed(1)
    stack = nn.Recurrent("gru", INPUTS, HIDDEN)
    x = 8 * torch.randn(STEPS, BATCH, INPUTS)
    alone, padded = values(stack, x[:5, :1]), values(stack, x, lengths=[5, 0])
    pairs = zip(saturation(alone).bounded, saturation(padded).bounded, strict=True)
    for truth, found in pairs:
        assert torch.equal(truth.left, found.left) and torch.equal(truth.right, found.right)
    with pytest.raises(InputError, match="at least one step"):
        saturation(values(stack, x, lengths=[0, 0]))


def test_units_that_never_leave_zero_are_dead() -> None:
    """A ReLU with a bias far below zero never fires; one that fires once is alive."""
    stack = still(nn.Recurrent("elman-relu", INPUTS, HIDDEN))
    x = torch.rand(STEPS, 1, INPUTS)
    x[7, 0, 0] = 5.0
    with torch.no_grad():
        stack.b_l0.copy_(torch.tensor([-9.0, -2.0, 0.0, 1.0]))
        stack.W_l0[1, 0] = 1.0
    (activity,) = saturation(values(stack, x)).rectified
    assert (activity.layer, activity.value) == ("layer 1", "h")
    assert activity.active.tolist() == pytest.approx([0, 1 / STEPS, 0, 1])
    assert activity.dead == 2 / HIDDEN
    assert saturation(values(stack, x)).dead_units == 2 / HIDDEN


def test_a_relu_in_a_cell_of_ones_own_is_told_from_its_equations() -> None:
    cell = Cell.define("mine", "a = relu(W_a @ x)\nh = tanh(R_h @ h_prev + a)", states="h")
    stack = nn.Recurrent(cell, INPUTS, HIDDEN)
    found = saturation(values(stack, torch.randn(STEPS, BATCH, INPUTS)))
    assert [a.value for a in found.rectified] == ["a"]
    assert [(s.value, s.kind) for s in found.bounded] == [("h", "state")]
    assert found.gates == () and found.stuck_gates == 0
