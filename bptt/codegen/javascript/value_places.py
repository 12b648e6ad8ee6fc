"""Where a value is: which array, and at which index of it at unit j of step t."""

from __future__ import annotations

from bptt.cells.language import PREVIOUS
from bptt.cells.parameters import Family
from bptt.codegen.javascript.javascript_names import identifier, number, parameter_array, place_at, size
from bptt.codegen.layout import StackedMap, member
from bptt.codegen.plan import KernelPlan
from bptt.codegen.statements import SCALAR
from bptt.derive.adjoint import DELTA, FROM_LOSS, FROM_NEXT


class Places:
    """The arrays of a plan, with the letters of their widths.

    `values` are what the forward pass computes, `deltas` what the backward pass computes, `losses` what it is
    given at each step. The start of a sum has no array of its own: it is written into that of the sum.
    """

    def __init__(self, found: KernelPlan) -> None:
        cell = self.cell = found.cell
        self.values = {state: cell.width(state) for state in cell.states}
        bases = {base.target: base.width for base in found.bases}
        for item in found.loop:
            if isinstance(item, StackedMap):
                self.values |= dict.fromkeys(item.targets, self.family(item.rows.family).rows)
                bases = {name: width for name, width in bases.items() if name not in item.bases}
            else:
                self.values[item.target] = item.width
        self.values |= bases
        self.deltas = {s.target: s.width for s in (*found.backward_loop, *found.backward_after)}
        self.losses = {FROM_LOSS + n: cell.width(n) for n in dict.fromkeys((*cell.states, cell.output))}

    @property
    def letters(self) -> tuple[str, ...]:
        """The letters of all widths but that of one number, sorted."""
        widths = {*self.values.values(), *self.deltas.values(), *map(self.cell.width, self.cell.inputs)}
        return tuple(sorted(widths - {SCALAR}))

    def family(self, name: str) -> Family:
        """Return the family of a name."""
        return next(family for family in self.cell.families if family.name == name)

    def width(self, name: str) -> str:
        """Return the letter of the width of a value or a δ."""
        known = self.values | self.deltas | self.losses
        plain = name.removeprefix(FROM_NEXT).removesuffix(PREVIOUS)
        return known[name] if name in known else self.cell.width(plain)

    def place(self, name: str) -> tuple[str, str]:
        """Return the array of a value and where its numbers of step t begin."""
        width, states = self.width(name), self.cell.states
        if width == SCALAR:
            return identifier(name), "t"
        if name.startswith(FROM_NEXT):
            return identifier(DELTA + name.removeprefix(FROM_NEXT) + PREVIOUS), place_at("next", width)
        if name in states:
            return identifier(name), place_at("next", width)
        state = name.removesuffix(PREVIOUS)
        return identifier(state if state in states else name), place_at("now", width)

    def read(self, name: str) -> str:
        """Return the number of a value, a δ, a vector parameter or a constant at unit j of step t."""
        if name in self.cell.constants:
            return number(float(self.cell.constants[name]))
        if name in self.cell.vectors:
            family, index = member(self.cell, name)
            return f"{parameter_array(family)}[{self.vector_at(index, self.cell.vectors[name])}]"
        array, at = self.place(name)
        return f"{array}[{at}]" if at == "t" else f"{array}[{at} + j]"

    def vector_at(self, index: int, letter: str) -> str:
        """Return where unit j of a member of a family of vectors is."""
        return f"{_times(index, size(letter))} + j" if index else "j"

    def matrix_at(self, index: int, family: Family) -> str:
        """Return where a member of a family of matrices begins, and its rows and columns."""
        rows, columns = size(family.rows), size(family.columns or SCALAR)
        start = _times(index, f"{rows} * {columns}") if index else "0"
        return f"{start}, {rows}, {columns}"


def _times(count: int, text: str) -> str:
    return text if count == 1 else f"{count} * {text}"
