"""Which forward values back-propagation keeps, and which it computes again from those (B6)."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

from bptt.cells.cell import Cell
from bptt.derive.adjoint import adjoint
from bptt.derive.normal_form import NormalForm, Step, normal_form


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
        return f"T·B·({' + '.join(parts)})" if parts else "0"


@cache
def storage(cell: Cell) -> Storage:
    """Keep what only a linear map can give; compute again what follows from it element by element."""
    form = normal_form(cell)
    free = {*cell.inputs, *form.previous, *cell.states, *cell.vectors, *cell.constants}
    needed = set(adjoint(cell).reads) - free
    kept: list[str] = []
    again: dict[str, Step] = {}
    for step in form.steps:
        if step.target not in needed:
            continue
        chain = _chain(form, step.target, free | set(kept))
        if chain is None:
            kept.append(step.target)
        else:
            again.update((s.target, s) for s in chain)
    ordered = tuple(s for s in form.steps if s.target in again and s.target not in kept)
    return Storage(cell, tuple(kept), ordered)


def _chain(form: NormalForm, name: str, available: set[str]) -> list[Step] | None:
    """The steps that give `name` from what is available without a linear map, or None."""
    if name in available:
        return []
    step = next((s for s in form.steps if s.target == name), None)
    if step is None or step.products:
        return None
    chain: list[Step] = []
    for source in step.names:
        part = _chain(form, source, available)
        if part is None:
            return None
        chain += part
    return [*chain, step]
