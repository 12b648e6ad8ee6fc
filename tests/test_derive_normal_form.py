"""The normal form: what stands alone in a step, what its helpers are called, and that nothing is lost."""

from __future__ import annotations

import pytest

from bptt.cells import CATALOGUE, Cell
from bptt.cells.expression import Call, MatrixVector, RowCall, Symbol, walk
from bptt.derive.normal_form import normal_form


def steps(cell: Cell) -> list[str]:
    return [str(step) for step in normal_form(cell).steps]


def own(equations: str, **options: str) -> Cell:
    return Cell.define("own", equations, **{"states": "h", **options})


def test_the_lstm() -> None:
    assert steps(CATALOGUE["lstm"]) == [
        "net_i = W_i @ x + R_i @ h_prev + b_i",
        "i = sigmoid(net_i)",
        "net_f = W_f @ x + R_f @ h_prev + b_f",
        "f = sigmoid(net_f)",
        "net_g = W_g @ x + R_g @ h_prev + b_g",
        "g = tanh(net_g)",
        "net_o = W_o @ x + R_o @ h_prev + b_o",
        "o = sigmoid(net_o)",
        "c = f * c_prev + i * g",
        "tanh_c = tanh(c)",
        "h = o * tanh_c",
    ]


def test_the_published_gru_maps_the_gated_state() -> None:
    assert steps(CATALOGUE["gru"])[4:6] == ["in_n = r * h_prev", "net_n = W_n @ x + R_n @ in_n + b_n"]


def test_everything_inside_everything() -> None:
    cell = own("h = b_h - 2 * tanh(R_h @ (h_prev / mean(W_h @ x)))")
    assert steps(cell) == [
        "in_h′ = W_h @ x",
        "mean_h = mean(in_h′)",
        "in_h = h_prev / mean_h",
        "net_h = R_h @ in_h",
        "tanh_h = tanh(net_h)",
        "h = b_h - 2 * tanh_h",
    ]


def test_what_has_a_name_is_not_computed_twice() -> None:
    cell = own("a = tanh(W_a @ x)\nh = tanh(W_a @ x) * h_prev + tanh(a) * tanh(a)")
    assert steps(cell) == [
        "net_a = W_a @ x",
        "a = tanh(net_a)",
        "tanh_a = tanh(a)",
        "h = a * h_prev + tanh_a * tanh_a",
    ]


def test_helpers_give_way_to_the_author() -> None:
    cell = own("net_h = W_net_h @ x\nh = tanh(net_h + h_prev)")
    assert steps(cell) == ["net_h = W_net_h @ x", "net_h′ = net_h + h_prev", "h = tanh(net_h′)"]


def test_a_step_prints_its_signs() -> None:
    assert steps(own("h = -(W_h @ x) - h_prev + R_h @ h_prev")) == [
        "map_h = W_h @ x",
        "h = R_h @ h_prev - map_h - h_prev",
    ]


@pytest.mark.parametrize("cell", CATALOGUE.values(), ids=CATALOGUE)
def test_every_step_stands_alone(cell: Cell) -> None:
    """A call or row statement is a whole step, of names; a linear map is a product of names."""
    form = normal_form(cell)
    known = {*cell.inputs, *form.previous, *cell.vectors, *cell.constants}
    for step in form.steps:
        inner = [*walk(step.rest)][1:]
        assert not any(isinstance(e, MatrixVector) for e in walk(step.rest))
        assert not any(isinstance(e, Call | RowCall) for e in inner)
        if isinstance(step.rest, Call | RowCall):
            assert not step.products and all(isinstance(e, Symbol) for e in inner)
        assert known.issuperset(step.names), "read before it is written"
        assert step.target not in known, "written twice"
        known.add(step.target)
        assert all(p.matrix in cell.matrices for p in step.products)
    assert set(cell.targets) <= known


@pytest.mark.parametrize("cell", CATALOGUE.values(), ids=CATALOGUE)
def test_widths_of_steps_are_those_of_the_cell(cell: Cell) -> None:
    form = normal_form(cell)
    for name in (*cell.targets, *cell.inputs, *form.previous):
        assert form.width(name) == cell.width(name)
    for step in form.steps:
        read = {form.width(n) for n in step.names if n not in cell.constants} - {"1"}
        if not step.products and not isinstance(step.rest, RowCall):
            assert {step.width} - {"1"} == read
