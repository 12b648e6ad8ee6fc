"""The notebooks of examples/ run, show what they store, and what they show agrees with another source."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from itertools import zip_longest
from pathlib import Path
from typing import Any

import pytest
import torch
from notebooks import EXAMPLES, NOTEBOOKS, execute

Names = dict[str, Any]
# Bytes: a notebook is read and compared as text.
LARGEST = 30_000
NUMBER = re.compile(r"([-+]?\d[\d,]*(?:\.\d+)?(?:e[-+]?\d+)?)")


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


def differences(found: list[Any], wanted: list[Any]) -> list[tuple[str, str]]:
    """The words and numbers of outputs that are not those stored.

    Training amplifies the rounding of a machine, so numbers may be 10 % and 0.02 away; rounding errors
    themselves, below 1e-6, are different everywhere.
    """
    texts = (json.dumps(each, ensure_ascii=False) for each in (found, wanted))
    pieces = (NUMBER.split(text) for text in texts)
    return [pair for pair in zip_longest(*pieces, fillvalue="") if not is_same(*pair)]


def is_same(one: str, other: str) -> bool:
    if one == other:
        return True
    if not (NUMBER.fullmatch(one) and NUMBER.fullmatch(other)):
        return False
    a, b = (float(each.replace(",", "")) for each in (one, other))
    return max(abs(a), abs(b)) < 1e-6 or abs(a - b) <= 0.1 * abs(b) + 0.02


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_notebook_shows_what_is_true(path: Path) -> None:
    names, outputs = execute(path)
    check: Callable[[Names, list[Any]], None] = globals()[path.stem]
    check(names, outputs)
    for shown, wanted in zip(outputs, stored(path.stem), strict=True):
        assert differences(shown, wanted) == []


@pytest.mark.parametrize(
    ("changed", "into"),
    [("<li>step", "<li>update"), ("vanishes", "stays"), ("lag 20", "lag 30"), ("</li>", "</li><li>x</li>")],
)
def test_a_sentence_or_a_number_that_changes_is_a_difference(changed: str, into: str) -> None:
    shown = [{"text/html": "<ul><li>step 120, h: the gradient vanishes, 1.5e-3 at lag 20</li></ul>"}]
    text = json.dumps(shown)
    assert changed in text
    assert not differences(json.loads(text.replace("1.5e-3", "1.6e-3").replace("120", "121")), shown)
    assert differences(json.loads(text.replace(changed, into)), shown)


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
