"""The public doors of the derivation, as a user opens them."""

from __future__ import annotations

import bptt
from bptt.cells import CATALOGUE
from bptt.derive import evaluate


def test_each_door_takes_a_cell() -> None:
    cell = CATALOGUE["lstm"]
    assert [str(s) for s in bptt.derive.normal_form(cell).steps][-1] == "h = o * tanh_c"
    assert bptt.derive.adjoint(cell).steps[0].target == "δh"
    assert bptt.derive.jacobian(cell, states_only=True).steps[-1].target == "∂h"
    assert bptt.derive.storage(cell).kept == ("i", "f", "g", "o")
    document = bptt.derive.derivation(cell)
    assert bptt.derive.latex(document).count(r"\begin{aligned}") == bptt.derive.latex(document).count(
        r"\end{aligned}"
    )
    assert bptt.derive.text(document).startswith(cell.title)
    assert bptt.derive.page(document).startswith("<!DOCTYPE html>")
    point = evaluate.Point([{"x": [1.0]}], {}, {"W_u": [[0.0]]}, {"b_u": [0.0]})
    assert evaluate.forward(CATALOGUE["dense"], point).values[0]["y"] == [0.5]
