"""Connectionist temporal classification, derived: its equations carried out, beside all alignments."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import groupby, product
from pathlib import Path

import pytest
import torch
from conftest import Command
from made_speech import phrases, write_speech
from torch import Tensor
from written_formulas import Meaning, lines_of

import bptt
from bptt.derive.label_tables import label_tables
from bptt.explain.criteria.label_alignments import ctc_derivation
from bptt.explain.document import EquationLine, Stage
from bptt.explain.formula_tree import (
    INVISIBLE_PRODUCT,
    Digits,
    Fenced,
    Formula,
    Fraction,
    MathName,
    Operator,
    ProductOver,
    Row,
    total,
)
from bptt.explain.plain import formula_text
from bptt.nn import ctc_loss, ctc_occupancy

# The blank is class 1 of the formulas, which count from 1.
CLASSES, STEPS, BLANK, LABEL = 3, 5, 1, (2, 3, 3)
STATES = (1, 2, 1, 3, 1, 3, 1)
# Some hundred products and sums of numbers below 1.
CLOSE = {"rtol": 1e-11, "atol": 1e-13}


@dataclass
class Tables(Meaning):
    """A meaning in which yₜ[k], αₜ[s] and βₜ[s] are entries of tables, 0 outside of them."""

    path: tuple[int, ...] = ()

    def value(self, formula: Formula) -> Tensor:
        match formula:
            case Row((Digits("1"), Fenced(Row((left, Operator(sign), right)), "[", "]"))):
                equal = self.number(left) == self.number(right)
                return torch.tensor(float(equal == (sign == "=")), dtype=torch.float64)
            case Row((MathName() as name, Fenced(inner, "[", "]"))):
                return self.entry_of(replace(name, mark=""), inner)
            case MathName("m", index=index):
                state = self.at["s"] + (2 if index == "s+2" else 0)
                return self.skip(state)
            case Fraction(Row((MathName(mark="∂"), *_)) as above, Row((MathName(mark="∂"), *_)) as below):
                return self.slope(above, below)
            case Fraction(MathName("E", mark="∂"), Row((MathName("y", mark="∂"), Fenced(inner)))):
                return self.values["by y"][self.at["t"] - 1, self.number(inner) - 1]
        return super().value(formula)

    def slope(self, above: Formula, below: Formula) -> Tensor:
        """∂yₜ[j] / ∂uₜ[k], by autograd."""
        assert (formula_text(above), formula_text(below)) == ("∂yₜ[j]", "∂uₜ[k]")
        row = self.values["u"][self.at["t"] - 1].detach().requires_grad_()
        return torch.autograd.grad(row.softmax(0)[self.at["j"] - 1], row)[0][self.at["k"] - 1]

    def product(self, parts: list[Formula]) -> Tensor:
        if isinstance(parts[0], ProductOver):
            rest = [part for part in parts[1:] if part != INVISIBLE_PRODUCT]
            return torch.stack([self.where(t=t).product(rest) for t in range(1, STEPS + 1)]).prod()
        return super().product(parts)

    def over(self, index: str, rest: list[Formula], all_parts: list[Formula]) -> Tensor:
        if index == "π":
            paths = product(range(1, CLASSES + 1), repeat=STEPS)
            right = [p for p in paths if tuple(k for k, _ in groupby(p) if k != BLANK) == LABEL]
            return torch.stack([replace(self, path=path).product(rest) for path in right]).sum()
        return super().over(index, rest, all_parts)

    def entry_of(self, name: MathName, inner: Formula) -> Tensor:
        table, place = self.values[name.base], self.number(inner) - 1
        step = (STEPS if name.index == "T" else int(self.now(name.index))) - 1
        inside = 0 <= place < table.shape[1]
        return table[step, place] if inside else torch.zeros((), dtype=torch.float64)

    def skip(self, state: int) -> Tensor:
        return self.values["m"][state - 1] if state <= len(STATES) else torch.zeros(()).double()

    def number(self, formula: Formula) -> int:
        """The number of a class or state."""
        match formula:
            case MathName("b"):
                return BLANK
            case MathName("π"):
                return self.path[self.at["t"] - 1]
            case MathName("l", index=index):
                return LABEL[int(index) - 1]
            case MathName("l′", index=index):
                state = self.at["s"] + {"s": 0, "s+1": 1, "s+2": 2, "s−2": -2}[index]
                return STATES[state - 1] if 1 <= state <= len(STATES) else 0
            case MathName("S"):
                return len(STATES)
            case Row((one,)):
                return self.number(one)
            case Row((left, Operator("+"), right)):
                return self.number(left) + self.number(right)
            case Row((left, Operator("−"), right)):
                return self.number(left) - self.number(right)
        return int(super().value(formula))


def given() -> tuple[Tables, Tensor]:
    torch.manual_seed(2)
    scores = torch.randn(STEPS, CLASSES, dtype=torch.float64, requires_grad=True)
    empty = torch.zeros(STEPS, len(STATES), dtype=torch.float64)
    values = {"u": scores, "y": scores.softmax(1), "α": empty.clone(), "β": empty.clone(), "γ": empty.clone()}
    return Tables(values, {"k": CLASSES, "j": CLASSES, "t": STEPS, "s": len(STATES)}), scores


def where(lines: list[EquationLine], left: str) -> list[Formula]:
    """The right sides of an equation, in the order of its chain."""
    found = [total(line.right) for line in lines if formula_text(line.left) == left]
    assert found, left
    return found


def test_every_equation_against_all_alignments() -> None:
    tables, scores = given()
    values = tables.values
    stages = (Stage.EQUATIONS, Stage.NORMAL, Stage.LOSS, Stage.ADJOINT, Stage.GRADIENTS)
    lines = lines_of(ctc_derivation(), *stages)

    def close(found: Tensor, truth: Tensor) -> None:
        torch.testing.assert_close(found, truth, **CLOSE)

    (softmax,) = where(lines, "yₜ[k]")
    for t, k in product(range(1, STEPS + 1), range(1, CLASSES + 1)):
        close(tables.where(t=t, k=k).value(softmax), values["y"][t - 1, k - 1])
    by_paths, by_alpha, by_both = where(lines, "P")
    chance = tables.value(by_paths)
    values["P"] = chance
    (skip,) = where(lines, "m_s")
    values["m"] = torch.stack([tables.where(s=s).value(skip) for s in range(1, len(STATES) + 1)])
    # Before the second state there is none to come from.
    assert values["m"][2:].tolist() == [0, 1, 0, 0, 0]

    for state in (1, 2):
        values["α"][0, state - 1] = tables.value(where(lines, f"α₁[{state}]")[0]).detach()
    (alpha,), (beta,) = where(lines, "αₜ[s]"), where(lines, "βₜ[s]")
    for t, s in product(range(2, STEPS + 1), range(1, len(STATES) + 1)):
        values["α"][t - 1, s - 1] = tables.where(t=t, s=s).value(alpha).detach()
    close(tables.value(by_alpha), chance.detach())
    for left in ("β_T[S]", "β_T[S − 1]"):
        values["β"][-1, len(STATES) - 1 - ("1" in left)] = tables.value(where(lines, left)[0])
    for t, s in product(range(STEPS - 1, 0, -1), range(1, len(STATES) + 1)):
        values["β"][t - 1, s - 1] = tables.where(t=t, s=s).value(beta).detach()
    (gamma,) = where(lines, "γₜ[s]")
    for t in range(1, STEPS + 1):
        close(tables.where(t=t).value(by_both), chance.detach())
        for s in range(1, len(STATES) + 1):
            values["γ"][t - 1, s - 1] = tables.where(t=t, s=s).value(gamma).detach()

    (written,) = where(lines, "E")
    loss = tables.value(written)
    by_score, by_y = torch.autograd.grad(loss, [scores, values["y"]])
    values["by y"] = by_y
    (of_y,), (of_softmax,), chain = (
        where(lines, left) for left in ("∂E / ∂yₜ[k]", "∂yₜ[j] / ∂uₜ[k]", "∂E / ∂uₜ[k]")
    )
    values |= {name: table.detach() for name, table in values.items()}
    sides = _sides()
    for t, k in product(range(1, STEPS + 1), range(1, CLASSES + 1)):
        here = tables.where(t=t, k=k)
        close(here.value(of_y), by_y[t - 1, k - 1])
        for j in range(1, CLASSES + 1):
            close(here.where(j=j).value(of_softmax), here.where(j=j).slope(*sides))
        for formula in chain:
            close(here.value(formula), by_score[t - 1, k - 1])

    # The package computes the same.
    label = torch.tensor(LABEL) - 1
    close(ctc_loss(scores, label, STEPS, len(LABEL), reduction="sum"), loss)
    close(ctc_occupancy(scores, label, STEPS, len(LABEL))[:, 0], values["γ"])
    plain = label_tables(scores.tolist(), label.tolist())
    for name, table in (("α", plain.alpha), ("β", plain.beta), ("γ", plain.occupancy)):
        close(torch.tensor(table, dtype=torch.float64), values[name])
    close(torch.tensor(plain.gradients, dtype=torch.float64), by_score)
    close(torch.tensor(plain.loss, dtype=torch.float64), loss.detach())
    close(torch.tensor(sum(p for _, p in plain.alignments()), dtype=torch.float64), chance.detach())


def _sides() -> tuple[Formula, Formula]:
    (line,) = [
        line
        for line in lines_of(ctc_derivation(), Stage.GRADIENTS)
        if formula_text(line.left) == "∂yₜ[j] / ∂uₜ[k]"
    ]
    assert isinstance(line.left, Fraction)
    return line.left.above, line.left.below


def test_a_run_with_this_loss(command: Command, tmp_path: Path) -> None:
    data = write_speech(tmp_path / "speech.npz", phrases(4))
    bptt.train(
        "transcribe",
        data,
        tmp_path / "run",
        epochs=1,
        hidden_size=4,
        num_layers=1,
        held_out=0,
        progress=False,
    )
    ended = command("derive", tmp_path / "run")
    assert (ended.code, ended.err) == (0, "")
    assert "δzₜ = oₜ − qₜ" in ended.out and "αₜ[s] = yₜ[l′_s] (αₜ₋₁[s]" in ended.out


@pytest.mark.parametrize("notation", [[], ["--latex"], ["--html"], ["--stage", "gradients"], ["--numbers"]])
def test_the_command(command: Command, notation: list[str]) -> None:
    ended = command("derive", "ctc", *notation)
    assert (ended.code, ended.err) == (0, "")
    assert "softmax minus occupancy" in ended.out


def test_numbers_of_another_label(command: Command) -> None:
    ended = command("derive", "ctc", "--numbers", "--targets", "1,1", "--steps", 3, "--seed", 4)
    assert ended.code == 0 and "of the label, 1 in number" in ended.out and "1, b, 1" in ended.out
    assert command("derive", "ctc", "--numbers", "--stage", "adjoint").code == 0


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--sizes", "3,4"), "ctc has no layers, sizes or weights, got --sizes"),
        (("--loss", "softmax"), "ctc has no layers, sizes or weights, got --loss"),
        (("--numbers", "--rate", "1"), "ctc has no layers, sizes or weights, got --rate"),
        (("--seed", "1"), "--seed goes with --numbers"),
        (("--numbers", "--steps", "3"), "--steps: this label needs 4 steps, got 3. Give more steps"),
        (("--numbers", "--steps", "9"), "numbers: at most 8 time steps are written out, got 9"),
        (("--numbers", "--targets", "1,0"), "a symbol is 1 or more; 0 is the blank, got 1, 0"),
        (("--numbers", "--targets", "1,7"), "needs whole numbers from 0 to 5, got 7"),
        (("--numbers", "--stage", "loss"), "is one of shapes, normal, adjoint, gradients, numbers here"),
    ],
)
def test_options_that_do_not_fit_are_refused(
    command: Command, options: tuple[str, ...], message: str
) -> None:
    ended = command("derive", "ctc", *options)
    assert ended.code == 2 and message in ended.err
