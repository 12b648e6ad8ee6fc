"""Which forward values back-propagation keeps, and which it computes again from those (B6)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from bptt.cells.cell import Cell
from bptt.derive.adjoint import adjoint
from bptt.derive.normal_form import Step, normal_form


@dataclass(frozen=True)
class Storage:
    """`kept` values are stored for every time step; `recomputed` steps run again from them.

    The input and the states of every step are there in any case: they come in or go out.
    """

    cell: Cell
    kept: tuple[str, ...]
    recomputed: tuple[Step, ...]

    @property
    def formula(self) -> str:
        """Numbers stored for a whole sequence, in T, B, H, P: kept values and the states."""
        letters = [normal_form(self.cell).width(name) for name in (*self.kept, *self.cell.states)]
        parts = []
        for letter in dict.fromkeys(letters):
            count = letters.count(letter)
            parts.append(letter if count == 1 else f"{count}·{letter}" if letter != "1" else str(count))
        if len(parts) < 2:
            return f"T·B·{parts[0]}" if parts else "0"
        return f"T·B·({' + '.join(parts)})"


@cache
def storage(cell: Cell) -> Storage:
    """Keep what only a linear map can give; compute again what follows from it element by element."""
    form = normal_form(cell)
    free = {*cell.inputs, *form.previous, *cell.states, *cell.vectors, *cell.constants}
    wanted = set(adjoint(cell).reads)
    available, kept = set(free), []
    for step in form.steps:
        if not step.products and available.issuperset(step.names):
            available.add(step.target)
        elif step.target in wanted - free:
            kept.append(step.target)
            available.add(step.target)
    again = []
    for step in reversed(form.steps):
        if step.target in wanted - free - set(kept):
            again.append(step)
            wanted.update(step.names)
    return Storage(cell, tuple(kept), tuple(reversed(again)))
