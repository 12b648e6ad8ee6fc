"""The plan of a kernel: complete, in an order that works, linear in the δ, and the same at every start."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest
from user_cells import CELLS

from bptt.cells import CATALOGUE, Cell
from bptt.cells.expression import symbols
from bptt.codegen.layout import BackwardStep, StackedMap
from bptt.codegen.plan import KernelPlan, plan
from bptt.derive.adjoint import DELTA, FROM_LOSS, FROM_NEXT, adjoint
from bptt.derive.normal_form import normal_form

EVERY = {**CATALOGUE, **CELLS}
MARKS = (DELTA, FROM_LOSS, FROM_NEXT)


def given(cell: Cell) -> set[str]:
    """The values that are there before a step begins."""
    return {*cell.inputs, *cell.vectors, *cell.constants, *normal_form(cell).previous}


def forward_values(layout: KernelPlan) -> set[str]:
    """The values that are there when the backward pass begins."""
    kept = {*layout.storage.kept, *(s.target for s in layout.storage.recomputed)}
    return given(layout.cell) | {*layout.cell.states} | kept


def delta_reads(step: BackwardStep) -> set[str]:
    return {t.delta for t in step.terms} | {d for g in step.gathers for d in g.deltas}


@pytest.mark.parametrize("cell", EVERY.values(), ids=EVERY)
def test_forward_everything_is_read_after_it_is_written(cell: Cell) -> None:
    layout = plan(cell)
    known = given(cell)
    for base in layout.bases:
        assert {p.vector for p in base.products} <= {*cell.inputs}
        assert {*symbols(base.rest)} <= {*cell.vectors, *cell.constants}
        known.add(base.target)
    for item in layout.loop:
        reads = {item.source, *item.bases} - {""} if isinstance(item, StackedMap) else {*item.names}
        assert reads <= known
        targets = item.targets if isinstance(item, StackedMap) else (item.target,)
        assert not known.intersection(targets)
        known.update(targets)
    assert {s.target for s in normal_form(cell).steps} <= known


@pytest.mark.parametrize("cell", EVERY.values(), ids=EVERY)
def test_forward_every_matrix_is_used_as_often_as_in_the_equations(cell: Cell) -> None:
    layout, families = plan(cell), {f.name: f.members for f in cell.families}
    used = [p.matrix for base in layout.bases for p in base.products]
    for item in layout.loop:
        if isinstance(item, StackedMap):
            rows = item.rows
            assert len(item.targets) == len(item.bases) == rows.count
            used += families[rows.family][rows.first : rows.first + rows.count]
    assert sorted(used) == sorted(p.matrix for s in normal_form(cell).steps for p in s.products)


@pytest.mark.parametrize("cell", EVERY.values(), ids=EVERY)
def test_backward_everything_is_read_after_it_is_written(cell: Cell) -> None:
    layout = plan(cell)
    outside = {FROM_LOSS + s for s in (*cell.states, cell.output)}
    known = outside | {FROM_NEXT + s for s in cell.states}
    for step in layout.backward_loop:
        assert delta_reads(step) <= known
        known.add(step.target)
    assert {DELTA + p for p in normal_form(cell).previous} <= known
    # What comes after the loop may read what the loop handed over, and nothing of one step alone.
    known = outside | {*layout.read_after_loop}
    for step in layout.backward_after:
        assert delta_reads(step) <= known
        known.add(step.target)
    for gradient in layout.matrix_gradients:
        assert {d for deltas, _ in gradient.terms for d in deltas} <= known
        assert {source for _, source in gradient.terms} <= forward_values(layout)
    for vector in layout.vector_gradients:
        read = {n for n in symbols(vector.expression) if n.startswith(MARKS)}
        assert read <= known
        assert {*symbols(vector.expression)} - read <= forward_values(layout)
    assert {DELTA + name for name in cell.inputs} <= known


@pytest.mark.parametrize("cell", EVERY.values(), ids=EVERY)
def test_coefficients_are_forward_values(cell: Cell) -> None:
    """So that they can be computed for all time steps before the loop begins."""
    layout = plan(cell)
    for step in (*layout.backward_loop, *layout.backward_after):
        for term in step.terms:
            assert term.delta.startswith(MARKS)
            assert {*symbols(term.coefficient)} <= forward_values(layout)


@pytest.mark.parametrize("cell", EVERY.values(), ids=EVERY)
def test_gradients_cover_every_parameter_once(cell: Cell) -> None:
    layout, families = plan(cell), {f.name: f for f in cell.families}
    covered = []
    for gradient in layout.matrix_gradients:
        rows = gradient.rows
        covered += families[rows.family].members[rows.first : rows.first + rows.count]
        assert all(len(deltas) == rows.count for deltas, _ in gradient.terms)
    assert sorted(covered) == sorted(cell.matrices)
    assert [v.vector for v in layout.vector_gradients] == list(cell.vectors)
    # Family by family in the order of their rows: a backend may put the blocks under each other.
    places = [(g.rows.family, g.rows.first) for g in layout.matrix_gradients]
    assert places == sorted(places)


def test_the_lstm_is_one_product_each_way() -> None:
    """All maps of x before the loop; in it one product forward and one backward; the rest after it."""
    layout = plan(CATALOGUE["lstm"])
    assert [str(p) for base in layout.bases for p in base.products] == [f"W_{g} @ x" for g in "ifgo"]
    maps = [item for item in layout.loop if isinstance(item, StackedMap)]
    assert [(m.source, m.rows.family, m.targets) for m in maps] == [
        ("h_prev", "R", ("net_i", "net_f", "net_g", "net_o"))
    ]
    nets = ("δnet_i", "δnet_f", "δnet_g", "δnet_o")
    assert [g.deltas for s in layout.backward_loop for g in s.gathers] == [nets]
    assert [s.target for s in layout.backward_loop] == [
        "δh",
        "δc",
        "δnet_o",
        "δnet_g",
        "δnet_f",
        "δnet_i",
        "δh_prev",
        "δc_prev",
    ]
    assert [s.target for s in layout.backward_after] == ["δx"]
    assert [(g.rows.family, g.terms) for g in layout.matrix_gradients] == [
        ("R", ((nets, "h_prev"),)),
        ("W", ((nets, "x"),)),
    ]


def test_the_published_gru_multiplies_twice() -> None:
    maps = [(m.source, m.targets) for m in plan(CATALOGUE["gru"]).loop if isinstance(m, StackedMap)]
    assert maps == [("h_prev", ("net_r", "net_z")), ("in_n", ("net_n",))]


def test_a_delta_of_another_width_is_not_followed() -> None:
    """δs sums δa over the row; put in terms of δm, which is one number, it would sum over one unit."""
    layout = plan(CELLS["a chain of row values"])
    (row,) = [s for s in layout.backward_loop if s.target == "δs"]
    assert row.row and [t.delta for t in row.terms] == ["δa"]


# ---- nothing depends on the order of a set

PRINT = """
from bptt.cells import CATALOGUE
from bptt.codegen.plan import plan
from bptt.derive.adjoint import adjoint
from bptt.derive.jacobian import jacobian
from bptt.derive.normal_form import normal_form
from user_cells import CELLS

for cell in (*CATALOGUE.values(), *CELLS.values()):
    print(cell.families, normal_form(cell), adjoint(cell), jacobian(cell), jacobian(cell, True), plan(cell))
"""


def test_the_texts_are_the_same_under_every_hash_seed() -> None:
    here = os.path.dirname(__file__)
    running = [
        subprocess.Popen(
            [sys.executable, "-c", PRINT],
            env={**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": here, "PYTHONUTF8": "1"},
            stdout=subprocess.PIPE,
        )
        for seed in ("0", "1", "2023")
    ]
    texts = [process.communicate()[0] for process in running]
    assert not any(process.returncode for process in running)
    assert len(texts[0]) > 10_000 and texts[0] == texts[1] == texts[2]


def test_a_plan_is_a_key() -> None:
    assert plan(CATALOGUE["gru"]) is plan(Cell.from_dict(CATALOGUE["gru"].to_dict()))
    assert len({plan(c) for c in CATALOGUE.values()}) == len(CATALOGUE)
    assert adjoint(CATALOGUE["gru"]) is adjoint(Cell.from_dict(CATALOGUE["gru"].to_dict()))
