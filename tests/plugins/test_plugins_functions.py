"""A nonlinearity and a cell from packages beside this one, each by one registration."""

from __future__ import annotations

from pathlib import Path

import pytest
from distributions import PLUGINS, Installed, refused, succeeded

FUNCTION = {"bptt.functions": "mish = mish_function:MISH"}
CELL = {"bptt.cells": "elman-mish = mish_cell:ELMAN_MISH"}
ATAN = {"bptt.functions": "atan = atan_function:ATAN"}
SMALL = "--hidden 8 --embedding 4 --length 8 --batch-size 4 --epochs 1 --threads 1".split()

# A gate in its own definition, and the new function where it is an argument and where it is one of several.
COMPOSED = """
from bptt.cells import Cell
Own = Cell.define("own", "k = sigmoid(W_k @ x + R_k @ h_prev)\\nh = k * h_prev + (1 - k) * FUNCTION(W_h @ x)",
                  states="h")
"""


@pytest.fixture
def both(installed: Installed) -> Installed:
    return installed.add_source("mish-function", FUNCTION).add_source("mish-cell", CELL)


def test_the_cell_is_listed_and_found(both: Installed) -> None:
    assert "elman-mish: Elman network, mish\n    h = mish(W_h @ x" in succeeded(both.bptt("cells"))
    assert "states   h" in succeeded(both.bptt("cells", "elman-mish"))
    code = "import bptt; print(bptt.cells.load('elman-mish') is bptt.cells.get('elman-mish'))"
    assert succeeded(both.python(code)) == "True\n"


def test_the_derivation_writes_the_function_out(both: Installed) -> None:
    text = succeeded(both.bptt("derive", "elman-mish"))
    assert "tanh(softplus(u)) + u ⊙ σ(u) ⊙ (1 − tanh(softplus(u))²) for mish(u)" in " ".join(text.split())
    latex = succeeded(both.bptt("derive", "elman-mish", "--latex"))
    assert r"\operatorname{mish}(\mathrm{net}_{h,t})" in latex
    assert ">mish</mi>" in succeeded(both.bptt("derive", "elman-mish", "--html"))
    assert "f_mish" in succeeded(both.bptt("derive", "elman-mish", "--stage", "kernel"))


@pytest.mark.parametrize("backend", ["cpu", "reference"])
def test_the_gradient_is_checked_by_three_truths(both: Installed, backend: str) -> None:
    code = f"""
import bptt
from bptt.probe.self_check import check_module, self_check
bptt.set_backend("{backend}")
cell = bptt.cells.load("elman-mish")
checks = self_check(cell)
check_module(cell)
print(all(c.passed for c in checks), max(c.exact for c in checks) > 0)
"""
    assert succeeded(both.python(code)) == "True True\n"


def test_it_trains_and_answers_from_the_command_line(both: Installed, tmp_path: Path) -> None:
    text, run = tmp_path / "text.txt", tmp_path / "run"
    text.write_text("to be or not to be\n" * 60, "utf-8")
    succeeded(both.bptt("train", "lm", text, "-o", run, "--cell", "elman-mish", *SMALL))
    assert "mish(W_h" in (run / "config.json").read_text("utf-8")
    assert "perplexity" in succeeded(both.bptt("evaluate", run))
    assert succeeded(both.bptt("sample", run, "--length", 8))
    # Elsewhere the run needs the function, not the cell.
    assert "unknown function" in refused(Installed(tmp_path / "nowhere").bptt("evaluate", run))


def test_it_trains_from_python(both: Installed) -> None:
    code = """
import torch
import bptt
torch.manual_seed(0)
net = bptt.nn.Recurrent("elman-mish", 3, 8, num_layers=2)
head = torch.nn.Linear(8, 1)
optimiser = torch.optim.Adam([*net.parameters(), *head.parameters()], 0.05)
x = torch.randn(10, 16, 3)
y = x.cumsum(0)[..., :1].tanh()
losses = []
for _ in range(60):
    loss = (head(net(x)[0]) - y).square().mean()
    optimiser.zero_grad()
    loss.backward()
    optimiser.step()
    losses.append(float(loss))
print(losses[-1] < losses[0] / 4)
"""
    assert succeeded(both.python(code)) == "True\n"


@pytest.mark.parametrize(
    ("name", "symbol", "source", "entry"),
    [("atan", "arctan", "atan-function", ATAN), ("mish", "mish", "mish-function", FUNCTION)],
)
def test_a_cell_of_a_file_may_call_it(
    installed: Installed, tmp_path: Path, name: str, symbol: str, source: str, entry: dict[str, str]
) -> None:
    installed.add_source(source, entry)
    (tmp_path / "own.py").write_text(COMPOSED.replace("FUNCTION", name), "utf-8")
    assert "gradients of own agree" in succeeded(installed.bptt("check", "own.py:Own", cwd=tmp_path))
    assert f"{symbol}(u)" in succeeded(installed.bptt("derive", "own.py:Own", cwd=tmp_path))


def test_without_text_for_a_kernel_it_runs_by_the_reference(installed: Installed) -> None:
    module = (PLUGINS / "atan_function.py").read_text("utf-8")
    without = "".join(line for line in module.splitlines(keepends=True) if "cpp" not in line)
    installed.add("atan-function", without, ATAN)
    code = """
import torch
import bptt
from bptt.cells import Cell
net = bptt.nn.Recurrent(Cell.define("own", "h = atan(W_h @ x + R_h @ h_prev)", states="h"), 2, 3)
with bptt.backend("reference"):
    print(net(torch.zeros(4, 1, 2))[0].shape)
try:
    net(torch.zeros(4, 1, 2))
except bptt.InputError as error:
    print(error)
"""
    shape, error = succeeded(installed.python(code)).splitlines()
    assert shape == "torch.Size([4, 1, 3])"
    assert error.startswith("function 'atan': a kernel needs the value of a function as an expression")


def test_a_function_that_saturates_is_seen_by_the_probe(installed: Installed) -> None:
    installed.add_source("atan-function", ATAN)
    code = """
import torch
import bptt
from bptt.cells import Cell
from bptt.probe.saturation import saturation
cell = Cell.define("own", "h = atan(W_h @ x + R_h @ h_prev)", states="h")
torch.manual_seed(0)
net = bptt.nn.Recurrent(cell, 2, 3)
(found,) = saturation(bptt.probe.values(net, torch.full((4, 1, 2), 1e4))).bounded
print(found.value, float((found.left + found.right).mean()))
"""
    assert succeeded(installed.python(code)) == "h 1.0\n"
