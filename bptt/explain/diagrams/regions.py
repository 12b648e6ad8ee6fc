"""Parts of a large cell that hand on one value: each is one box of the cell and has a diagram of its own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from bptt.cells.cell import Cell
from bptt.cells.expression import symbols, to_text
from bptt.cells.language import Equation

# A cell of more equations than this is drawn in parts of at least three.
MOST_EQUATIONS, LEAST_PART = 12, 3


@dataclass(frozen=True)
class Region:
    """Equations whose only value that is read elsewhere is the last one, `result`."""

    result: str
    equations: tuple[Equation, ...]

    @property
    def targets(self) -> frozenset[str]:
        """The values that the equations define."""
        return frozenset(equation.target for equation in self.equations)

    @property
    def reads(self) -> tuple[str, ...]:
        """The names that come from elsewhere, in reading order."""
        found = (name for equation in self.equations for name in symbols(equation.expression))
        return tuple(dict.fromkeys(name for name in found if name not in self.targets))


def regions(cell: Cell) -> tuple[Region, ...]:
    """Return the parts of a cell, in the order of their results; none for a cell that is not large."""
    if len(cell.equations) <= MOST_EQUATIONS:
        return ()
    readers: dict[str, set[str]] = {equation.target: set() for equation in cell.equations}
    for equation in cell.equations:
        for name in symbols(equation.expression):
            if name in readers:
                readers[name].add(equation.target)
    kept = {*cell.states, cell.output}
    found: list[Region] = []
    taken: set[str] = set()
    for equation in reversed(cell.equations):
        result = equation.target
        if result in kept or result in taken:
            continue
        inside = {result}
        for earlier in reversed(cell.equations):
            read_by = readers[earlier.target]
            if earlier.target not in kept and read_by and read_by <= inside:
                inside.add(earlier.target)
        if len(inside) >= LEAST_PART:
            taken |= inside
            found.append(Region(result, tuple(e for e in cell.equations if e.target in inside)))
    return tuple(reversed(found))


def alike(cell: Cell, found: tuple[Region, ...]) -> Iterator[tuple[Region, ...]]:
    """Yield the regions in groups of the same form, which differ in names alone."""
    groups: dict[str, list[Region]] = {}
    for region in found:
        groups.setdefault(_form(cell, region), []).append(region)
    yield from map(tuple, groups.values())


def _form(cell: Cell, region: Region) -> str:
    """Return the equations of a region with its own values and parameters renamed."""
    numbers = {equation.target: f"#{k}" for k, equation in enumerate(region.equations)}
    numbers |= {name: name.rpartition("_")[0] for name in (*cell.matrices, *cell.vectors)}
    text = "; ".join(to_text(equation.expression) for equation in region.equations)
    return re.sub(r"[^\W\d]\w*", lambda found: numbers.get(found[0], found[0]), text)
