"""Evaluate formulas as they are written, in float64: an equation of a document is a statement to check."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from bptt.explain.document import Derivation, EquationLine, Equations, Stage
from bptt.explain.formula_tree import (
    HADAMARD,
    INVISIBLE_PRODUCT,
    MINUS,
    PLUS,
    Digits,
    Fenced,
    Formula,
    Fraction,
    FunctionName,
    MathName,
    Operator,
    Raised,
    Row,
    SumOver,
    WrittenMatrix,
)
from bptt.explain.plain import formula_text

FUNCTIONS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "σ": torch.sigmoid,
    "tanh": torch.tanh,
    "ReLU": torch.relu,
    "exp": torch.exp,
    "ln": torch.log,
    "softplus": torch.nn.functional.softplus,
    "softmax": lambda z: torch.softmax(z, 0),
    "diag": lambda v: torch.diag(v[:, 0]),
}


@dataclass
class Meaning:
    """The values of names, by how they are written; vectors are columns, or matrices of rows.

    `at` has the values of running indices, from 1, and `ranges` how far they run. `unknown` makes the value
    of a name that has none.
    """

    values: dict[str, Tensor]
    ranges: Mapping[str, int] = field(default_factory=dict)
    at: Mapping[str, int] = field(default_factory=dict)
    unknown: Callable[[MathName], Tensor] | None = None

    def where(self, **at: int) -> Meaning:
        return replace(self, at={**self.at, **at})

    def key(self, formula: Formula) -> str:
        """How a name or derivative is written at the present step."""
        if isinstance(formula, Fraction):
            return f"{self.key(formula.above)}/{self.key(formula.below)}"
        assert isinstance(formula, MathName)
        # A cluster by its number, while one is gone through.
        layer = f"c{self.at['c']}" if formula.layer == "c" and "c" in self.at else formula.layer
        return formula_text(replace(formula, index=self.now(formula.index), layer=layer))

    def now(self, index: str) -> str:
        if "t" not in self.at:
            return index
        if index == "T":
            return str(self.ranges["t"])
        found = re.sub(r"t([+−]1)?", lambda m: str(self.at["t"] + {"+1": 1, "−1": -1}.get(m[1], 0)), index)
        return found

    def name(self, formula: MathName) -> Tensor:
        if (key := self.key(formula)) in self.values:
            return self.values[key]
        letters = [c for c in formula.index if c != ","]
        if letters and all(c in self.at or c.isdecimal() for c in letters) and "t" not in letters:
            whole = self.values.get(self.key(replace(formula, index="")))
            if whole is None:
                whole = self.values[self.key(replace(formula, index="t"))]
            place = [(int(c) if c.isdecimal() else self.at[c]) - 1 for c in letters]
            return whole[tuple(place)] if len(place) > 1 else whole[place[0], 0]
        if formula.base in self.at and not formula.index:
            return torch.tensor(float(self.at[formula.base]))
        if formula == MathName("T"):
            return torch.tensor(float(self.ranges["t"]))
        if self.unknown is None:
            raise KeyError(key)
        return self.values.setdefault(key, self.unknown(formula))

    def value(self, formula: Formula) -> Tensor:
        match formula:
            case MathName():
                return self.name(formula)
            case Digits(text):
                return torch.tensor(0.5 if text == "½" else float(text), dtype=torch.float64)
            case Fenced(inner, index=""):
                return self.value(inner)
            case Fenced(inner, index=index):
                place = [self.at[c] - 1 for c in index]
                return self.value(inner)[tuple(place)] if len(place) > 1 else self.value(inner)[place[0], 0]
            case Fraction(MathName(mark="∂"), MathName(mark="∂")):
                return self.values[self.key(formula)]
            case Fraction(above, below):
                return self.value(above) / self.value(below)
            case Raised(base, "T"):
                return self.value(base).T
            case Raised(Fenced(inner, "‖"), "2"):
                return (self.value(inner) ** 2).sum()
            case Raised(base, exponent):
                return self.value(base) ** int(exponent)
            case WrittenMatrix(rows):
                return torch.cat([torch.cat([self.entry(e) for e in row], 1) for row in rows], 0)
            case Row(parts):
                return self.sum(parts)
        raise TypeError(formula)

    def entry(self, formula: Formula) -> Tensor:
        found = self.value(formula)
        return found if found.dim() else found[None, None]

    def sum(self, parts: tuple[Formula, ...]) -> Tensor:
        groups: list[tuple[int, list[Formula]]] = []
        for part in parts:
            if part in (PLUS, MINUS):
                groups.append((1 if part == PLUS else -1, []))
            else:
                if not groups:
                    groups.append((1, []))
                groups[-1][1].append(part)
        total = torch.zeros((), dtype=torch.float64)
        for sign, group in groups:
            total = total + sign * self.product(group)
        return total

    def product(self, parts: list[Formula]) -> Tensor:
        for k, part in enumerate(parts):
            if isinstance(part, SumOver):
                rest = [p for p in parts[k + 1 :] if p != INVISIBLE_PRODUCT]
                total = self.over(part.index, rest, parts[k + 1 :])
                before = parts[:k]
                while before and before[-1] == INVISIBLE_PRODUCT:
                    before = before[:-1]
                return self.product(before) * total if before else total
        result: Tensor | None = None
        chunk: list[Formula] = []
        for part in [*parts, HADAMARD]:
            if part == HADAMARD:
                found = self.chain(chunk)
                result = found if result is None else result * found
                chunk = []
            else:
                chunk.append(part)
        assert result is not None
        return result

    def over(self, index: str, rest: list[Formula], all_parts: list[Formula]) -> Tensor:
        match rest:
            case [Fenced(inner, index=same)] if same == index and index not in self.ranges:
                return self.value(inner).sum(0, keepdim=True)
        tail = all_parts[1:] if all_parts[0] == INVISIBLE_PRODUCT else all_parts
        letter = index[0]
        bounds = range(1, self.ranges[letter] + 1)
        if "≤" in index or ">" in index:
            limit = self.ranges[index[-1]]
            bounds = range(1, limit + 1) if "≤" in index else range(limit + 1, self.ranges[letter] + 1)
        return sum((self.where(**{letter: n}).product(tail) for n in bounds), torch.zeros(()).double())

    def chain(self, parts: list[Formula]) -> Tensor:
        """A product of factors beside each other: of numbers, or of matrices."""
        factors: list[Tensor] = []
        rest = [p for p in parts if p != INVISIBLE_PRODUCT]
        while rest:
            match rest:
                case [FunctionName(name), Fenced(inner), *rest]:
                    factors.append(FUNCTIONS[name](self.value(inner)))
                case [Digits("1"), Fenced(Row((left, sign, right)), "[", "]"), *rest]:
                    pair = self.value(left), self.value(right)
                    same = pair[0] > pair[1] if sign == Operator(">") else pair[0] == pair[1]
                    factors.append(same.double())
                case [one, *rest]:
                    factors.append(self.value(one))
        result = factors[0]
        for factor in factors[1:]:
            scalar = result.numel() == 1 or factor.numel() == 1
            result = result * factor if scalar else result @ factor
        return result


def lines_of(document: Derivation, *stages: Stage) -> list[EquationLine]:
    """The equations of sections; a line that continues a chain has the left side of the chain."""
    found: list[EquationLine] = []
    for section in document.sections:
        for part in section.parts if section.stage in stages else ():
            if isinstance(part, Equations):
                for line in part.lines:
                    left = found[-1].left if line.left == MathName("") else line.left
                    found.append(replace(line, left=left))
    return found
