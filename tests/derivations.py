"""Every kind of derivation that bptt writes, by name: what a translation has to cover."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import partial

from bptt.cells import CATALOGUE, Cell
from bptt.explain import derivation
from bptt.explain.annotate import with_kernel_lines
from bptt.explain.document import Derivation
from bptt.explain.kernel_section import kernel_section


def _of_cell(cell: Cell) -> Derivation:
    document = with_kernel_lines(derivation(cell), cell)
    return replace(document, sections=(*document.sections, kernel_section(document)))


DERIVATIONS: Mapping[str, Callable[[], Derivation]] = {
    **{name: partial(_of_cell, cell) for name, cell in CATALOGUE.items()},
}
