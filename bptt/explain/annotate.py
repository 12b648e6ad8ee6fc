"""The lines of a kernel that compute each equation, as the code generator reports them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace

from bptt.cells.cell import Cell
from bptt.codegen.cpp.emit import source_lines
from bptt.codegen.plan import plan
from bptt.codegen.source_lines import Provenance, SourceLine
from bptt.derive.normal_form import normal_form
from bptt.explain.document import CodeLine, Derivation
from bptt.explain.kernel_section import Passage, with_kernel


def passages(cell: Cell, dtype: str = "float32") -> Mapping[str, Passage]:
    """Return the lines that compute each equation, by its target: a value, a δ, or a gradient as ∇W_i.

    `dtype` is that of the matrices, as for `bptt.codegen.cpp.emit.source`. Equations that no line computes
    are left out.
    """
    found: dict[str, Passage] = {}
    inside: dict[str, Passage] = {}
    for number, line in enumerate(source_lines(plan(cell), dtype), 1):
        for source in line.provenance:
            passage = _passage(number, line, source)
            _add(found, source.equations, passage)
            _add(inside, source.folded, replace(passage, within=source.equations))
    return {**inside, **found}


def with_kernel_lines(document: Derivation, cell: Cell) -> Derivation:
    """Return the derivation of a cell with the lines of its kernel next to each equation."""
    return with_kernel(document, normal_form(cell), passages(cell))


def _passage(number: int, line: SourceLine, source: Provenance) -> Passage:
    return Passage(
        () if source.repeated else (CodeLine(number, source.excerpt or line.text.strip()),),
        together=source.equations if len(source.equations) > 1 else (),
        stacked=source.stacked,
        later=source.later,
    )


def _add(found: dict[str, Passage], equations: Iterable[str], passage: Passage) -> None:
    """Add a passage to those of its equations; a recomputation is shown at the first computation only."""
    for name in equations:
        if passage.lines:
            found[name] = _joined(found[name], passage) if name in found else passage


def _joined(first: Passage, second: Passage) -> Passage:
    return Passage(
        (*first.lines, *second.lines),
        together=tuple(dict.fromkeys([*first.together, *second.together])),
        stacked=tuple(dict.fromkeys([*first.stacked, *second.stacked])),
        within=tuple(dict.fromkeys([*first.within, *second.within])),
        later=first.later,
    )
