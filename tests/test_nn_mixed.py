"""Stacks with a cell for each layer: to the bit the same as one Recurrent after the other."""

from __future__ import annotations

import copy
import pickle
from collections.abc import Sequence

import pytest
import torch
from torch import Tensor

from bptt import nn
from bptt.cells import get
from bptt.errors import InputError

T, B, I, H = 4, 3, 3, 5
LENGTHS = [4, 2, 3]
MIXED = [("lstm", "gru"), ("gru", "lstm", "elman-tanh"), ("lstm", "lstm-peephole"), ("dense", "mgu")]


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(0)


def alone(stack: nn.Recurrent) -> list[nn.Recurrent]:
    """One Recurrent for each layer, with copies of its parameters."""
    layers, width = [], I
    for k, cell in enumerate(stack.cells):
        layer = nn.Recurrent(
            cell, width, H, bidirectional=stack.bidirectional, initial=stack.initial, dtype=torch.float64
        )
        for name, parameter in layer.named_parameters():
            parameter.data = stack.get_parameter(name.replace("_l0", f"_l{k}")).detach().clone()
        layers.append(layer)
        width = H * stack.num_directions
    return layers


def flat(states: Tensor | Sequence[Tensor]) -> tuple[Tensor, ...]:
    return (states,) if isinstance(states, Tensor) else tuple(states)


@pytest.mark.parametrize("cells", MIXED, ids=str)
@pytest.mark.parametrize("bidirectional", [False, True])
@pytest.mark.parametrize("initial", ["zero", "learned"])
def test_the_bits_and_gradients_of_separate_layers(
    cells: tuple[str, ...], bidirectional: bool, initial: nn.recurrent.Initial
) -> None:
    stack = nn.Recurrent(cells, I, H, bidirectional=bidirectional, initial=initial, dtype=torch.float64)
    assert stack.num_layers == len(cells)
    if initial == "learned":
        for name, parameter in stack.named_parameters():
            if name.startswith("initial"):
                parameter.data.normal_()
    layers, x = alone(stack), torch.randn(T, B, I, dtype=torch.float64)
    output, states = stack(x, lengths=LENGTHS)
    values, finals = x, []
    for layer in layers:
        values, final = layer(values, lengths=LENGTHS)
        finals.append(flat(final))
    assert torch.equal(output, values)
    rows = stack.state_form.split(flat(states))
    wanted = [[state[d] for state in final] for final in finals for d in range(stack.num_directions)]
    for row, states_of in zip(rows, wanted, strict=True):
        assert all(map(torch.equal, row, states_of))
    seeds = torch.randn_like(output)
    (output * seeds).sum().backward()
    (values * seeds).sum().backward()
    for k, layer in enumerate(layers):
        for name, parameter in layer.named_parameters():
            assert torch.equal(stack.get_parameter(name.replace("_l0", f"_l{k}")).grad, parameter.grad), name


def test_states_of_different_cells_have_tensors_of_their_own() -> None:
    stack = nn.Recurrent(["lstm", "gru"], I, H, bidirectional=True, batch_first=True)
    output, states = stack(torch.randn(B, T, I))
    assert output.shape == (B, T, 2 * H)
    assert [tuple(s.shape) for s in states] == [(2, B, H)] * 3
    assert [tensor.name for tensor in stack.state_form.tensors] == ["h_l0", "c_l0", "h_l1"]
    again, _ = stack(torch.randn(B, T, I), states)
    assert again.shape == output.shape
    _, states = stack(torch.randn(T, I))
    assert [tuple(s.shape) for s in states] == [(2, H)] * 3


def test_states_of_the_same_names_are_torchs() -> None:
    stack = nn.Recurrent(["lstm", "lstm-coupled", "lstm-peephole-previous"], I, H)
    _, (h, c) = stack(torch.randn(T, B, I))
    assert h.shape == c.shape == (3, B, H)
    assert nn.Recurrent(["gru", "elman-relu"], I, H)(torch.randn(T, B, I))[1].shape == (2, B, H)


def test_reading_on_from_the_states_is_reading_at_once() -> None:
    stack = nn.Recurrent(["lstm", "mgu"], I, H, dtype=torch.float64)
    x = torch.randn(T, B, I, dtype=torch.float64)
    whole, final = stack(x)
    first, states = stack(x[:2])
    second, last = stack(x[2:], states)
    assert torch.equal(torch.cat([first, second]), whole)
    assert all(map(torch.equal, last, final))


@pytest.mark.parametrize("cells", [("lstm", "gru"), ("gru", "gru", "lstm"), ("dense", "lstm")], ids=str)
@pytest.mark.parametrize("batch", [None, 2])
def test_a_stepper_takes_the_same_steps(cells: tuple[str, ...], batch: int | None) -> None:
    stack = nn.Recurrent(cells, I, H, dtype=torch.float64)
    x = torch.randn(T, *(() if batch is None else (batch,)), I, dtype=torch.float64)
    stepper = nn.Stepper(stack, batch)
    with torch.no_grad():
        output, final = stack(x)
    steps = torch.stack([stepper.step(step) for step in x])
    # A step and a sequence may add up products in another order.
    assert torch.allclose(steps, output, rtol=0, atol=1e-14)
    for found, wanted in zip(flat(stepper.states), flat(final), strict=True):
        assert found.shape == wanted.shape and torch.allclose(found, wanted, rtol=0, atol=1e-14)
    stepper.states = final
    assert all(map(torch.equal, flat(stepper.states), flat(final)))
    stepper.reset()
    assert not any(state.any() for state in flat(stepper.states))


def test_sizes_of_a_projection_are_for_the_cells_that_have_one() -> None:
    stack = nn.Recurrent(["lstm-projection", "gru"], I, H, proj_size=2)
    assert stack.layers[1].sizes["I"] == 2 and stack.output_size == H
    _, states = stack(torch.randn(T, B, I))
    assert [s.shape[-1] for s in states] == [2, H, H]
    with pytest.raises(InputError, match="has a projection, got proj_size=0"):
        nn.Recurrent(["lstm-projection", "gru"], I, H)
    with pytest.raises(InputError, match="has no projection"):
        nn.Recurrent(["lstm", "gru"], I, H, proj_size=2)


def test_random_states_and_dropout() -> None:
    stack = nn.Recurrent(["lstm", "gru"], I, H, dropout=0.5, initial="random")
    x = torch.randn(T, B, I)
    assert not torch.equal(stack(x)[0], stack(x)[0])


def test_a_bridge_between_mixed_stacks() -> None:
    encoder = nn.Recurrent(["lstm", "gru"], I, H, bidirectional=True)
    decoder = nn.Recurrent(["gru", "lstm", "mgu"], I, H)
    bridge = nn.Bridge(encoder.state_form, 2, 2, decoder)
    assert [linear.in_features for linear in bridge.maps] == [4 * H, 4 * H, 2 * H]
    assert [linear.out_features for linear in bridge.maps] == [H, 2 * H, H]
    final = encoder(torch.randn(T, B, I))[1]
    states = bridge(final)
    h_0, c_0, h_1 = final
    top = torch.tanh(bridge.maps[2](torch.cat([h_1[0], h_1[1]], -1)))
    torch.testing.assert_close(states[-1][0], top, rtol=0, atol=1e-6)
    middle = torch.tanh(bridge.maps[1](torch.cat([h_0[0], c_0[0], h_0[1], c_0[1]], -1)))
    torch.testing.assert_close(torch.cat([states[1][0], states[2][0]], -1), middle, rtol=0, atol=1e-6)
    assert decoder(torch.randn(T, B, I), states)[0].shape == (T, B, H)


def test_first_values_where_a_layer_has_what_they_need() -> None:
    stack = nn.Recurrent(["elman-tanh", "lstm"], I, H)
    before = stack.b_l0.detach().clone()
    nn.init_forget_bias(stack, 2.0)
    assert torch.equal(stack.b_l0, before) and torch.equal(stack.b_l1[H : 2 * H], torch.full((H,), 2.0))
    stack = nn.Recurrent(["dense", "gru"], I, H)
    nn.init_recurrent(stack, "orthogonal")
    for block in stack.R_l1.detach().split(H):
        assert torch.allclose(block @ block.T, torch.eye(H), atol=1e-5)


def test_copies_and_what_is_shown() -> None:
    stack = nn.Recurrent(["lstm", get("gru")], I, H, bias=False)
    assert repr(stack) == "Recurrent('lstm,gru', 3, 5, num_layers=2, bias=False)"
    assert not any(name.startswith("b_") for name, _ in stack.named_parameters())
    x = torch.randn(T, B, I)
    for other in (copy.deepcopy(stack), pickle.loads(pickle.dumps(stack))):
        assert torch.equal(other(x)[0], stack(x)[0])


def test_one_cell_is_a_stack_of_it() -> None:
    assert nn.Recurrent(["gru"], I, H, num_layers=3).num_layers == 3
    same = nn.Recurrent(["gru", "gru"], I, H)
    assert same.cell == get("gru") and same.cell_name == "gru"


def test_what_does_not_fit_is_refused() -> None:
    stack = nn.Recurrent(["lstm", "gru"], I, H)
    x, h = torch.randn(T, B, I), torch.zeros(1, B, H)
    with pytest.raises(InputError, match=r"expected hx as \(h_l0, c_l0, h_l1\), got 2 tensors"):
        stack(x, (h, h))
    with pytest.raises(InputError, match=r"c_l0 of hx: expected shape \(1, 3, 5\), got \(2, 3, 5\)"):
        stack(x, (h, torch.zeros(2, B, H), h))
    with pytest.raises(InputError, match="expected one cell in all layers, got lstm,gru"):
        stack.cell  # noqa: B018
    with pytest.raises(InputError, match="2 cells, lstm,gru, are for 2 layers, got 3 layers"):
        nn.Recurrent(["lstm", "gru"], I, H, num_layers=3)
    with pytest.raises(InputError, match="names a cell, or one for each layer, got an empty list"):
        nn.Recurrent([], I, H)
    with pytest.raises(InputError, match="expected a name of the catalogue, got 'lstmm'"):
        nn.Recurrent("lstm,lstmm", I, H)
