"""The equations of cells as the text that an exported model carries."""

from __future__ import annotations

from collections.abc import Sequence

from bptt.cells.cell import Cell


def equations_text(cells: Sequence[Cell]) -> str:
    """Return the names and equations of the cells of all layers, each cell once."""
    return "\n\n".join(f"{cell.name}: {cell.title}\n{cell}" for cell in dict.fromkeys(cells))
