"""What a stack begins with: orthogonal and identity matrices gate by gate, and the bias of a forget gate."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch

from bptt import nn
from bptt.cells import CATALOGUE, get
from bptt.cells.carried import forget_gates, recurrent_matrices
from bptt.errors import InputError
from bptt.models.options import RecurrentOptions, StackOptions
from bptt.models.recurrent_stack import build_recurrent
from bptt.nn.stack import Stack
from bptt.options.sections import read_section, to_section

HIDDEN, INPUTS = 6, 4
# Each entry of QᵀQ sums H products, of a Q that is itself rounded.
CLOSE = 10 * HIDDEN * torch.finfo(torch.float32).eps

GATES = {
    "lstm": {"f": 1}, "lstm-peephole": {"f": 1}, "lstm-projection": {"f": 1}, "lstm-coupled": {"f": 1},
    "lstm-layernorm": {"f": 1}, "gru": {"z": 1}, "gru-torch": {"z": 1}, "mgu": {"f": -1},
    "lstm-peephole-previous": {"f": 1}, "gru-simple": {"u": -1},
    "mingru": {"z": -1}, "minlstm": {"k": 1}, "sru": {"f": 1},
}  # fmt: skip


def blocks(stack: Stack, name: str) -> Iterator[torch.Tensor]:
    """The square blocks of the recurrent parameters, all layers and directions."""
    for key, parameter in stack.named_parameters():
        if key.startswith(name):
            yield from torch.split(parameter.detach(), HIDDEN)


@pytest.mark.parametrize("cell", CATALOGUE)
def test_forget_gates_are_told_from_the_equations(cell: str) -> None:
    assert forget_gates(get(cell)) == GATES.get(cell, {})


def test_recurrent_matrices_are_told_from_the_equations() -> None:
    assert recurrent_matrices(get("gru")) == ("R_r", "R_z", "R_n")
    assert recurrent_matrices(get("lstm-projection")) == ("R_i", "R_f", "R_g", "R_o")
    assert recurrent_matrices(get("indrnn")) == recurrent_matrices(get("dense")) == ()


@pytest.mark.parametrize("cell", ["elman-tanh", "lstm", "gru"])
def test_each_gate_of_each_layer_is_orthogonal(cell: str) -> None:
    torch.manual_seed(0)
    stack = nn.Recurrent(cell, INPUTS, HIDDEN, 2, bidirectional=True)
    inputs = {name: p.detach().clone() for name, p in stack.named_parameters() if name[0] != "R"}
    nn.init_recurrent(stack, "orthogonal", 0.5)
    found = list(blocks(stack, "R"))
    assert len(found) == 4 * len(recurrent_matrices(stack.cell))
    for block in found:
        torch.testing.assert_close(block.t() @ block, torch.eye(HIDDEN) / 4, rtol=0, atol=CLOSE)
        assert abs(np.linalg.eigvals(block.numpy())).max() == pytest.approx(0.5, abs=CLOSE)
    assert all(not torch.equal(a, b) for a, b in zip(found[1:], found, strict=False))
    assert all(torch.equal(p, inputs[name]) for name, p in stack.named_parameters() if name in inputs)


def test_identity_scaled_and_without_biases() -> None:
    stack = nn.RNN(INPUTS, HIDDEN, 2, nonlinearity="relu")
    nn.init_recurrent(stack, "identity", 0.9)
    assert all(torch.equal(block, 0.9 * torch.eye(HIDDEN)) for block in blocks(stack, "weight_hh"))
    assert not any(p.any() for name, p in stack.named_parameters() if "bias" in name)


@pytest.mark.parametrize("kind", ["orthogonal", "identity"])
def test_a_projection_begins_orthogonal_in_its_columns(kind: nn.initialisation.RecurrentInit) -> None:
    stack = nn.LSTM(INPUTS, HIDDEN, proj_size=3)
    nn.init_recurrent(stack, kind)
    for block in blocks(stack, "weight_hh"):  # (H, P)
        torch.testing.assert_close(block.t() @ block, torch.eye(3), rtol=0, atol=CLOSE)


def test_what_is_drawn_next_does_not_depend_on_the_kind() -> None:
    stack, drawn = nn.LSTM(INPUTS, HIDDEN), []
    for kind in ("default", "orthogonal", "identity"):
        torch.manual_seed(3)
        nn.init_recurrent(stack, kind)
        drawn.append(torch.rand(5))
    assert torch.equal(drawn[0], drawn[1]) and torch.equal(drawn[0], drawn[2])


@pytest.mark.parametrize("cell", sorted(GATES.keys() - {"minlstm"}))
def test_the_summed_bias_of_the_forget_gate_alone_is_set(cell: str) -> None:
    stack = nn.Recurrent(cell, INPUTS, HIDDEN, 2, proj_size=3 if "projection" in cell else 0)
    before = {name: p.detach().clone() for name, p in stack.named_parameters()}
    nn.init_forget_bias(stack, 1.5)
    ((gate, sign),) = GATES[cell].items()
    for name, parameter in stack.named_parameters():
        family = next((f for f in stack.cell.families if name.startswith(f"{f.name}_l")), None)
        assert family is not None
        for member, now, old in zip(
            family.members, torch.split(parameter, HIDDEN), torch.split(before[name], HIDDEN), strict=False
        ):
            wanted = {f"b_{gate}": sign * 1.5, f"d_{gate}": 0.0}.get(member)
            assert torch.equal(now, old if wanted is None else torch.full_like(now, wanted))


def test_the_two_biases_of_torch_sum_to_it() -> None:
    stack = nn.LSTM(INPUTS, HIDDEN)
    nn.init_forget_bias(stack, 1.0)
    both = stack.get_parameter("bias_ih_l0") + stack.get_parameter("bias_hh_l0")
    assert torch.equal(both[HIDDEN : 2 * HIDDEN], torch.ones(HIDDEN))
    assert not torch.equal(both[:HIDDEN], torch.ones(HIDDEN))


def test_cells_without_matrix_gate_or_bias_are_refused() -> None:
    with pytest.raises(InputError, match=r"orthogonal needs a cell with a recurrent matrix, got indrnn"):
        nn.init_recurrent(nn.Recurrent("indrnn", INPUTS, HIDDEN), "orthogonal")
    with pytest.raises(InputError, match=r"needs a cell with a forget gate.*got elman-tanh"):
        nn.init_forget_bias(nn.RNN(INPUTS, HIDDEN), 1.0)
    with pytest.raises(InputError, match=r"needs a cell with the bias b_f, got lstm without it"):
        nn.init_forget_bias(nn.LSTM(INPUTS, HIDDEN, bias=False), 1.0)
    with pytest.raises(InputError, match=r"needs a cell with the bias b_k, got minlstm without it"):
        nn.init_forget_bias(nn.Recurrent("minlstm", INPUTS, HIDDEN), 1.0)
    with pytest.raises(InputError, match="default, orthogonal, identity"):
        nn.init_recurrent(nn.RNN(INPUTS, HIDDEN), "eye")  # type: ignore[arg-type]


def test_options_make_such_a_stack() -> None:
    options = RecurrentOptions(HIDDEN, 2, recurrent_init="identity", recurrent_scale=0.5, forget_bias=2.0)
    stack = build_recurrent(options, get("lstm"), INPUTS)
    assert all(torch.equal(block, torch.eye(HIDDEN) / 2) for block in blocks(stack, "R"))
    biases = [torch.split(p.detach(), HIDDEN) for name, p in stack.named_parameters() if name[0] == "b"]
    assert all(torch.equal(each[1], torch.full((HIDDEN,), 2.0)) and not each[0].any() for each in biases)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            lambda: StackOptions(recurrent_init="eye"),  # type: ignore[arg-type]
            "recurrent_init: is one of default, orthogonal, identity",
        ),
        (lambda: StackOptions(recurrent_scale=2.0), "recurrent_scale: is of a recurrent_init, got default"),
        (lambda: StackOptions(forget_bias=float("nan")), "forget_bias: is a finite number"),
    ],
)
def test_options_that_cannot_be(options: object, message: str) -> None:
    with pytest.raises(InputError, match=message):
        options()  # type: ignore[operator]


def test_config_json_holds_them_where_they_differ_and_lacks_them_in_older_runs() -> None:
    usual, changed = RecurrentOptions(), RecurrentOptions(recurrent_init="orthogonal", forget_bias=1.0)
    assert set(to_section(usual)) == {"hidden_size", "num_layers", "dropout", "proj_size", "initial"}
    assert to_section(changed) == to_section(usual) | {"recurrent_init": "orthogonal", "forget_bias": 1.0}
    for options in (usual, changed):
        assert read_section(RecurrentOptions, {"model": to_section(options)}, "model", "x") == options
    lacking = {name: value for name, value in to_section(usual).items() if name != "dropout"}
    with pytest.raises(InputError, match="needs dropout"):
        read_section(RecurrentOptions, {"model": lacking}, "model", "x")
