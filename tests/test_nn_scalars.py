"""Sizes and flags that come out of an array of numpy, and cells that are none."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from bptt import nn
from bptt.errors import InputError

MODULES: dict[str, tuple[Callable[..., torch.nn.Module], dict[str, Any]]] = {
    "LSTM": (nn.LSTM, {"input_size": 3, "hidden_size": 4, "num_layers": 2, "proj_size": 2, "dropout": 0.5}),
    "GRU": (nn.GRU, {"input_size": 3, "hidden_size": 4, "bidirectional": True, "batch_first": False}),
    "RNN": (nn.RNN, {"input_size": 3, "hidden_size": 4, "bias": False, "num_layers": 1}),
    "Recurrent": (nn.Recurrent, {"cell": "lstm", "input_size": 3, "hidden_size": 4, "dropout": 0.0}),
    "LSTMCell": (nn.LSTMCell, {"input_size": 3, "hidden_size": 4, "bias": True}),
    "CRF": (nn.CRF, {"num_tags": 5}),
    "Pooling": (nn.Pooling, {"kind": "attention", "width": 4, "bidirectional": True}),
}
SCALARS = {int: np.int32, float: np.float32, bool: np.bool_, str: np.str_}


@pytest.mark.parametrize("name", MODULES)
def test_numbers_of_numpy_are_numbers(name: str) -> None:
    kind, options = MODULES[name]
    torch.manual_seed(0)
    plain = kind(**options)
    torch.manual_seed(0)
    same = kind(**{option: SCALARS[type(value)](value) for option, value in options.items()})
    assert repr(same) == repr(plain)
    for one, other in zip(same.state_dict().values(), plain.state_dict().values(), strict=True):
        assert torch.equal(one, other)
    for option, value in options.items():
        if option not in ("cell", "kind"):
            assert type(getattr(same, option)) is type(value)


@pytest.mark.parametrize("size", [np.float64(4), np.int64(-1), np.bool_(True), np.array([4])])
def test_what_is_no_size_is_refused_of_numpy_too(size: Any) -> None:
    with pytest.raises(InputError, match="hidden_size is a positive integer"):
        nn.GRU(3, size)


@pytest.mark.parametrize("cell", [["lstm", None], None, 3, b"lstm", [3], nn.LSTM])
def test_a_cell_that_is_none_is_refused(cell: Any) -> None:
    for make in (nn.Recurrent, nn.RecurrentCell):
        with pytest.raises(InputError, match=r"a cell is a name of the catalogue, file\.py:Name, or a Cell"):
            make(cell, 3, 4)
