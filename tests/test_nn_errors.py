"""Errors of the modules state the rule, what came, and the cure."""

from __future__ import annotations

import pickle
import re
from collections.abc import Callable

import pytest
import torch

from bptt import nn
from bptt.cells import Cell
from bptt.errors import InputError

T, B, I, H = 5, 3, 8, 6

TAKEN = Cell.define("taken", "h = tanh(W_h @ x + bias_h)", states="h")
STRANGE = Cell.define("strange", "k = tanh(W_k @ x)\nh = R_h @ k", widths={"k": "D"}, states="h")


def lstm(**options: object) -> nn.LSTM:
    return nn.LSTM(I, H, **options)  # type: ignore[arg-type]


def x(*shape: int) -> torch.Tensor:
    return torch.zeros(shape)


MAKING: list[tuple[Callable[[], object], str]] = [
    (lambda: nn.LSTM(I, 0), "LSTM(input_size=8): hidden_size is a positive integer, got 0"),
    (lambda: nn.GRU(-1, H), "GRU(input_size=-1): input_size is a positive integer, got -1"),
    (lambda: nn.GRU(I, True), "hidden_size is a positive integer, got True"),
    (lambda: nn.GRU(I, 6.0), "hidden_size is a positive integer, got 6.0"),
    (lambda: nn.GRUCell(I, -1), "GRUCell(input_size=8): hidden_size is an integer from 0 on, got -1"),
    (lambda: nn.GRU(I, H, proj_size=2), "GRU: only an LSTM has a projection, got proj_size=2. Leave it out"),
    (lambda: lstm(num_layers=0), "num_layers is a positive integer, got 0"),
    (lambda: lstm(dropout=1.5), "dropout is a number from 0 to 1, got 1.5"),
    (lambda: lstm(dropout=True), "dropout is a number from 0 to 1, got True"),
    (lambda: lstm(dropout="0.5"), "dropout is a number from 0 to 1, got '0.5'"),
    (lambda: lstm(bias="relu"), "bias is True or False, got 'relu'"),
    (lambda: lstm(batch_first=1), "batch_first is True or False, got 1"),
    (lambda: lstm(bidirectional=2), "bidirectional is True or False, got 2"),
    (lambda: lstm(proj_size=H), "an integer below hidden_size 6, got 6"),
    (lambda: lstm(proj_size=-1), "an integer below hidden_size 6, got -1"),
    (lambda: nn.RNN(I, H, 1, "sine"), "nonlinearity is 'tanh' or 'relu', got 'sine'"),
    (lambda: nn.Recurrent("gru", I, H, proj_size=2), "cell 'gru' has no projection, got proj_size=2. Leave"),
    (lambda: nn.Recurrent("lstm-projection", I, H), "has a projection, got proj_size=0. Give proj_size > 0"),
    (
        lambda: nn.Recurrent("lstmm", I, H),
        "expected a name of the catalogue, got 'lstmm'. Known cells: elman",
    ),
    (lambda: nn.RecurrentCell(TAKEN, I, H), "does not use itself, got 'bias'. Rename the family"),
    (lambda: nn.Recurrent(STRANGE, I, H), "cell 'strange' has widths I, H or P, got 'D'"),
]

RUNNING: list[tuple[Callable[[], object], str]] = [
    (lambda: lstm()(x(32, 10, 6)), "LSTM(input_size=8): expected shape (T, B, 8) or (T, 8), got (32, 10, 6)"),
    (lambda: lstm(batch_first=True)(x(32, 10, 6)), "expected shape (B, T, 8) or (T, 8), got (32, 10, 6)"),
    (lambda: lstm()(x(I)), "expected shape (T, B, 8) or (T, 8), got (8,)"),
    (lambda: lstm()(x(0, B, I)), "at least one time step, got (0, 3, 8)"),
    (
        lambda: nn.GRUCell(I, H)(x(T, B, I)),
        "GRUCell(input_size=8): expected shape (B, 8) or (8,), got (5, 3, 8)",
    ),
    (
        lambda: lstm()(x(T, B, I).double()),
        "expected input as the parameters, torch.float32 on cpu, got torch.float64",
    ),
    (
        lambda: lstm()(x(T, B, I).to("meta")),
        "got torch.float32 on meta. Convert it, input.to(...), or the module",
    ),
    (
        lambda: lstm()(x(T, B, I).to_sparse()),
        "LSTM(input_size=8): input must be dense, got torch.sparse_coo. Convert it: input.to_dense()",
    ),
    (lambda: lstm()(torch.eye(I).to_sparse_csr()), "input must be dense, got torch.sparse_csr"),
    (lambda: lstm()(torch.nested.nested_tensor([x(T, I), x(3, I)])), "input must be dense, got a nested"),
    (lambda: nn.GRUCell(I, H)(x(B, I).to_sparse()), "GRUCell(input_size=8): input must be dense, got torch"),
    (lambda: nn.GRU(I, H)(x(T, B, I), x(1, B, H).to_sparse()), "hx must be dense, got torch.sparse_coo"),
    (
        lambda: lstm()(x(T, B, I), lengths=torch.tensor([5, 2, 1]).to_sparse()),
        "lengths must be dense, got torch.sparse_coo",
    ),
    (lambda: lstm()(x(T, B, I), x(1, B, H)), "LSTM(input_size=8): expected hx as (h, c), got 1 tensors"),
    (lambda: nn.GRU(I, H)(x(T, B, I), (x(1, B, H),) * 2), "expected hx as h, got 2 tensors"),
    (
        lambda: lstm(num_layers=2)(x(T, B, I), (x(2, B, H), x(1, B, H))),
        "LSTM(input_size=8), c of hx: expected shape (2, 3, 6), got (1, 3, 6)",
    ),
    (lambda: nn.GRU(I, H)(x(T, I), x(1, 1, H)), "h of hx: expected shape (1, 6), got (1, 1, 6)"),
    (lambda: nn.GRU(I, H)(x(T, B, I), x(1, B, H).double()), "expected hx as the parameters, torch.float32"),
    (lambda: nn.GRUCell(I, H)(x(I), x(1, H)), "h of hx: expected shape (6,), got (1, 6)"),
    (
        lambda: lstm()(x(T, B, I), lengths=[1, 2]),
        "LSTM(input_size=8), lengths: expected shape (3,), got (2,)",
    ),
    (
        lambda: lstm()(x(T, B, I), lengths=[1, -2, 6]),
        "lengths are from 0 to the 5 steps of the input, got [-2, 6]",
    ),
    (lambda: lstm()(x(T, B, I), lengths=[1.0, 2.0, 3.0]), "lengths are whole numbers, got torch.float32"),
    (lambda: lstm()(x(T, B, I), lengths=torch.ones(B) > 0), "lengths are whole numbers, got torch.bool"),
    (lambda: lstm()(x(T, B, I), lengths=torch.tensor(3)), "lengths: expected shape (3,), got ()"),
    (lambda: lstm()(packed(I), lengths=[1, 1, 1]), "a PackedSequence brings its lengths. Leave lengths out"),
    (lambda: lstm()([[0.0] * I]), "expected the input as a Tensor or PackedSequence, got list. Convert it"),
    (lambda: nn.GRUCell(I, H)(packed(I)), "expected the input as a Tensor, got PackedSequence"),
    (lambda: nn.GRU(I, H)(x(T, B, I), 3), "GRU(input_size=8): expected hx as h, got int"),
    (lambda: lstm()(x(T, B, I), (x(1, B, H), None)), "expected c of hx as a tensor, got NoneType"),
    (lambda: lstm()(packed(6)), "packed data: expected shape (N, 8), got (8, 6)"),
]


def packed(width: int) -> torch.nn.utils.rnn.PackedSequence:
    return torch.nn.utils.rnn.pack_padded_sequence(x(T, B, width), [5, 2, 1])


@pytest.mark.filterwarnings("ignore:.*(nested tensors|Sparse CSR):UserWarning")
@pytest.mark.parametrize(("wrong", "text"), MAKING + RUNNING, ids=[text for _, text in MAKING + RUNNING])
def test_the_rule_what_came_and_the_cure(wrong: Callable[[], object], text: str) -> None:
    with pytest.raises(InputError, match=re.escape(text)) as caught:
        wrong()
    assert isinstance(caught.value, ValueError)


def test_dropout_without_a_layer_to_follow_is_warned_of() -> None:
    with pytest.warns(UserWarning, match=r"GRU\(input_size=8\): dropout acts between layers") as caught:
        nn.GRU(I, H, dropout=0.5)
    assert caught[0].filename == __file__
    with pytest.warns(UserWarning) as caught:
        nn.Recurrent("gru", I, H, dropout=0.5)
    assert caught[0].filename == __file__


WRONG_TYPES: list[Callable[[], object]] = [
    lambda: nn.GRU(I, 6.0),
    lambda: nn.GRU("8", H),
    lambda: nn.LSTMCell(I, 2.5),
    lambda: lstm(bias=None),
    lambda: lstm(batch_first="no"),
    lambda: lstm(dropout="0.5"),
    lambda: lstm(num_layers=1.0),
    lambda: lstm(proj_size=2.0),
    lambda: nn.GRU(I, H)(None),
    lambda: nn.GRU(I, H)(x(T, B, I), 3),
    lambda: nn.RNNCell(I, H)(x(B, I), [None]),
]
WRONG_TENSORS: list[Callable[[], object]] = [
    lambda: lstm()(x(T, B, 6)),
    lambda: lstm()(x(0, B, I)),
    lambda: lstm()(x(T, B, I).long()),
    lambda: lstm()(x(T, B, I).to("meta")),
    lambda: lstm()(x(T, B, I), x(1, B, H)),
    lambda: lstm()(x(T, B, I), lengths=[1, 2]),
    lambda: nn.GRUCell(I, H)(x(B, I), x(B, I)),
    lambda: nn.GRU(I, H).check_forward_args(x(T, B, I), x(2, B, H), None),
    lambda: nn.Recurrent("mgu", I, H)(x(I)),
]


@pytest.mark.parametrize("wrong", WRONG_TYPES)
def test_a_wrong_type_is_a_type_error_too(wrong: Callable[[], object]) -> None:
    with pytest.raises(TypeError) as caught:
        wrong()
    assert isinstance(caught.value, InputError) and isinstance(caught.value, ValueError)


@pytest.mark.parametrize("wrong", WRONG_TENSORS)
def test_a_tensor_that_does_not_fit_is_a_runtime_error_too(wrong: Callable[[], object]) -> None:
    with pytest.raises(RuntimeError) as caught:
        wrong()
    assert isinstance(caught.value, InputError) and not isinstance(caught.value, TypeError)
    again = pickle.loads(pickle.dumps(caught.value))
    assert (type(again), str(again)) == (type(caught.value), str(caught.value))


@pytest.mark.parametrize("kind", ["RNN", "LSTM", "GRU"])
@pytest.mark.parametrize("name", ["bias_ih_l0", "bias_hh_l1", "weight_hh_l0", "weight_ih_l1"])
def test_a_parameter_that_is_none_is_named(kind: str, name: str) -> None:
    """With torch's type of error."""
    for layer in (getattr(module, kind)(3, 4, 2) for module in (torch.nn, nn)):
        setattr(layer, name, None)
        with pytest.raises(TypeError) as found:
            layer(torch.randn(5, 2, 3))
    assert str(found.value).startswith(f"{name}: is a tensor, got None")
