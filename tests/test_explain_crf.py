"""The loss of a conditional random field, derived: its equations carried out, beside all paths added up."""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from itertools import product

import pytest
import torch
from conftest import Command
from torch import Tensor
from written_formulas import Meaning, lines_of

from bptt.explain.criteria.tag_sequences import crf_derivation
from bptt.explain.document import EquationLine, Stage
from bptt.explain.formula_tree import Fenced, Formula, MathName, Row, total
from bptt.explain.plain import formula_text
from bptt.nn.crf import CRF

TAGS, STEPS = 3, 4
# Exponentials of sums of ten numbers near 1, added and divided: some hundred operations in float64.
CLOSE = {"rtol": 1e-11, "atol": 1e-12}


@dataclass
class Tables(Meaning):
    """A meaning in which uₜ[k] is an entry, P(…) a probability, and yₜ the tag of a sequence."""

    tags: tuple[int, ...] = ()

    def value(self, formula: Formula) -> Tensor:
        match formula:
            case Row((MathName(base="P"), Fenced(_))):
                return self.values[self.written(formula)]
            case Row((MathName("s"), Fenced(MathName()))):
                return self.score(self.tags, STEPS)
            case MathName("s", index="t"):
                return self.score(self.tags, self.at["t"], whole=False)
            case Row((MathName() as name, Fenced(inner, "[", "]"))):
                parts = inner.parts[::2] if isinstance(inner, Row) else (inner,)
                return self.values[self.key(name)][tuple(self.tag(part) for part in parts)]
            case MathName("y"):
                return torch.tensor(float(self.tag(formula)))
            case MathName(("j" | "k") as base):
                return torch.tensor(float(self.at[base] - 1))
        return super().value(formula)

    def key(self, formula: Formula) -> str:
        if isinstance(formula, MathName) and formula.index == "T":
            formula = replace(formula, index=str(STEPS))
        return super().key(formula)

    def tag(self, name: Formula) -> int:
        assert isinstance(name, MathName)
        if name.base != "y":
            return self.at[name.base] - 1
        return self.tags[STEPS - 1 if name.index == "T" else int(self.now(name.index)) - 1]

    def written(self, probability: Row) -> str:
        """P of tags, with the numbers of steps and tags."""
        text = formula_text(probability).translate(str.maketrans("₁₊ₜ", "1+t"))
        text = text.replace("_T", str(STEPS)).replace("y", "")
        text = re.sub(r"\bt(\+1)?", lambda found: str(self.at["t"] + bool(found[1])), text)
        return re.sub(r"= ([jk])", lambda found: f"= {self.at[found[1]]}", text)

    def score(self, tags: tuple[int, ...], steps: int, whole: bool = True) -> Tensor:
        u = torch.stack([self.values[f"u{_low(t)}"] for t in range(1, STEPS + 1)])
        found = self.values["a"][tags[0]] + sum(u[t, tags[t]] for t in range(steps))
        found = found + sum(self.values["A"][tags[t], tags[t + 1]] for t in range(steps - 1))
        return found + (self.values["c"][tags[-1]] if whole else 0)

    def over(self, index: str, rest: list[Formula], all_parts: list[Formula]) -> Tensor:
        if index in ("y", "y′"):
            steps = STEPS if index == "y′" else self.at["t"]
            paths = product(range(TAGS), repeat=steps)
            return torch.stack([replace(self, tags=path).product(rest) for path in paths]).sum()
        if index == "t<T":
            return sum((self.where(t=t).product(rest) for t in range(1, STEPS)), torch.zeros(()).double())
        return super().over(index, rest, all_parts)


def _low(number: int) -> str:
    return str(number).translate(str.maketrans("0123456789", "₀₁₂₃₄₅₆₇₈₉"))


def given() -> tuple[Tables, dict[str, Tensor], Tensor]:
    """Random scores, and the scores of all paths."""
    torch.manual_seed(5)
    leaves = {name: torch.randn(TAGS).double() for name in ("a", "c")}
    leaves["A"] = torch.randn(TAGS, TAGS).double()
    leaves |= {f"u{_low(t)}": torch.randn(TAGS).double() for t in range(1, STEPS + 1)}
    leaves = {name: value.requires_grad_() for name, value in leaves.items()}
    tables = Tables(dict(leaves), {"k": TAGS, "j": TAGS, "t": STEPS})
    scores = torch.stack([tables.score(path, STEPS) for path in product(range(TAGS), repeat=STEPS)])
    return tables, leaves, scores


def where(lines: list[EquationLine], left: str) -> list[Formula]:
    """The right sides of an equation, in the order of its chain."""
    found = [total(line.right) for line in lines if formula_text(line.left) == left]
    assert found, left
    return found


def check(found: Tensor, expected: Tensor | float) -> None:
    torch.testing.assert_close(found, torch.as_tensor(expected, dtype=torch.float64), **CLOSE)


def test_every_equation_against_all_paths() -> None:
    tables, leaves, scores = given()
    document = crf_derivation()
    stages = (Stage.EQUATIONS, Stage.NORMAL, Stage.LOSS, Stage.ADJOINT, Stage.GRADIENTS)
    lines = lines_of(document, *stages)
    paths = list(product(range(TAGS), repeat=STEPS))
    z = scores.exp().sum()
    tables.values["Z"] = z
    right = (1, 0, 0, 2)
    loss = -(scores[paths.index(right)] - z.log())
    gradients = dict(zip(leaves, torch.autograd.grad(loss, list(leaves.values())), strict=True))
    tables.tags = right

    (score,) = where(lines, "s(y)")
    check(tables.value(score), scores[paths.index(right)])
    check(tables.value(where(lines, "P(y)")[0]), torch.exp(-loss))
    tables.values["P()"] = torch.exp(-loss)
    for formula in where(lines, "E"):
        check(tables.value(formula), loss)

    (first,) = where(lines, "α₁[k]")
    tables.values["α₁"] = torch.stack([tables.where(k=k, t=1).value(first) for k in (1, 2, 3)])
    for t in range(1, STEPS):
        for formula in where(lines, "αₜ₊₁[k]"):
            tables.values[f"α{_low(t + 1)}"] = torch.stack(
                [tables.where(k=k, t=t).value(formula) for k in (1, 2, 3)]
            )
            here = [sum_of(scores_so_far(tables, t + 1), k) for k in range(TAGS)]
            check(tables.values[f"α{_low(t + 1)}"], torch.stack(here))
        (logarithm,) = where(lines, "ln(αₜ₊₁[k])")
        check(tables.where(k=2, t=t).value(logarithm), here[1].log())
    for t, formula in product(range(1, STEPS + 1), [f for f in where(lines, "Z") if "P" not in str(f)]):
        if "β" not in formula_text(formula):
            check(tables.where(t=t).value(formula), z)

    (last,) = where(lines, "β_T[k]")
    tables.values[f"β{_low(STEPS)}"] = torch.stack([tables.where(k=k).value(last) for k in (1, 2, 3)])
    (earlier,) = where(lines, "βₜ[j]")
    for t in range(STEPS - 1, 0, -1):
        tables.values[f"β{_low(t)}"] = torch.stack([tables.where(j=j, t=t).value(earlier) for j in (1, 2, 3)])
    (sum_of_products,) = [f for f in where(lines, "Z") if "β" in formula_text(f)]
    (single,), (pair,) = where(lines, "P(yₜ = k)"), where(lines, "P(yₜ = j, yₜ₊₁ = k)")
    chances = scores.exp() / z
    for t in range(1, STEPS + 1):
        check(tables.where(t=t).value(sum_of_products), z)
        for k in range(1, TAGS + 1):
            here = tables.where(t=t, k=k)
            check(here.value(single), chances[[p[t - 1] == k - 1 for p in paths]].sum())
            tables.values[f"P({t} = {k})"] = here.value(single)
            for j in range(1, TAGS + 1) if t < STEPS else ():
                both = here.where(j=j)
                truth = chances[[p[t - 1] == j - 1 and p[t] == k - 1 for p in paths]].sum()
                check(both.value(pair), truth)
                tables.values[f"P({t} = {j}, {t + 1} = {k})"] = truth

    entries = {"∂E / ∂a[k]": "a", "∂E / ∂c[k]": "c", "∂E / ∂A[j, k]": "A"}
    for left, name in entries.items():
        (formula,) = where(lines, left)
        for j, k in product((1, 2, 3), repeat=2):
            place = (j - 1, k - 1) if name == "A" else (k - 1,)
            check(tables.where(j=j, k=k).value(formula), gradients[name][place])
    (formula,) = where(lines, "∂E / ∂uₜ[k]")
    for t, k in product(range(1, STEPS + 1), (1, 2, 3)):
        check(tables.where(t=t, k=k).value(formula), gradients[f"u{_low(t)}"][k - 1])


def scores_so_far(tables: Tables, steps: int) -> dict[tuple[int, ...], Tensor]:
    return {path: tables.score(path, steps, whole=False) for path in product(range(TAGS), repeat=steps)}


def sum_of(scores: dict[tuple[int, ...], Tensor], last: int) -> Tensor:
    """The sum over beginnings that end in a tag."""
    found = [score for path, score in scores.items() if path[-1] == last]
    return torch.stack(found).exp().sum()


def test_the_module_has_the_same_loss() -> None:
    tables, leaves, scores = given()
    crf = CRF(TAGS, dtype=torch.float64)
    with torch.no_grad():
        crf.start.copy_(leaves["a"])
        crf.transitions.copy_(leaves["A"])
        crf.end.copy_(leaves["c"])
    emissions = torch.stack([leaves[f"u{_low(t)}"] for t in range(1, STEPS + 1)])[:, None]
    tags = torch.tensor([1, 0, 0, 2])[:, None]
    check(crf.log_likelihood(emissions, tags)[0], tables.score((1, 0, 0, 2), STEPS) - scores.logsumexp(0))


@pytest.mark.parametrize("notation", [[], ["--latex"], ["--html"], ["--stage", "gradients"]])
def test_the_command(command: Command, notation: list[str]) -> None:
    ended = command("derive", "crf", *notation)
    assert (ended.code, ended.err) == (0, "")
    assert "expected minus observed" in ended.out


@pytest.mark.parametrize("option", [("--loss", "softmax"), ("--sizes", "3,4"), ("--unit", 2)])
def test_it_takes_no_options_of_layers(command: Command, option: tuple[object, ...]) -> None:
    ended = command("derive", "crf", *option)
    assert ended.code == 2 and "crf has no layers, sizes or numbers" in ended.err
