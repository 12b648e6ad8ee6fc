"""A time step in JavaScript, forward, backward, and what it adds to gradients: statements in order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import groupby

from bptt.cells.expression import ZERO, Expression, RowCall, Symbol, add, multiply
from bptt.codegen.javascript.javascript_names import formula, gradient_array, parameter_array, size
from bptt.codegen.javascript.value_places import Places
from bptt.codegen.layout import Base, Rows, member
from bptt.codegen.plan import KernelPlan
from bptt.codegen.statements import SCALAR
from bptt.derive.normal_form import EquationStep


@dataclass(frozen=True)
class StepLine:
    """A statement; with a `width` it runs for every unit j of that width."""

    text: str
    width: str = SCALAR


def written(lines: Iterable[StepLine]) -> list[str]:
    """Return the text. Neighbours of one width share a loop: each reads what has its own unit alone."""
    found: list[str] = []
    for width, group in groupby(lines, key=lambda line: line.width):
        texts = [line.text for line in group]
        loop = f"for (let j = 0; j < {size(width)}; j += 1)"
        if width == SCALAR:
            found += texts
        elif len(texts) == 1:
            found.append(f"{loop} {texts[0]}")
        else:
            found += [f"{loop} {{", *(f"  {text}" for text in texts), "}"]
    return found


class Steps:
    """Writes the steps of a plan."""

    def __init__(self, found: KernelPlan, places: Places) -> None:
        self._plan, self._places = found, places

    def forward(self) -> list[StepLine]:
        """Write a time step."""
        bases = {base.target: base for base in self._plan.bases}
        lines: list[StepLine] = []
        for item in self._plan.loop:
            if isinstance(item, EquationStep):
                lines += self._equation(item)
                continue
            for k, (target, start) in enumerate(zip(item.targets, item.bases, strict=True)):
                lines += self._base(bases.pop(start) if start else None, target)
                rows = Rows(item.rows.family, item.rows.first + k, 1)
                lines.append(self._product("addProduct", target, rows, item.source))
        # A base that no map continues has an array of its own, and waits for no state.
        alone = [line for base in bases.values() for line in self._base(base, base.target)]
        return [*alone, *lines]

    def backward(self) -> list[StepLine]:
        """Write a time step backward: what the step before waits for, then the rest."""
        lines: list[StepLine] = []
        for step in (*self._plan.backward_loop, *self._plan.backward_after):
            value = add(*(multiply(Symbol(term.delta), term.coefficient) for term in step.terms))
            if step.row:
                widths = [self._places.width(term.delta) for term in step.terms]
                width = next((letter for letter in widths if letter != SCALAR), SCALAR)
                lines += self._total(step.target, value, width)
                continue
            lines.append(self._assign(step.target, value, step.width))
            for gather in step.gathers:
                for k, delta in enumerate(gather.deltas):
                    rows = Rows(gather.rows.family, gather.rows.first + k, 1)
                    lines.append(self._product("addTransposed", step.target, rows, delta))
        return lines

    def gradients(self) -> list[StepLine]:
        """Write what a time step adds to the gradients of the parameters."""
        places, cell = self._places, self._plan.cell
        lines: list[StepLine] = []
        for vector in self._plan.vector_gradients:
            family, index = member(cell, vector.vector)
            width = cell.vectors[vector.vector]
            value = formula(vector.expression, places.read)
            lines.append(
                StepLine(f"{gradient_array(family)}[{places.vector_at(index, width)}] += {value};", width)
            )
        for matrix in self._plan.matrix_gradients:
            stack = places.family(matrix.rows.family)
            for deltas, source in matrix.terms:
                for k, delta in enumerate(deltas):
                    at = places.matrix_at(matrix.rows.first + k, stack)
                    operands = ", ".join((*places.place(delta), *places.place(source)))
                    lines.append(StepLine(f"addOuter({gradient_array(stack.name)}, {at}, {operands});"))
        return lines

    def _equation(self, step: EquationStep) -> list[StepLine]:
        match step.rest:
            case RowCall(function, argument):
                width = self._places.width(argument.name) if isinstance(argument, Symbol) else SCALAR
                divided = f" / {size(width)}" if function == "mean" and width != SCALAR else ""
                return self._total(step.target, argument, width, divided)
        return [self._assign(step.target, step.rest, step.width)]

    def _base(self, base: Base | None, target: str) -> list[StepLine]:
        """Write what a sum begins with."""
        rest, products = (base.rest, base.products) if base else (ZERO, ())
        maps = [
            self._product("addProduct", target, Rows(*member(self._plan.cell, p.matrix), 1), p.vector)
            for p in products
        ]
        return [self._assign(target, rest, self._places.width(target)), *maps]

    def _assign(self, target: str, value: Expression, width: str) -> StepLine:
        return StepLine(f"{self._places.read(target)} = {formula(value, self._places.read)};", width)

    def _total(self, target: str, value: Expression, width: str, divided: str = "") -> list[StepLine]:
        """Write the sum of a value over the units of a row."""
        summed = StepLine(f"row += {formula(value, self._places.read)};", width)
        return [StepLine("row = 0;"), summed, StepLine(f"{self._places.read(target)} = row{divided};")]

    def _product(self, function: str, target: str, rows: Rows, source: str) -> StepLine:
        """Write a product of one matrix, which is added to a value."""
        places = self._places
        family = places.family(rows.family)
        (y, at), (x, start) = places.place(target), places.place(source)
        matrix = f"{parameter_array(family.name)}, {places.matrix_at(rows.first, family)}"
        return StepLine(f"{function}({y}, {at}, {matrix}, {x}, {start});")
