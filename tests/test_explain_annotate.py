"""Which lines of a kernel compute which equation: read off a text that stays as it is."""

from __future__ import annotations

import re

import pytest
from user_cells import CELLS

from bptt.cells import CATALOGUE, Cell, get
from bptt.cells.expression import symbols
from bptt.codegen.cpp.cpp_names import identifier
from bptt.codegen.cpp.emit import source
from bptt.codegen.plan import plan
from bptt.derive.adjoint import adjoint
from bptt.derive.normal_form import normal_form
from bptt.derive.storage import storage
from bptt.explain.annotate import passages

ALL = {**CATALOGUE, **CELLS}
DEFINITION = re.compile(r"const Vector (\w+) = (?!load\(block|load\(a\.|broadcast\(\*)")


def lines_of(cell: Cell) -> list[str]:
    return [line.strip() for line in source(plan(cell), "float32").text.splitlines()]


@pytest.mark.parametrize("name", ALL)
def test_every_equation_has_its_lines(name: str) -> None:
    cell, file = ALL[name], lines_of(ALL[name])
    found = passages(cell)
    wanted = [s.target for s in (*normal_form(cell).steps, *adjoint(cell).steps)]
    wanted += [f"∇{member}" for family in cell.families for member in family.members]
    assert set(found) <= set(wanted)
    assert {n for n in wanted if n not in found} <= unused(cell)
    for passage in found.values():
        assert all(line.text in file[line.number - 1] for line in passage.lines)
        assert [line.number for line in passage.lines] == sorted(line.number for line in passage.lines)


def unused(cell: Cell) -> set[str]:
    """What no line needs to compute: the gradients of what no loss depends on, the δ that nobody reads."""
    derived, form = adjoint(cell), normal_form(cell)
    read = {f"δ{name}" for name in (*form.previous, *cell.inputs)}
    read |= {delta for g in derived.matrices for delta, _ in g.terms}
    read |= {name for g in derived.vectors for name in symbols(g.expression)}
    for step in reversed(derived.steps):
        read |= set(step.names) if step.target in read else set()
    return {f"∇{g.matrix}" for g in derived.matrices if not g.terms} | {
        step.target for step in derived.steps if step.target not in read
    }


@pytest.mark.parametrize("name", ALL)
def test_every_computation_belongs_to_an_equation(name: str) -> None:
    """Each line of a pass that computes a value is beside the equation of that value."""
    cell, file = ALL[name], lines_of(ALL[name])
    beside = {line.number for passage in passages(cell).values() for line in passage.lines}
    again = {identifier(step.target) for step in storage(cell).recomputed}
    begin = next(k for k, line in enumerate(file) if line.startswith("struct Cell"))
    for number, line in enumerate(file[begin:], begin + 1):
        if (defined := DEFINITION.match(line)) and defined[1] not in again:
            assert number in beside, line


def test_an_lstm_as_a_reader_would_pair_it() -> None:
    found = passages(get("lstm"))

    def texts(name: str) -> list[str]:
        return [line.text for line in found[name].lines]

    assert texts("c")[0] == "const Vector v_c = v_f * v_c_prev + v_i * v_g;"
    assert texts("δc_prev")[0] == "const Vector d_c_prev = v_f * d_c;"
    assert "u * 4 + 1, load(a.vector[1] + j, lanes)" in texts("net_f")[0]
    assert found["net_f"].together == ("net_i", "net_f", "net_g", "net_o")
    assert sum("multiply_panel" in text for text in texts("net_f")) == 2
    assert found["δo"].within == ("δnet_o",) and texts("δo") == texts("δnet_o")[:1]
    assert found["δh_prev"].stacked == ("R_i", "R_f", "R_g", "R_o") and not found["δh_prev"].later
    assert found["δx"].later
    assert texts("∇R_g") == ["Gradient{2, 1, 2}"]
    assert texts("∇b_o") == ["add_to(block.at[Shape::SUM_AT + 3][r] + j, d_net_o, lanes);"]


def test_a_second_product_inside_the_step() -> None:
    found = passages(get("gru"))
    assert found["net_r"].together == ("net_r", "net_z") and found["net_n"].together == ()
    assert found["δn"].within == ("δnet_n",)
    assert [line.text for line in found["δh_prev"].lines][1:3] == [
        "const Vector d1_h_prev = load(sums + 0 * LANES);",
        "const Vector d_h_prev = d1_h_prev + v_z * d_h + v_r * d_in_n;",
    ]
