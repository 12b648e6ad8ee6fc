"""States over all earlier inputs: the expanded expression has the value of the step-by-step pass."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
import torch
from unrolled_cells import draw, tape, torch_value
from user_cells import CELLS

from bptt.cells import CATALOGUE, Cell
from bptt.cells.expression import to_text
from bptt.derive.expansion import Expansion, at, expand, linear_updates, nested
from bptt.derive.normal_form import normal_form

STEPS = 5
RECURRENT = {name: cell for name, cell in {**CATALOGUE, **CELLS}.items() if cell.states}


def values_at(cell: Cell, values: list[dict[str, torch.Tensor]]) -> Mapping[str, torch.Tensor]:
    """Name the values of all steps as expansions do; parameters are the same at every step."""
    named = {
        name: v for name, v in values[0].items() if name in {*cell.matrices, *cell.vectors, *cell.constants}
    }
    for state in cell.states:
        named[at(state, 0)] = values[0][f"{state}_prev"]
    for step, here in enumerate(values, 1):
        named |= {at(name, step): here[name] for name in (*cell.inputs, *cell.targets)}
    return named


@pytest.mark.parametrize("name", RECURRENT)
def test_expansions_have_the_values_of_the_steps(name: str) -> None:
    cell = RECURRENT[name]
    point, _ = draw(cell, STEPS)
    named = values_at(cell, tape(cell, point, normal_form(cell).steps).values)
    found: list[Expansion] = [*(nested(cell, STEPS) or ())]
    found += [expand(cell, update, step) for update in linear_updates(cell) for step in range(1, STEPS + 1)]
    for expansion in found:
        number, truth = torch_value(expansion.expression, named), named[at(expansion.name, expansion.step)]
        assert torch.allclose(number, truth, rtol=1e-12, atol=1e-12, equal_nan=True)


def test_nested_names_nothing_but_inputs_and_the_initial_state() -> None:
    found = nested(CATALOGUE["elman-tanh"], 2)
    assert found is not None
    assert to_text(found[1].expression) == ("tanh(W_h @ x@2 + R_h @ tanh(W_h @ x@1 + R_h @ h@0 + b_h) + b_h)")
    assert nested(CATALOGUE["gru"], 2) is None


def test_a_gated_state_is_a_sum_over_the_steps() -> None:
    cell = CATALOGUE["lstm"]
    (update,) = linear_updates(cell)
    assert to_text(expand(cell, update, 2).expression) == "f@2 * f@1 * c@0 + f@2 * i@1 * g@1 + i@2 * g@2"
    linear = {name: [u.state for u in linear_updates(cell)] for name, cell in CATALOGUE.items()}
    assert linear["gru"] == linear["gru-torch"] == linear["mgu"] == ["h"]
    assert linear["lstm-layernorm"] == ["c"] and linear["elman-tanh"] == []
