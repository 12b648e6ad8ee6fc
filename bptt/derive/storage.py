"""The forward values that back-propagation keeps, and those that it computes again from them."""

from __future__ import annotations

from dataclasses import dataclass

from bptt.cells.caching import cached_by_cell
from bptt.cells.cell import Cell
from bptt.cells.expression import RowCall
from bptt.derive.adjoint import adjoint
from bptt.derive.normal_form import EquationStep, normal_form


@dataclass(frozen=True)
class Storage:
    """`kept` values are stored for every time step; `recomputed` steps run again from them.

    The input and the states of every step are there in any case: they come in or go out.
    """

    cell: Cell
    kept: tuple[str, ...]
    recomputed: tuple[EquationStep, ...]

    @property
    def formulas(self) -> dict[str, str]:
        """Numbers that are there when the backward pass runs, by mode, in T, B, H, P and S = √T.

        `keep`: kept values and states of all steps. `recompute`: states of all steps. `segments`: states of
        every S-th step, and beside them one segment of S steps with its kept values.
        """
        form = normal_form(self.cell)
        kept = [form.width(name) for name in self.kept]
        states = [form.width(name) for name in self.cell.states]
        return {
            "keep": _count("T·B", kept + states),
            "recompute": _count("T·B", states),
            "segments": _count("S·B", states + kept + states),
        }


def _count(steps: str, letters: list[str]) -> str:
    """Write the count of the numbers of `steps`, each with values of the widths `letters`."""
    parts = []
    for letter in dict.fromkeys(letters):
        count = letters.count(letter)
        parts.append(letter if count == 1 else f"{count}·{letter}" if letter != "1" else str(count))
    if len(parts) < 2:
        return f"{steps}·{parts[0]}" if parts else "0"
    return f"{steps}·({' + '.join(parts)})"


@cached_by_cell
def storage(cell: Cell) -> Storage:
    """Keep what only a linear map or a whole row can give; compute again what follows element by element."""
    form = normal_form(cell)
    free = {*cell.inputs, *form.previous, *cell.states, *cell.vectors, *cell.constants}
    wanted = set(adjoint(cell).reads)
    available, kept = set(free), []
    row_values: set[str] = set()
    for step in form.steps:
        missing = set(step.names) - available
        if isinstance(step.rest, RowCall):
            row_values.add(step.target)
        elif not step.products and step.target in wanted and missing <= row_values:
            # One number a row is stored more cheaply than what follows from it.
            kept += [name for name in step.names if name in missing]
            available |= {*missing, step.target}
            continue
        elif not step.products and not missing:
            available.add(step.target)
            continue
        if step.target in wanted - free:
            kept.append(step.target)
            available.add(step.target)
    again = []
    for step in reversed(form.steps):
        if step.target in wanted - free - set(kept):
            again.append(step)
            wanted.update(step.names)
    return Storage(cell, tuple(kept), tuple(reversed(again)))
