"""Recurrent layers as plain PyTorch: equal to ours, in files that know nothing of this package."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import pytest
import torch
from export_grid import make, run, states_of
from language_models import make_task
from test_explain_diagrams import random_cell
from test_exporting_runs import save
from user_cells import CELLS

import bptt
from bptt.cells import CATALOGUE, Cell
from bptt.errors import InputError
from bptt.exporting.plain.torch_modules import torch_kind
from bptt.nn.stack import Stack

# The class of torch.nn of each cell that has one; coupled gates are plain ones of the other sign.
TORCH = {"elman-tanh": "RNN", "elman-relu": "RNN", "lstm": "LSTM", "lstm-coupled": "LSTM", "gru-torch": "GRU"}
ODD = (
    "eight lines, signs, division, powers, every smooth function, functions with a kink, copied states".split(
        ", "
    )
)


def loaded(path: Path) -> Any:
    """The layers of exported files."""
    source = path.with_name(f"{path.name}.py")
    assert "bptt." not in source.read_text()
    spec = importlib.util.spec_from_file_location(path.name, source)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.load(path.with_name(f"{path.name}.safetensors"))


def compare(stack: Stack, folder: Path) -> None:
    """Compare in float64, so that rounding does not matter."""
    stack.double()
    exported = bptt.export(stack, folder / "layers", "torch")
    assert [path.name for path in exported.files] == ["layers.py", "layers.safetensors"]
    theirs = loaded(folder / "layers").double()
    x, lengths = torch.randn(7, 4, stack.input_size), torch.tensor([7, 0, 3, 5])
    if isinstance(theirs, torch.nn.RNNBase):
        lengths = torch.full((4,), 7)
    states = states_of(stack, 4)
    wanted = run(stack, x, states, lengths)
    with torch.no_grad():
        if isinstance(theirs, torch.nn.RNNBase):
            given = tuple(each.double() for each in states)
            output, final = theirs(x.double(), given if len(given) > 1 else given[0])
            found = [output, *(final if isinstance(final, tuple) else (final,))]
        else:
            rows = stack.state_form.split(tuple(each.double() for each in states))
            output, ended = theirs(x.double(), lengths, rows)
            found = [output, *stack.state_form.join(ended)]
    # torch.nn's layers are float32, to which the sum of two biases is rounded.
    close = 1e-7 if isinstance(theirs, torch.nn.RNNBase) else 1e-10
    for got, expected in zip(found, wanted, strict=True):
        torch.testing.assert_close(got, expected, rtol=close, atol=close)


@pytest.mark.parametrize("name", CATALOGUE)
def test_cells_of_the_catalogue(name: str, tmp_path: Path) -> None:
    compare(make(CATALOGUE[name], 2, True), tmp_path)
    kind = torch_kind(CATALOGUE[name])
    assert (kind and kind.name) == TORCH.get(name)


@pytest.mark.parametrize("cell", [*(CELLS[name] for name in ODD), *map(random_cell, range(4))], ids=str)
def test_cells_of_users(cell: Cell, tmp_path: Path) -> None:
    compare(make(cell, 1, False), tmp_path)


def test_the_source_is_the_equations(tmp_path: Path) -> None:
    bptt.export(make(CATALOGUE["gru"], 1, False), tmp_path / "gru", "torch")
    source = (tmp_path / "gru.py").read_text()
    assert "        r = torch.sigmoid(linear(x, self.W_r) + linear(h_prev, self.R_r) + self.b_r)\n" in source
    assert "        h = z * h_prev + (1 - z) * n\n        return [h], h\n" in source


def test_layers_of_a_run(tmp_path: Path) -> None:
    out = save(make_task(dtype=torch.float32, cell="mgu"), tmp_path / "run")
    found = bptt.export(out, tmp_path / "out", "torch")
    assert [path.name for path in found.files] == [
        "model.safetensors",
        "recurrent.py",
        "recurrent.safetensors",
    ]
    model = bptt.load(out).model
    x = torch.randn(5, 2, model.recurrent.input_size)
    with torch.no_grad():
        got, _ = loaded(tmp_path / "out" / "recurrent")(x)
        torch.testing.assert_close(got, model.recurrent(x)[0])


def test_options_of_other_formats_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="check: is no option of the format torch"):
        bptt.export(make(CATALOGUE["gru"], 1, False), tmp_path / "gru", "torch", check=True)
