"""What back-propagation keeps: enough to compute the rest without a linear map, and no more."""

from __future__ import annotations

import pytest

from bptt.cells import CATALOGUE, Cell
from bptt.derive.adjoint import adjoint
from bptt.derive.normal_form import normal_form
from bptt.derive.storage import storage

KEPT = {
    "elman-tanh": ("", "T·B·H"),
    "elman-relu": ("", "T·B·H"),
    "elman-sigmoid": ("", "T·B·H"),
    "indrnn": ("", "T·B·H"),
    "lstm": ("i f g o", "T·B·6·H"),
    "lstm-peephole": ("i f g o", "T·B·6·H"),
    "lstm-peephole-previous": ("i f g o", "T·B·6·H"),
    "lstm-projection": ("i f g o", "T·B·(5·H + P)"),
    "lstm-coupled": ("f g o", "T·B·5·H"),
    "lstm-layernorm": ("e_i s_i e_f s_f e_g s_g e_o s_o m_c s_c", "T·B·(6·H + 6)"),
    "gru": ("r z n", "T·B·4·H"),
    "gru-torch": ("r z q n", "T·B·5·H"),
    "gru-simple": ("u n", "T·B·3·H"),
    "mgu": ("f n", "T·B·3·H"),
    "mingru": ("z n", "T·B·3·H"),
    "minlstm": ("net_k′ net_k′′ n", "T·B·4·H"),
    "sru": ("f r map_c map_h", "T·B·5·H"),
    "dense": ("y", "T·B·H"),
}


@pytest.mark.parametrize("name", CATALOGUE)
def test_what_is_kept_and_how_much_it_is(name: str) -> None:
    """Beside the kept values, the states of every step are there, and are counted."""
    kept, formula = KEPT[name]
    assert storage(CATALOGUE[name]).kept == tuple(kept.split())
    assert storage(CATALOGUE[name]).formulas["keep"] == formula


def test_the_lstm_computes_tanh_of_its_cell_again() -> None:
    assert [str(s) for s in storage(CATALOGUE["lstm"]).recomputed] == ["tanh_c = tanh(c)"]


CHAINS = Cell.define(
    "chains",
    """
    a = tanh(W_a @ x + R_a @ h_prev)
    b = a * a
    d = sin(b)
    q = cos(R_q @ d)
    s = mean(d)
    h = d * q + s * h_prev
    """,
    states="h",
)


def test_chains_start_at_what_a_linear_map_gave() -> None:
    found = storage(CHAINS)
    # cos' = -sin(net), so the argument is kept, and q follows from it.
    assert found.kept == ("a", "net_q", "s")
    assert [str(s) for s in found.recomputed] == ["b = a * a", "d = sin(b)", "q = cos(net_q)"]
    assert found.formulas == {
        "keep": "T·B·(3·H + 1)",
        "recompute": "T·B·H",
        "segments": "S·B·(4·H + 1)",
    }


def test_row_values_count_as_one() -> None:
    cell = Cell.define("own", "s = sum(R_h @ h_prev)\nh = tanh(W_h @ x) * s", states="h")
    found = storage(cell)
    assert found.kept == ("s", "tanh_h")
    assert found.formulas["keep"] == "T·B·(1 + 2·H)"


@pytest.mark.parametrize("cell", [*CATALOGUE.values(), CHAINS], ids=[*CATALOGUE, "chains"])
def test_everything_that_is_read_is_there(cell: Cell) -> None:
    form, found = normal_form(cell), storage(cell)
    there = {*cell.inputs, *form.previous, *cell.states, *cell.vectors, *cell.constants, *found.kept}
    for step in found.recomputed:
        assert not step.products, "computed again without a linear map"
        assert there.issuperset(step.names), "in an order in which it can be computed"
        assert step.target not in there, "not what is there already"
        there.add(step.target)
    assert there.issuperset(adjoint(cell).reads)
    wanted = {*adjoint(cell).reads, *(n for s in found.recomputed for n in s.names)}
    assert {*found.kept, *(s.target for s in found.recomputed)} <= wanted, "nothing that is not needed"
