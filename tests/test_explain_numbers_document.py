"""Every equation of a network in numbers: the printed numbers, put together as printed, give the result."""

from __future__ import annotations

from dataclasses import fields, is_dataclass, replace
from typing import Any

import pytest
import torch
from written_formulas import Meaning, lines_of

from bptt.cells import CATALOGUE, get
from bptt.derive.network import Loss
from bptt.explain import figures
from bptt.explain.document import Derivation, EquationLine, Stage
from bptt.explain.figures import TIMES
from bptt.explain.formula_tree import INVISIBLE_PRODUCT, Digits, total
from bptt.explain.network_options import NetworkOptions
from bptt.explain.numbers.document import numbers_document
from bptt.explain.numbers.node_document import node_document
from bptt.explain.numbers.options import NumbersOptions
from bptt.explain.numbers.worked import work
from bptt.explain.text import text

STAGES = (Stage.NORMAL, Stage.ADJOINT, Stage.JACOBIAN, Stage.GRADIENTS, Stage.NUMBERS)
# Sums of a few dozen products of numbers of order one.
CLOSE = {"rtol": 1e-12, "atol": 1e-12}


def dotless(part: Any) -> Any:
    """Replace the dot between numbers by the invisible product, which the evaluation of formulas knows."""
    if part == TIMES:
        return INVISIBLE_PRODUCT
    if isinstance(part, tuple):
        return tuple(map(dotless, part))
    if is_dataclass(part) and not isinstance(part, type):
        return replace(part, **{each.name: dotless(getattr(part, each.name)) for each in fields(part)})
    return part


def rows_of(line: EquationLine) -> list[torch.Tensor]:
    return [Meaning({}).value(dotless(total(row))) for row in line.numbers]


def check(document: Derivation, **close: float) -> int:
    """Compare the rows of each equation; return the number of equations with more than one."""
    checked = 0
    for line in lines_of(document, *STAGES):
        first, *others = rows_of(line)
        for other in others:
            torch.testing.assert_close(first, other.expand_as(first), **close)
        checked += bool(others)
    return checked


@pytest.fixture
def all_digits(monkeypatch: pytest.MonkeyPatch) -> None:
    """Print every number with all its digits."""
    monkeypatch.setattr(figures, "_digits", lambda number: Digits(f"{abs(number):.17g}"))


# Normalisation has means and roots within its formulas; its numbers are compared in the CSV table.
@pytest.mark.parametrize("minus", [False, True], ids=["plus", "minus"])
@pytest.mark.parametrize("name", [name for name in CATALOGUE if name not in ("dense", "lstm-layernorm")])
@pytest.mark.usefixtures("all_digits")
def test_the_numbers_of_every_equation_give_its_result(name: str, minus: bool) -> None:
    worked = work([get(name)], NetworkOptions(), NumbersOptions(steps=2, minus_delta=minus))
    assert check(numbers_document(worked), **CLOSE) > 20


@pytest.mark.parametrize("loss", Loss)
@pytest.mark.usefixtures("all_digits")
def test_the_numbers_of_a_stack_on_an_embedding(loss: Loss) -> None:
    options = NetworkOptions(loss=loss, embedding=True, sizes="4,2,2,3,2")
    worked = work([get("gru"), get("elman-tanh")], options, NumbersOptions(steps=2))
    assert check(numbers_document(worked), **CLOSE) > 40


@pytest.mark.parametrize("minus", [False, True], ids=["plus", "minus"])
def test_the_numbers_of_every_node_give_its_result(minus: bool) -> None:
    worked = work([get("dense")], NetworkOptions(sizes="3,4,2"), NumbersOptions(minus_delta=minus))
    # At most five products of four numbers of order one, each rounded by half of 1e-6.
    assert check(node_document(worked), rtol=0, atol=1e-5) > 30


def test_summands_are_shown_step_by_step() -> None:
    worked = work([get("elman-tanh")], NetworkOptions(sizes="2,3,2"), NumbersOptions())
    printed = text(numbers_document(worked))
    assert "∇W_h = δnet_h₁ x₁ᵀ + δnet_h₂ x₂ᵀ + δnet_h₃ x₃ᵀ" in printed
    assert "∇R_h = δnet_h₁ h₀ᵀ + δnet_h₂ h₁ᵀ + δnet_h₃ h₂ᵀ" in printed
    assert "∇V = δz₁ h₁ᵀ + δz₂ h₂ᵀ + δz₃ h₃ᵀ" in printed
    assert "W_h_new = W_h − η ∇W_h" in printed
    shown = "".join(printed.split())
    for summand in worked.updated.before.summands["1"]["b_h"]:
        for number in summand:
            assert f"{number:.4g}".replace("-", "−") in shown


def test_a_stack_numbers_its_layers() -> None:
    printed = text(
        numbers_document(work([get("lstm"), get("gru")], NetworkOptions(), NumbersOptions(steps=2)))
    )
    assert "    δh⁽¹⁾₂     = δx⁽²⁾₂ + δh⁽¹⁾₂←₃\n" in printed
    assert "δh⁽²⁾₁←₂ is the part that step 2 hands back to step 1; no step follows step 2" in printed


@pytest.mark.parametrize("steps", [1, 3])
def test_the_zeros_of_the_last_step_are_explained(steps: int) -> None:
    worked = work([get("elman-tanh")], NetworkOptions(), NumbersOptions(steps=steps))
    printed = " ".join(text(numbers_document(worked)).split())
    assert f"no step follows step {steps}, whose part is 0" in printed
