"""The text of Triton's kernels: Python that can be read, for any cell, with the equations of its lines."""

from __future__ import annotations

import ast

import pytest
from test_explain_diagrams import random_cell

from bptt.cells.catalogue import CATALOGUE
from bptt.cells.cell import Cell
from bptt.cells.expression import Call, Symbol
from bptt.cells.function import Function
from bptt.cells.functions import FUNCTIONS
from bptt.codegen.plan import plan
from bptt.codegen.triton.kernel_text import triton_text
from bptt.codegen.triton.triton_names import FUNCTION_TEXTS, definitions
from bptt.errors import InputError

CELLS = {**CATALOGUE, **{f"random {seed}": random_cell(seed) for seed in range(10)}}


@pytest.mark.parametrize("resident", [True, False])
@pytest.mark.parametrize("name", CELLS)
def test_every_cell_has_a_kernel_each_way(name: str, resident: bool) -> None:
    written = triton_text(plan(CELLS[name]), resident)
    tree = ast.parse(written.text)
    found = {node.name: node for node in tree.body if isinstance(node, ast.FunctionDef)}
    for kernel, arguments in (("forward", written.forward), ("backward", written.backward)):
        given = [argument.arg for argument in found[kernel].args.args]
        assert given[: len(arguments)] == list(arguments)
        # Everything that is read has been given or computed.
        known = {*given, *found, "tl", "triton", "range", "x"}
        names = [node for node in ast.walk(found[kernel]) if isinstance(node, ast.Name)]
        known |= {node.id for node in names if isinstance(node.ctx, ast.Store)}
        assert {node.id for node in names} <= known


def test_matrices_that_stay_are_read_before_the_loop() -> None:
    stays, streams = (triton_text(plan(CATALOGUE["lstm"]), resident) for resident in (True, False))
    assert stays.tiles == (4, 4)
    for written, inside in ((stays, 0), (streams, 4)):
        for kernel in written.text.split("@triton.jit\ndef ")[-2:]:
            before, loop = kernel.split("for s in range", 1)
            assert before.count("tl.load(family_R") == 4 - inside
            assert loop.count("tl.load(family_R") == inside


def test_nothing_is_added_by_atomic_operations() -> None:
    assert all("atomic" not in triton_text(plan(cell), True).text for cell in CELLS.values())


def test_every_function_of_the_package_has_a_text() -> None:
    assert FUNCTION_TEXTS.keys() == FUNCTIONS.keys()


def test_functions_of_packages_come_with_their_value_or_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    x = Symbol("x")
    silu = Function("silu", (lambda y, x: y,), value=x * Call("sigmoid", (x,)))
    bare = Function(
        "bare",
        (lambda y, x: y,),
        floats=lambda x: x,
        digits=lambda m, x: x,
        exact=lambda m, x: x,
        tensors=lambda m, x: x,
    )
    told = Function(
        "told",
        (lambda y, x: y,),
        floats=lambda x: x,
        digits=lambda m, x: x,
        exact=lambda m, x: x,
        tensors=lambda m, x: x,
        text={"triton": "tl.erf(x)"},
    )
    monkeypatch.setattr(
        "bptt.codegen.added_functions.get_function", {"silu": silu, "bare": bare, "told": told}.__getitem__
    )
    assert "def f_silu(x):\n    return x * f_sigmoid(x)" in definitions([Call("silu", (x,))])
    assert "def f_told(x):\n    return tl.erf(x)" in definitions([Call("told", (x,))])
    with pytest.raises(InputError, match=r"function 'bare'.*its text in Triton"):
        definitions([Call("bare", (x,))])


def test_names_of_other_alphabets() -> None:
    cell = Cell.define("unicode", "ζ = sigmoid(W_ζ @ x + R_ζ @ 状_prev)\n状 = tanh(ζ)", states="状")
    assert triton_text(plan(cell), True).text.isascii() is False
    ast.parse(triton_text(plan(cell), True).text)
