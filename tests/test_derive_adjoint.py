"""The backward equations: the text of two cells that one can check by hand, and what holds for all."""

from __future__ import annotations

import pytest

from bptt.cells import CATALOGUE, Cell
from bptt.cells.expression import Product, RowCall, Sum, Symbol
from bptt.derive.adjoint import DELTA, FROM_LOSS, FROM_NEXT, adjoint
from bptt.derive.normal_form import normal_form


def text(cell: Cell) -> list[str]:
    derived = adjoint(cell)
    return [
        *map(str, derived.steps),
        *(f"∇{g.matrix} = " + " + ".join(f"{d} {s}ᵀ" for d, s in g.terms) for g in derived.matrices),
        *(f"∇{g.vector} = {g.expression}" for g in derived.vectors),
    ]


LSTM = """\
δh = loss_h + next_h
δtanh_c = δh * o
δc = loss_c + next_c + δtanh_c * (1 - tanh_c**2)
δo = δh * tanh_c
δnet_o = δo * o * (1 - o)
δg = δc * i
δnet_g = δg * (1 - g**2)
δf = δc * c_prev
δnet_f = δf * f * (1 - f)
δi = δc * g
δnet_i = δi * i * (1 - i)
δh_prev = R_i.T @ δnet_i + R_f.T @ δnet_f + R_g.T @ δnet_g + R_o.T @ δnet_o
δc_prev = δc * f
δx = W_i.T @ δnet_i + W_f.T @ δnet_f + W_g.T @ δnet_g + W_o.T @ δnet_o
∇W_i = δnet_i xᵀ
∇R_i = δnet_i h_prevᵀ
∇W_f = δnet_f xᵀ
∇R_f = δnet_f h_prevᵀ
∇W_g = δnet_g xᵀ
∇R_g = δnet_g h_prevᵀ
∇W_o = δnet_o xᵀ
∇R_o = δnet_o h_prevᵀ
∇b_i = δnet_i
∇b_f = δnet_f
∇b_g = δnet_g
∇b_o = δnet_o"""

GRU = """\
δh = loss_h + next_h
δn = δh * (1 - z)
δnet_n = δn * (1 - n**2)
δin_n = R_n.T @ δnet_n
δz = δh * (h_prev - n)
δnet_z = δz * z * (1 - z)
δr = δin_n * h_prev
δnet_r = δr * r * (1 - r)
δh_prev = R_r.T @ δnet_r + R_z.T @ δnet_z + δh * z + δin_n * r
δx = W_r.T @ δnet_r + W_z.T @ δnet_z + W_n.T @ δnet_n
∇W_r = δnet_r xᵀ
∇R_r = δnet_r h_prevᵀ
∇W_z = δnet_z xᵀ
∇R_z = δnet_z h_prevᵀ
∇W_n = δnet_n xᵀ
∇R_n = δnet_n in_nᵀ
∇b_r = δnet_r
∇b_z = δnet_z
∇b_n = δnet_n"""


@pytest.mark.parametrize(("name", "expected"), [("lstm", LSTM), ("gru", GRU)])
def test_the_derivation_as_one_would_write_it(name: str, expected: str) -> None:
    assert text(CATALOGUE[name]) == expected.splitlines()


def test_peepholes_add_their_terms() -> None:
    lines = text(CATALOGUE["lstm-peephole"])
    assert "δc = loss_c + next_c + δtanh_c * (1 - tanh_c**2) + δnet_o * p_o" in lines
    assert "δc_prev = δc * f + δnet_f * p_f + δnet_i * p_i" in lines
    assert "∇p_o = δnet_o * c" in lines and "∇p_i = δnet_i * c_prev" in lines


def test_rows_are_summed_where_vectors_read_a_row_value() -> None:
    cell = Cell.define("own", "m = mean(h_prev)\nq = m * m\nh = tanh(W_h @ x) * m * q", states="h")
    assert [line for line in text(cell) if line.startswith(("δm", "δq", "δh_prev"))] == [
        "δq = sum(δh * tanh_h * m)",
        "δm_rows = sum(δh * tanh_h * q)",
        "δm = δq * (m + m) + δm_rows",
        "δh_prev = δm / H",
    ]


def test_a_matrix_used_twice_has_two_terms() -> None:
    cell = Cell.define("own", "a = tanh(W_h @ x + R_h @ h_prev)\nh = tanh(R_h @ a)", states="h")
    (gradient,) = [g for g in adjoint(cell).matrices if g.matrix == "R_h"]
    assert gradient.terms == (("δnet_h", "a"), ("δnet_a", "h_prev"))


def test_what_nobody_reads_has_no_gradient_step() -> None:
    cell = Cell.define("own", "q = W_q @ x\nh = tanh(W_h @ x)", states="h")
    derived = adjoint(cell)
    assert not {"δq"} & {s.target for s in derived.steps}
    assert [g.terms for g in derived.matrices] == [(), (("δnet_h", "x"),)]


def test_an_output_that_is_no_state_has_a_loss_but_no_next_step() -> None:
    cell = Cell.define("own", "h = tanh(W_h @ x)\ny = sigmoid(V_y @ h)", states="h", output="y")
    assert text(cell)[0] == "δy = loss_y"


@pytest.mark.parametrize("cell", CATALOGUE.values(), ids=CATALOGUE)
def test_every_term_has_one_delta(cell: Cell) -> None:
    """The backward equations are linear in what comes from the loss and from the next step."""
    for step in adjoint(cell).steps:
        rest = step.rest.argument if isinstance(step.rest, RowCall) else step.rest
        for term in rest.terms if isinstance(rest, Sum) else (rest,):
            factors = term.factors if isinstance(term, Product) else (term,)
            marks = (DELTA, FROM_LOSS, FROM_NEXT)
            found = [f for f in factors if isinstance(f, Symbol) and f.name.startswith(marks)]
            assert len(found) == 1 or (step.products and not found)


@pytest.mark.parametrize("cell", CATALOGUE.values(), ids=CATALOGUE)
def test_every_value_is_written_before_it_is_read(cell: Cell) -> None:
    derived, form = adjoint(cell), normal_form(cell)
    forward = {s.target for s in form.steps} | {*cell.inputs, *form.previous, *cell.vectors, *cell.constants}
    outside = {FROM_LOSS + s for s in (*cell.states, cell.output)} | {FROM_NEXT + s for s in cell.states}
    known = forward | outside
    for step in derived.steps:
        assert known.issuperset(step.names)
        known.add(step.target)
    assert {DELTA + n for n in (*form.previous, *cell.inputs)} <= known
    assert set(derived.reads) <= forward - {*cell.vectors, *cell.constants}
