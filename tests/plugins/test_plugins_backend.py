"""A backend from a package beside this one: what trains, predicts and looks inside runs on it by its name."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from distributions import Installed, refused, succeeded
from test_plugins_functions import SMALL

BACKEND = {"bptt.backends": "counting = counting_backend:COUNTING"}


@pytest.fixture
def counting(installed: Installed, monkeypatch: pytest.MonkeyPatch) -> Iterator[Installed]:
    yield installed.add_source("counting-backend", BACKEND)


def counts(err: str) -> dict[str, int]:
    """How often each part of the backend ran in a process."""
    lines = [line for line in err.splitlines() if line.startswith("counting: ")]
    assert len(lines) == 1, err
    return {name: int(number) for name, number in re.findall(r"'(\w+)': (\d+)", lines[0])}


def test_the_command_line_runs_on_it(
    counting: Installed, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = tmp_path / "text.txt"
    text.write_text("the cat sat on the mat. " * 60, encoding="utf-8")
    monkeypatch.setenv("BPTT_BACKEND", "counting")
    trained = counting.bptt("train", "lm", text, "-o", tmp_path / "run", "--watch", 5, *SMALL)
    succeeded(trained)
    during = counts(trained.stderr)
    assert during["run"] > 10 and during["loss"] > 10 and during["observed"] > 0
    for arguments in (["evaluate", tmp_path / "run"], ["sample", tmp_path / "run", "--length", 20]):
        ended = counting.bptt(*arguments)
        succeeded(ended)
        assert counts(ended.stderr)["run"] > 0
    looked = counting.bptt("inspect", tmp_path / "run", "--text", "the cat", "-o", tmp_path / "page")
    succeeded(looked)
    assert counts(looked.stderr)["observed"] > 0


def test_python_runs_on_it_with_the_gradients_of_the_reference(counting: Installed) -> None:
    code = """
import bptt, torch
torch.manual_seed(0)
torch.set_default_dtype(torch.float64)
lstm, x = bptt.nn.LSTM(3, 5, bidirectional=True), torch.randn(7, 2, 3)
found = []
for name in ("counting", "reference", "cpu"):
    with bptt.backend(name):
        assert bptt.get_backend() == name
        loss = lstm(x, lengths=[7, 4])[0].square().sum()
        found.append(torch.autograd.grad(loss, tuple(lstm.parameters())))
        bptt.empty_cache()
assert all(map(torch.equal, found[0], found[1]))
torch.testing.assert_close(found[0], found[2], rtol=1e-12, atol=1e-12)
bptt.set_backend("counting")
lstm(x)
stepper = bptt.nn.Stepper(bptt.nn.LSTM(3, 5), batch=2)
stepper.step(x[0])
"""
    ended = counting.python(code)
    succeeded(ended)
    assert counts(ended.stderr) == {"emptied": 1, "run": 5}


def test_it_is_read_when_it_is_asked_for(counting: Installed) -> None:
    code = """
import sys
import bptt, torch
bptt.nn.LSTM(3, 5)(torch.randn(2, 1, 3))
print("counting_backend" in sys.modules, "importlib.metadata" in sys.modules)
"""
    assert succeeded(counting.python(code)).split()[0] == "False"


@pytest.mark.parametrize(
    ("module", "got"),
    [("COUNTING = 3", "must be a Backend, got int"), ("import nothing_of_that_name", "ModuleNotFoundError")],
)
def test_a_broken_one_is_named_with_its_package(installed: Installed, module: str, got: str) -> None:
    installed.add("counting-backend", module, BACKEND)
    choose = "bptt.set_backend('counting')"
    code = f"import bptt\ntry:\n    {choose}\nexcept bptt.InputError as error:\n    print(error)"
    said = succeeded(installed.python(code))
    assert "bptt.backends: counting of counting-backend 1.0" in said and got in said


def test_a_wrong_name_is_answered_with_those_installed(
    counting: Installed, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(os.environ, "BPTT_BACKEND", "conting")
    code = "import bptt, torch; bptt.nn.LSTM(3, 5)(torch.randn(2, 1, 3))"
    assert (
        "expected one of auto, cpu, reference, triton, counting, got 'conting'"
        in counting.python(code).stderr
    )
    assert "expected one of auto" in refused(counting.bptt("check", "lstm"))
