"""The printed equations of a whole model as a system: each value is computed when another asks for it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, is_dataclass, replace
from itertools import product
from typing import Any

import torch
from torch import Tensor
from written_formulas import Meaning, lines_of

from bptt.explain.document import Derivation, EquationLine, Section, Stage
from bptt.explain.formula_tree import (
    Fenced,
    Formula,
    Fraction,
    FunctionName,
    MathName,
    Operator,
    Row,
    WrittenMatrix,
    total,
)
from bptt.explain.plain import formula_text

FORWARDS, BACKWARDS = "→", "←"
# The index of the step before is that of the step after in the other direction.
_TURNED = {"t−1": "t+1", "t+1": "t−1"}


@dataclass(frozen=True)
class Definition:
    """A line that gives a value at indices `at`: all of its right side, or the rows `slot` of it."""

    line: EquationLine
    at: Mapping[str, int]
    ranges: Mapping[str, int]
    slot: tuple[int, int] | None = None


@dataclass
class System(Meaning):
    """A meaning that knows the equations of the values that it lacks; `sizes` are the widths by symbol."""

    definitions: dict[str, Definition] = field(default_factory=dict)
    sizes: Mapping[str, int] = field(default_factory=dict)
    # Whether the loss reads some steps alone, and the others not.
    silent: bool = False
    # The numbers of words in the clusters of an adaptive softmax.
    words: Sequence[int] = ()

    def now(self, index: str) -> str:
        last = self.ranges["t"]
        index = re.sub(r"T(\+1)?", lambda m: str(last + bool(m[1])), index)
        index = re.sub(r"S(\+1)?", lambda m: str(self.ranges["s"] + bool(m[1])), index)
        shifts = {"+1": 1, "−1": -1, None: 0}
        known = "".join(letter for letter in "tsr" if letter in self.at)
        if not known:
            return index
        return re.sub(rf"([{known}])([+−]1)?", lambda m: str(self.at[m[1]] + shifts[m[2]]), index)

    def name(self, formula: MathName) -> Tensor:
        formula = self._of_all_units(formula)
        key = self.key(formula)
        if key not in self.values:
            if key in self.definitions:
                self.values[key] = self._defined(self.definitions[key])
            elif symbol(formula) in self.sizes and self._is_outside(self.now(formula.index)):
                return torch.zeros(self.sizes[symbol(formula)], 1, dtype=torch.float64)
        return super().name(formula)

    def value(self, formula: Formula) -> Tensor:
        match formula:
            case Fenced(inner, "|"):
                return self.value(inner).abs()
            case Row((FunctionName("max"), Fenced(MathName(subscripts=(*_, "i")) as each))):
                # Over all steps, unit by unit.
                found = [self.where(t=t).name(each) for t in range(1, self.ranges["t"] + 1)]
                return torch.stack(found).amax(0)
            case Row((FunctionName(("max" | "min") as name), Fenced(Row((one, Operator(","), other))))):
                pair = self.value(one), self.value(other)
                return torch.maximum(*pair) if name == "max" else torch.minimum(*pair)
            case Fraction(MathName(mark="∂")):
                return self._derivative(formula)
        return super().value(formula)

    def over(self, index: str, rest: list[Formula], all_parts: list[Formula]) -> Tensor:
        if index == "j" and "c" in self.at:
            inside = replace(self, ranges={**self.ranges, "j": self.words[self.at["c"] - 1]})
            return super(System, inside).over(index, rest, all_parts)
        return super().over(index, rest, all_parts)

    def _derivative(self, formula: Fraction) -> Tensor:
        key = self.key(formula)
        if key not in self.definitions and self.silent:
            assert isinstance(formula.below, MathName)
            return torch.zeros(self.sizes[symbol(formula.below)], 1, dtype=torch.float64)
        if key not in self.values:
            self.values[key] = self._defined(self.definitions[key])
        return self.values[key]

    def _of_all_units(self, name: MathName) -> MathName:
        """Return the vector in the place of its unit i."""
        whole = replace(name, subscripts=name.subscripts[:-1])
        return whole if name.subscripts[-1:] == ("i",) and symbol(whole) in self.sizes else name

    def _is_outside(self, index: str) -> bool:
        """Whether a step is before the first or after the last one, where states and their δ are 0."""
        return bool({"0", str(self.ranges["t"] + 1)} & set(index.split("←")))

    def _defined(self, found: Definition) -> Tensor:
        value = replace(self, at=found.at, ranges=found.ranges).value(total(found.line.right))
        if found.slot is None:
            return value
        first, last = found.slot
        # A number, 0, stands for a vector.
        return value[first:last] if value.dim() else value.expand(last - first, 1)

    def learn(self, section: Section, ranges: Mapping[str, int]) -> None:
        """Take over the lines of a section, of both directions; the first line for a value counts."""
        for line in lines_of(Derivation("", (), (section,)), section.stage):
            for each in (line, *_other_direction(line)):
                for definition in self._definitions(each, ranges):
                    here = replace(self, at=definition.at, ranges=ranges)
                    for left, slot in self._split(each.left):
                        self.definitions.setdefault(here.key(left), replace(definition, slot=slot))

    def _definitions(self, line: EquationLine, ranges: Mapping[str, int]) -> Iterator[Definition]:
        names = list(names_in(line.left))
        letters = [letter for letter in "ts" if any(letter in name.index for name in names)]
        letters += ["c"] if any(name.layer == "c" for name in names) else []
        for numbers in product(*(range(1, ranges[letter] + 1) for letter in letters)):
            yield Definition(line, dict(zip(letters, numbers, strict=True)), ranges)

    def _split(self, left: Formula) -> Iterator[tuple[Formula, tuple[int, int] | None]]:
        if not isinstance(left, WrittenMatrix):
            if isinstance(left, MathName):
                left = self._of_all_units(left)
            # A derivative by an entry, such as uₜ[k], or by an element is not a value of its own here.
            if isinstance(left, Fraction) and not isinstance(left.below, MathName):
                return
            indices = {letter for name in names_in(left) for letter in name.index}
            if isinstance(left, MathName | Fraction) and not indices & set("ijk"):
                yield left, None
            return
        start = 0
        for (entry,) in left.rows:
            below = entry.below if isinstance(entry, Fraction) else entry
            assert isinstance(below, MathName)
            yield entry, (start, start := start + self.sizes[symbol(below)])


def names_in(formula: Any) -> Iterator[MathName]:
    """The names in a formula, but for those without a letter."""
    if isinstance(formula, MathName):
        yield formula
    elif isinstance(formula, tuple):
        for each in formula:
            yield from names_in(each)
    elif is_dataclass(formula):
        for each in fields(formula):
            yield from names_in(getattr(formula, each.name))


def symbol(name: MathName) -> str:
    """A name without mark, index and direction, by which its width is known."""
    return formula_text(replace(name, mark="", index="", layer=name.layer.rstrip(FORWARDS + BACKWARDS)))


def _other_direction(line: EquationLine) -> tuple[EquationLine, ...]:
    layers = [name.layer[-1:] for name in names_in(line.left)]
    if FORWARDS not in layers or BACKWARDS in layers:
        return ()
    return (changed(line, _turned),)


def _turned(name: MathName) -> MathName:
    index = re.sub(r"t[+−]1", lambda m: _TURNED[m[0]], name.index)
    return replace(name, layer=name.layer.replace(FORWARDS, BACKWARDS), index=index)


def changed(formula: Any, change: Callable[[MathName], MathName]) -> Any:
    """A formula with every name changed; those of both directions at once are left as they are."""
    if isinstance(formula, MathName):
        return change(formula)
    if isinstance(formula, tuple):
        return tuple(changed(each, change) for each in formula)
    if is_dataclass(formula) and not isinstance(formula, type):
        found = {each.name: changed(getattr(formula, each.name), change) for each in fields(formula)}
        return replace(formula, **found)
    return formula


def gradient_lines(document: Derivation) -> dict[str, EquationLine]:
    """The lines ∇W = … by their left sides, of both directions."""
    lines = lines_of(document, Stage.SUMS, Stage.LAYERS)
    every = [each for line in lines for each in (line, *_other_direction(line))]
    return {
        formula_text(line.left): line
        for line in every
        if isinstance(line.left, MathName) and line.left.mark == "∇" and "w" not in line.left.index
    }
