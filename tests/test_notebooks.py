"""The notebooks of examples/ run, show what they store, and what they show agrees with another source."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from notebooks import EXAMPLES, NOTEBOOKS, execute

Names = dict[str, Any]
# Bytes: a notebook is read and compared as text.
LARGEST = 30_000


def derive_and_check(names: Names, shown: list[Any]) -> None:
    """The derivation is exact text; torch differentiates one step of the equations as it says."""
    assert shown[0] == stored("derive_and_check")[0]
    checks = names["self_check"](names["cell"], seed=3)
    assert [each.argument for each in checks] == ["x", "h_prev", "W", "R", "b"]
    assert all(each.passed for each in checks)


def gates_and_gradient(names: Names, _: list[Any]) -> None:
    """h is z h_prev + (1 - z) n at each step, with the weights that the model has learned."""
    h, z, n = (names["values"][name] for name in "hzn")
    before = torch.cat([torch.zeros_like(h[:1]), h[:-1]])
    torch.testing.assert_close(h, z * before + (1 - z) * n)
    assert (
        names["lm"].choose([names["SENTENCE"], names["SENTENCE"].replace("were", "was")]) == names["SENTENCE"]
    )
    kept = z[names["subject"] + 1 : names["verb"]].mean(0)
    assert kept[names["unit"]] == kept.max()
    assert not Path(names["folder"].name).exists()


def own_cell_beside_lstm(names: Names, _: list[Any]) -> None:
    """The loop of the equations in torch has the same gradient, lag by lag, as the one that was watched."""
    assert names["right"] > 0.9 and 0 <= names["right_lstm"] <= 1
    layer = names["ours"]
    x = torch.randn(21, 4, 1, generator=torch.Generator().manual_seed(1))
    h, (W_f, W_n) = torch.zeros(4, 8), layer.W_l0.chunk(2)
    (R_f, R_n), (b_f, b_n) = layer.R_l0.chunk(2), layer.b_l0.chunk(2)
    for step in x:
        f = torch.sigmoid(step @ W_f.T + h @ R_f.T + b_f)
        h = f * h + (1 - f) * torch.tanh(step @ W_n.T + (f * h) @ R_n.T + b_n)
    # 21 steps of float32, each of which rounds at 6e-8.
    torch.testing.assert_close(layer(x)[0][-1], h, atol=1e-5, rtol=1e-5)
    for name in ("watched", "watched_lstm"):
        (look,) = names[name].records
        assert look.step == 120 and len(look.flow.curves[0].median) == 21


def stored(name: str) -> list[Any]:
    """The outputs of each code cell, as the file has them."""
    cells = json.loads((EXAMPLES / f"{name}.ipynb").read_text(encoding="utf-8"))["cells"]
    return [cell["outputs"] for cell in cells if cell["cell_type"] == "code"]


def skeleton(outputs: list[Any]) -> str:
    """Outputs without their numbers and lines, which differ between machines."""
    return re.sub(r"<li>.*</li>|<p>.*</p>|[-+]?\d[\d.e+-]*", "#", json.dumps(outputs))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_shows_what_is_true(path: Path) -> None:
    names, outputs = execute(path)
    check: Callable[[Names, list[Any]], None] = globals()[path.stem]
    check(names, outputs)
    assert [skeleton(each) for each in outputs] == [skeleton(each) for each in stored(path.stem)]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_is_small_and_in_the_table(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    book = json.loads(text)
    assert (book["nbformat"], book["nbformat_minor"]) == (4, 5) and path.stat().st_size < LARGEST
    assert len({cell["id"] for cell in book["cells"]}) == len(book["cells"])
    assert f"[{path.name}]({path.name})" in (EXAMPLES / "README.md").read_text(encoding="utf-8")
    assert "/home/" not in path.read_text(encoding="utf-8") and "/tmp/" not in path.read_text(
        encoding="utf-8"
    )
