"""The definition of a cell: its equations and their names, as data that nothing has checked yet."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property

from bptt.cells.expression import is_scalar
from bptt.cells.language import PREVIOUS, Equation


@dataclass(frozen=True)
class Definition:
    """Equations in order, and which of their values are carried through time.

    Every value has `H` units unless `widths` gives it another letter; a value over a row has one.
    `init` gives the constant with which a family of parameters starts (others: uniform within ±1/√H).
    """

    name: str
    equations: tuple[Equation, ...]
    states: tuple[str, ...] = ()
    output: str = ""
    title: str = ""
    source: str = ""
    inputs: tuple[str, ...] = ("x",)
    widths: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, float] = field(default_factory=dict)
    init: Mapping[str, float] = field(default_factory=dict)

    def __str__(self) -> str:
        return "\n".join(equation.text for equation in self.equations)

    @cached_property
    def targets(self) -> tuple[str, ...]:
        """The values that the equations define, in order."""
        return tuple(equation.target for equation in self.equations)

    @cached_property
    def values(self) -> frozenset[str]:
        """The names that are not parameters: inputs, constants, targets, previous states."""
        previous = (state + PREVIOUS for state in self.states)
        return frozenset((*self.inputs, *self.constants, *self.targets, *previous))

    @cached_property
    def scalars(self) -> frozenset[str]:
        """Values with one number a row: sums and means over a row, and what is made of them alone."""
        found: set[str] = set()
        for equation in self.equations:
            if is_scalar(equation.expression, found | set(self.constants)):
                found.add(equation.target)
        return frozenset(found)

    def width(self, name: str) -> str:
        """Return the letter of a value's width: "I" for the input, "1" for a value over a row, else "H"."""
        base = name.removesuffix(PREVIOUS)
        if base in self.scalars:
            return "1"
        return self.widths.get(base, "I" if base in self.inputs else "H")
