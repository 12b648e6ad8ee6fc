"""The diagrams of `bptt derive`: one by its name, or all as files."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from bptt.explain.document import Derivation
    from bptt.explain.options import DeriveOptions


def one_diagram(wanted: DeriveOptions, is_run: bool, texts: bool) -> Derivation:
    """Return a document with one diagram of a cell.

    Raises InputError for a run, a stage beside the diagram, or a diagram that only a cell with states has.
    """
    from bptt.cells import load
    from bptt.errors import InputError
    from bptt.explain.cells_of_texts import in_texts
    from bptt.explain.document import Derivation, Section, Stage
    from bptt.explain.drawn import diagrams

    if is_run or wanted.stage is not None or wanted.draw is None:
        rule = "--draw is for a cell, without --stage"
        raise InputError("bptt derive", rule, wanted.cell, "For a run choose --stage diagrams")
    cell = in_texts(load(wanted.cell)) if texts else load(wanted.cell)
    found, name = diagrams(cell), wanted.draw.value
    key = next((key for key in (name, f"{cell.name}-{name}") if key in found), None)
    if key is None:
        rule = f"--draw {name} needs a cell with states"
        raise InputError("bptt derive", rule, cell.name, "Choose cell or graph")
    return Derivation(cell.title, (), (Section(Stage.DIAGRAMS, "Diagrams", (found[key],)),))


def has_diagrams(document: Derivation) -> bool:
    """Return whether some diagram is part of the document."""
    from bptt.explain.diagrams.diagram import Diagram

    return any(isinstance(part, Diagram) for section in document.sections for part in section.parts)


def write_figures(document: Derivation, folder: Path) -> None:
    """Write the diagrams of a document as SVG files.

    Raises InputError if a file of one of the names is not an earlier output, or there are no diagrams.
    """
    from bptt.errors import InputError
    from bptt.explain.diagrams.diagram import Diagram
    from bptt.explain.diagrams.grid_layout import layout
    from bptt.explain.diagrams.svg import svg_file
    from bptt.files import MARK, check_folder, check_output, make_folder, write_output

    parts = (part for section in document.sections for part in section.parts)
    files = {folder / f"{_file_name(part.name)}.svg": part for part in parts if isinstance(part, Diagram)}
    if not files:
        raise InputError("bptt derive", "`figures` needs diagrams", "none in this document")
    check_folder(folder)
    for path in files:
        check_output(path)
    make_folder(folder)
    for path, diagram in files.items():
        first, rest = svg_file(layout(diagram)).split("\n", 1)
        write_output(path, f"{first}\n<!-- {MARK} -->\n{rest}".encode("utf-8", "backslashreplace"))
    print(f"diagrams: {folder}", file=sys.stderr)


def _file_name(name: str) -> str:
    """Return a name that is safe for a file: the name of a cell may hold anything."""
    return "".join(c if c.isalnum() or c in "-_." else "_" for c in name).lstrip(".") or "diagram"
