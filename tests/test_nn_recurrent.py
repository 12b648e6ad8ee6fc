"""Recurrent and RecurrentCell: any cell as a module."""

from __future__ import annotations

import copy
import math
import pickle
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from bptt import nn
from bptt.cells import CATALOGUE, Cell

T, B, I, H, P = 3, 2, 4, 5, 1
DOUBLE = torch.float64

OWN = Cell.define(
    "leaky",
    """
    n = tanh(W_n @ x + R_n @ h_prev + b_n)
    h = (1 - leak) * h_prev + leak * n
    y = relu(V_y @ h + b_y)
    """,
    states="h",
    output="y",
    constants={"leak": 0.25},
    init={"R": 0.125},
)


@pytest.fixture(autouse=True)
def seed() -> None:
    torch.manual_seed(0)


def make(cell: str | Cell, **options: Any) -> nn.Recurrent:
    proj_size = P if cell == "lstm-projection" else 0
    return nn.Recurrent(cell, I, H, proj_size=proj_size, dtype=DOUBLE, **options)


@pytest.mark.parametrize("cell", sorted(CATALOGUE))
def test_gradients_equal_finite_differences(cell: str) -> None:
    module = make(cell, num_layers=2, bidirectional=True, initial="learned")
    names = [name for name, _ in module.named_parameters()]
    x = torch.randn(T, B, I, dtype=DOUBLE, requires_grad=True)
    # Away from zero, where the kink of a ReLU would be met.
    values = [(p.detach() + 0.1).requires_grad_() for p in module.parameters()]

    def run(x: Tensor, *values: Tensor) -> tuple[Tensor, ...]:
        parameters = dict(zip(names, values, strict=True))
        output, final = torch.func.functional_call(module, parameters, (x,), {"lengths": [3, 2]})
        return (output, final) if isinstance(final, Tensor) else (output, *final)

    assert torch.autograd.gradcheck(run, (x, *values), fast_mode=True)


def test_parameters_are_named_after_the_families() -> None:
    module = make("lstm-peephole", num_layers=2, bidirectional=True)
    shapes = {name: tuple(p.shape) for name, p in module.named_parameters()}
    assert list(shapes)[:8] == ["W_l0", "R_l0", "p_l0", "b_l0"] + [f"{f}_l0_reverse" for f in "WRpb"]
    assert shapes["W_l0"] == (4 * H, I) and shapes["W_l1_reverse"] == (4 * H, 2 * H)
    assert shapes["p_l1"] == (3 * H,) and shapes["b_l0"] == (4 * H,)
    assert sum(map(math.prod, shapes.values())) == 2 * (
        module.cell.count({"I": I, "H": H}) + module.cell.count({"I": 2 * H, "H": H})
    )
    single = nn.RecurrentCell("lstm-peephole", I, H)
    assert [name for name, _ in single.named_parameters()] == ["W", "R", "p", "b"]


def test_first_values_are_uniform_or_the_constant_of_the_cell() -> None:
    module = nn.Recurrent("lstm-layernorm", 30, 25)
    state = module.state_dict()
    assert torch.equal(state["gain_l0"], torch.ones(5 * 25)) and not state["b_l0"].any()
    weights = torch.cat([state["W_l0"].flatten(), state["R_l0"].flatten()])
    assert weights.abs().max() <= 1 / math.sqrt(25)
    # 5,500 draws: the largest is within one part in a thousand of the bound but for e^-5.
    assert weights.abs().max() > 0.999 / math.sqrt(25)
    assert torch.equal(make(OWN).state_dict()["R_l0"], torch.full((H, H), 0.125, dtype=DOUBLE))


@pytest.mark.parametrize("cell", sorted(CATALOGUE))
def test_without_bias(cell: str) -> None:
    with_bias, without = make(cell), make(cell, bias=False)
    assert set(with_bias.state_dict()) - set(without.state_dict()) <= {"b_l0", "d_l0"}
    assert not {"b_l0", "d_l0"} & set(without.state_dict())
    values = with_bias.state_dict()
    without.load_state_dict({name: values[name] for name in without.state_dict()})
    with torch.no_grad():
        for name, parameter in with_bias.named_parameters():
            if name in ("b_l0", "d_l0"):
                parameter.zero_()
    x = torch.randn(T, B, I, dtype=DOUBLE)
    torch.testing.assert_close(without(x)[0], with_bias(x)[0], rtol=0, atol=1e-14)


def test_a_cell_of_ones_own() -> None:
    module = make(OWN)
    x = torch.randn(T, B, I, dtype=DOUBLE)
    output, state = module(x)
    p, h = module.state_dict(), torch.zeros(B, H, dtype=DOUBLE)
    b_n, b_y = p["b_l0"].chunk(2)
    for t in range(T):
        h = 0.75 * h + 0.25 * torch.tanh(x[t] @ p["W_l0"].T + h @ p["R_l0"].T + b_n)
        expected = torch.relu(h @ p["V_l0"].T + b_y)
        torch.testing.assert_close(output[t], expected, rtol=0, atol=1e-14)
    torch.testing.assert_close(state[0], h, rtol=0, atol=1e-14)


def test_a_cell_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text(
        "from bptt import Cell\nMine = Cell.define('mine', 'h = sin(W_h @ x + R_h @ h_prev)', states='h')\n",
        encoding="utf-8",
    )
    module = nn.Recurrent(f"{path}:Mine", I, H)
    assert repr(module) == f"Recurrent('mine', {I}, {H})"
    output, h = module(torch.randn(T, B, I))
    assert output.shape == (T, B, H) and h.shape == (1, B, H)


def test_a_deep_stack_of_layers_without_states() -> None:
    module = make("dense", num_layers=3, bidirectional=True)
    output, final = module(torch.randn(T, B, I, dtype=DOUBLE))
    assert output.shape == (T, B, 2 * H) and final == ()


def test_the_printed_form_shows_what_differs() -> None:
    module = make("lstm-projection", num_layers=2, dropout=0.5, initial="learned")
    expected = "'lstm-projection', 4, 5, proj_size=1, num_layers=2, dropout=0.5, initial=learned"
    assert module.extra_repr() == expected
    assert repr(nn.RecurrentCell("mgu", I, H, bias=False)) == "RecurrentCell('mgu', 4, 5, bias=False)"


@pytest.mark.parametrize(
    "copy_of", [copy.deepcopy, lambda m: pickle.loads(pickle.dumps(m))], ids=["deepcopy", "pickle"]
)
def test_copies_compute_the_same_and_are_apart(copy_of: Any) -> None:
    x = torch.randn(T, B, I, dtype=DOUBLE)
    lstm = nn.LSTM(I, H, 2, bidirectional=True, dtype=DOUBLE)
    for module in (lstm, make(OWN, initial="learned"), nn.GRUCell(I, H, dtype=DOUBLE)):
        given = x if isinstance(module, nn.Recurrent | nn.LSTM) else x[0]
        before = module(given)[0].detach().clone()
        twin = copy_of(module)
        with torch.no_grad():
            for parameter in module.parameters():
                parameter.zero_()
        assert torch.equal(twin(given)[0], before)


def test_gradients_go_through_torch_func() -> None:
    """Per-sample gradients by vmap equal those of one sample at a time."""
    module = nn.GRU(I, H, 2, dtype=DOUBLE)
    parameters = dict(module.named_parameters())
    x = torch.randn(T, B, I, dtype=DOUBLE)

    def loss(parameters: dict[str, Tensor], x: Tensor) -> Tensor:
        return torch.func.functional_call(module, parameters, (x,))[0].square().sum()

    found = torch.func.vmap(torch.func.grad(loss), in_dims=(None, 1))(parameters, x)
    for row in range(B):
        expected = torch.autograd.grad(loss(parameters, x[:, row]), list(parameters.values()))
        for gradient, truth in zip(found.values(), expected, strict=True):
            torch.testing.assert_close(gradient[row], truth, rtol=0, atol=1e-13)
