"""Chains of Jacobians between numbered steps, and the symbols that they are written with."""

from __future__ import annotations

from dataclasses import dataclass, replace

from bptt.derive.blocks import blocks
from bptt.derive.normal_form import NormalForm
from bptt.derive.unrolled import chain
from bptt.explain.document import EquationLine
from bptt.explain.formula_tree import (
    Digits,
    Fraction,
    MathName,
    Term,
    WrittenMatrix,
    derivative,
)
from bptt.explain.legend import TIME
from bptt.explain.notation import Notation

IMMEDIATE = "∂⁺"


@dataclass(frozen=True)
class Chains:
    """The chains of a cell: `state` stands for all its states, `read` for the value that the loss reads."""

    form: NormalForm
    state: MathName
    read: MathName

    @classmethod
    def of(cls, form: NormalForm) -> Chains:
        """Choose the symbols: those of the cell if it has one state, otherwise a letter that is free."""
        cell, symbols = form.cell, Notation(form, "").names
        taken = {*cell.targets, *cell.inputs, *cell.constants}
        free = MathName(next(letter for letter in "sSqQ" if letter not in taken))
        state = symbols[cell.states[0]] if len(cell.states) == 1 else free
        return cls(form, state, state if cell.output in cell.states else symbols[cell.output])

    def at(self, step: int | str) -> MathName:
        """Return the states at a step."""
        return replace(self.state, index=str(step))

    def read_at(self, step: int | str) -> MathName:
        """Return the value that the loss of a step reads."""
        return replace(self.read, index=str(step))

    def factors(self, last: int, first: int) -> tuple[Fraction, ...]:
        """Return the Jacobians from step `last`, where the loss reads, down to step `first`."""
        pairs = chain(last, first)
        tops = [self.read_at(last), *(self.at(step) for step, _ in pairs[1:])]
        return tuple(derivative(top, self.at(below)) for top, (_, below) in zip(tops, pairs, strict=False))

    def immediate(self, last: int, step: int, parameter: MathName) -> Fraction:
        """Return the immediate derivative, at a step, of the value that the loss of `last` reaches there."""
        return derivative(self.read_at(last) if step == last else self.at(step), parameter, IMMEDIATE)

    def loss_by_read(self, step: int | str) -> Fraction:
        """Return the derivative of the loss of a step by the value that it reads."""
        return derivative(MathName("E", index=str(step)), self.read_at(step))

    def stacked(self) -> EquationLine | None:
        """Write the Jacobian of several states as the matrix of its blocks; None if there is one state."""
        names, cell = Notation(self.form, TIME).names, self.form.cell
        if len(cell.states) == 1:
            return None
        found = blocks(cell)
        kept = None if found is None else {(block.target, block.source) for block in found}
        rows = tuple(
            tuple(
                derivative(names[state], names[previous])
                if kept is None or (state, previous) in kept
                else Digits("0")
                for previous in self.form.previous
            )
            for state in cell.states
        )
        left = derivative(self.at(TIME), self.at(f"{TIME}−1"))
        return EquationLine(left, (Term(False, WrittenMatrix(rows)),))


def free_letters(form: NormalForm) -> tuple[str, ...]:
    """Return letters for running indices that are no names of the cell; the first four are j, i, a, b."""
    taken = {*form.cell.targets, *form.cell.inputs, *form.cell.constants}
    return tuple(letter for letter in "jiabpquvwyz" if letter not in taken)


def entry(form: NormalForm, matrix: str) -> MathName:
    """Return the symbol of the entries of a matrix: r of R_h, r_i of R_i if there are several R."""
    symbol = Notation(form, "").names[matrix]
    alone = any(family.members == (matrix,) for family in form.cell.families)
    return MathName(symbol.base.lower(), () if alone else symbol.subscripts)
