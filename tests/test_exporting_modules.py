"""Recurrent modules as graphs of ONNX, compared with float64 in torch operations."""

from __future__ import annotations

from pathlib import Path

import numpy
import onnx
import operator_table
import pytest
import torch
from export_grid import excess, make
from test_explain_diagrams import random_cell
from user_cells import CELLS

import bptt
from bptt import nn
from bptt.cells import CATALOGUE, Cell
from bptt.errors import InputError
from bptt.graphs import onnx_graph
from bptt.graphs.runtime_check import Session
from bptt.graphs.standard_operators import standard_operator

# The operator of each cell of the catalogue, None where the equations are those of none.
OPERATORS = {
    "elman-tanh": "RNN",
    "elman-relu": "RNN",
    "elman-sigmoid": "RNN",
    "indrnn": None,
    "lstm": "LSTM",
    "lstm-peephole": "LSTM",
    "lstm-peephole-previous": None,
    "lstm-projection": None,
    "lstm-coupled": "LSTM",
    "lstm-layernorm": None,
    "gru": "GRU",
    "gru-torch": "GRU",
    "gru-simple": None,
    "mgu": "GRU",
    "mingru": None,
    "minlstm": None,
    "sru": None,
    "dense": None,
}
ODD = ("eight lines", "copied states", "an output before the state", "every smooth function", "signs")


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_cell_is_equal_in_both_directions_and_two_layers(name: str) -> None:
    assert excess(make(CATALOGUE[name], 2, True)) <= 1


@pytest.mark.parametrize("cell", [*(CELLS[name] for name in ODD), *map(random_cell, range(4))], ids=str)
def test_cells_of_users_are_equal(cell: Cell) -> None:
    assert excess(make(cell, 1, False)) <= 1


def test_the_graph_of_other_weights_is_found_out() -> None:
    ours, other = make(CATALOGUE["gru"], 1, False), make(CATALOGUE["gru"], 1, False)
    with torch.no_grad():
        other.W_l0[0, 0] += 1e-4
    assert excess(ours, exported=other) > 1


def kind(cell: Cell) -> str | None:
    operator = standard_operator(cell)
    return None if operator is None else operator.kind


def test_standard_operators_of_the_catalogue() -> None:
    assert {name: kind(cell) for name, cell in CATALOGUE.items()} == OPERATORS


@pytest.mark.parametrize(
    ("equations", "states", "operator"),
    [
        # Other names, another order, n + z (h − n) for z h + (1 − z) n.
        (
            "u = sigmoid(b_u + A_u @ x + B_u @ s_prev); q = sigmoid(A_q @ x + B_q @ s_prev); "
            "m = tanh(A_m @ x + B_m @ (s_prev * q)); s = m + u * (s_prev - m)",
            "s",
            "GRU",
        ),
        ("k = W_k @ x + R_k @ h_prev + 1; h = relu(k)", "h", "RNN"),
        # Input gate coupled the other way round, a candidate of ReLU.
        (
            "i = sigmoid(W_i @ x + R_i @ y_prev); e = sigmoid(W_e @ x); c = c_prev * (1 - i) "
            "+ relu(W_c @ x) * i; y = tanh(c) * e",
            "y c",
            "LSTM",
        ),
        # The reset gate sees a sum; the candidate is scaled; the state is squared: no operator has these.
        (
            "z = sigmoid(W_z @ x + R_z @ h_prev); r = sigmoid(W_r @ x + R_r @ h_prev); "
            "n = tanh(W_n @ x + R_n @ (r * h_prev + h_prev)); h = z * h_prev + (1 - z) * n",
            "h",
            None,
        ),
        ("h = 0.5 * tanh(W_h @ x + R_h @ h_prev)", "h", None),
        ("h = tanh(W_h @ x + R_h @ (h_prev * h_prev))", "h", None),
        ("h = tanh(W_h @ x + R_h @ h_prev + u_h * h_prev)", "h", None),
        # The output gate sees the cell state before: a peephole that the operator lacks.
        (
            "f = sigmoid(W_f @ x + R_f @ h_prev); g = tanh(W_g @ x); o = sigmoid(W_o @ x + p_o * c_prev); "
            "c = f * c_prev + (1 - f) * g; h = o * tanh(c)",
            "h c",
            None,
        ),
    ],
)
def test_operators_are_recognised_by_equations(equations: str, states: str, operator: str | None) -> None:
    cell = Cell.define("own", equations.replace("; ", "\n"), states=states)
    assert kind(cell) == operator
    assert excess(make(cell, 1, True)) <= 1


@pytest.mark.parametrize(
    "module", [torch.nn.LSTM(3, 4, 2, bidirectional=True), torch.nn.GRU(3, 4), nn.RNN(3, 4)]
)
def test_modules_are_exported_at_any_length_and_batch(module: torch.nn.Module, tmp_path: Path) -> None:
    """No axis is frozen, layers and directions are taken, and GRU has the reset gate of torch."""
    path = tmp_path / "layer.onnx"
    exported = bptt.export(module, path, check=True)
    assert exported.files == (path,) and exported.measured["largest difference"] < 2e-6
    session = Session(path.read_bytes())
    x = torch.randn(9, 6, 3)
    states = torch.zeros(4 if module.bidirectional else 1, 6, 4)
    given = {"h": states, "c": states} if isinstance(module, torch.nn.LSTM) else {"h": states}
    arrays = {name: value.numpy() for name, value in given.items()}
    found = session({"input": x.numpy(), "lengths": numpy.full(6, 9), **arrays})
    with torch.no_grad():
        torch.testing.assert_close(torch.from_numpy(found["output"]), module(x)[0], atol=2e-6, rtol=0)


def test_an_exported_module_is_named_and_described(tmp_path: Path) -> None:
    module = nn.Recurrent(["lstm", "mgu"], 3, 4, batch_first=True, initial="learned")
    bptt.export(module, tmp_path / "m.onnx", check=True, opset=20)
    model = onnx.load(tmp_path / "m.onnx")
    facts = {each.key: each.value for each in model.metadata_props}
    assert "c = f * c_prev + i * g" in facts["equations"] and facts["bptt_version"] == bptt.__version__
    assert [each.name for each in model.graph.input] == ["input", "lengths", "h_l0", "c_l0", "h_l1"]
    dims = [d.dim_param or d.dim_value for d in model.graph.input[0].type.tensor_type.shape.dim]
    assert dims == ["batch", "time", 3]
    assert (model.opset_import[0].version, model.producer_name) == (20, "bptt")


def test_newer_operator_sets_give_the_same() -> None:
    assert max(excess(make(CATALOGUE["lstm-layernorm"], 1, False), opset) for opset in (14, 18, 22)) <= 1


def test_what_cannot_be_exported_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "m.onnx"
    with pytest.raises(InputError, match=r"opset: is from 14 to \d+.*got 99"):
        bptt.export(nn.LSTM(3, 4), path, opset=99)
    with pytest.raises(InputError, match="expected a run folder, or a recurrent module"):
        bptt.export(torch.nn.Sequential(torch.nn.LSTM(3, 4)), path)
    with pytest.raises(InputError, match=r"to.*'onxx'"):
        bptt.export(nn.LSTM(3, 4), path, "onxx")
    monkeypatch.setattr(onnx_graph, "onnx", None)
    with pytest.raises(InputError, match=r"needs onnx.*pip install 'bptt\[onnx\]'"):
        bptt.export(nn.LSTM(3, 4), path)
    assert not path.exists()


def test_the_page_has_the_table_of_operators() -> None:
    """`python tests/operator_table.py` writes it."""
    assert operator_table.table() in operator_table.PAGE.read_text(encoding="utf-8")
