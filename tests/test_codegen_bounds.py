"""Equations that a stranger may send: their kernels' text is bounded, and so is what is compiled."""

from __future__ import annotations

from functools import lru_cache

import pytest
import torch
from drawn import draw
from outcomes import How, outcome
from user_cells import CELLS, cell

from bptt import nn
from bptt.cells import CATALOGUE
from bptt.codegen.cpp.emit import source
from bptt.codegen.plan import plan
from bptt.errors import MachineError
from bptt.runtime import compiler, loaded, notice
from bptt.runtime.backend import backend
from bptt.runtime.kernels import library


def tower(height: int) -> str:
    text = "x"
    for _ in range(height):
        text = f"({text} / 2 + h_prev)**100"
    return f"h = tanh({text})"


def test_powers_of_powers_are_written_once() -> None:
    sizes = [len(source(plan(cell(tower(n), widths={"x": "H"})), "float32").text) for n in (5, 10, 20)]
    # Linear in the height and in what a derivative adds to each storey: a doubling at most quadruples it.
    assert sizes[2] < 4 * sizes[1] < 16 * sizes[0]


def test_powers_of_sums() -> None:
    """The kernel's repeated multiplication against torch."""
    own = cell("h = tanh((0.1 * x + h_prev)**7 - 2 / (3 + (x - h_prev)**2)**3)", widths={"x": "H"})
    assert "function::power<7>(" in source(plan(own), "float64").text
    drawn = draw(own)
    found, wanted = (outcome(drawn, How(), by) for by in ("cpu", "reference"))
    torch.testing.assert_close(found.all, wanted.all, rtol=0, atol=1e-13)


def test_a_text_that_is_too_large_is_not_compiled(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(compiler, "LARGEST_TEXT", 10_000)
    library.library_of.cache_clear()
    monkeypatch.setattr(loaded, "_outcome", lru_cache(loaded._outcome.__wrapped__))
    monkeypatch.setattr(notice, "_noticed", set())
    monkeypatch.setenv("BPTT_CACHE", "/dev/null")
    own, x = CELLS["division"], torch.randn(4, 2, 3)
    with backend("auto"):
        output, _ = nn.Recurrent(own, 3, 5)(x)
    assert output.shape == (4, 2, 5)
    said = capsys.readouterr().err
    assert (
        "several times as long. No kernel for own-float32" in said
        and "at most 10000 characters of C++" in said
    )
    with backend("cpu"), pytest.raises(MachineError, match="at most 10000 characters"):
        nn.Recurrent(own, 3, 5)(x)


def test_kernels_of_one_name_are_told_apart() -> None:
    """With and without bias a cell has two kernels, each of which is compiled once."""
    lstm = CATALOGUE["lstm-projection"]
    remarks = [source(plan(one), "float32").remark for one in (lstm, lstm.without("b"))]
    assert remarks == ["", ", without bias,"]
