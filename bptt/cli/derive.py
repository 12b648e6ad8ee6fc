"""`bptt derive`: the back-propagation of a cell, derived and printed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bptt.derive.printing.document import Stage

if TYPE_CHECKING:
    from bptt.derive.printing.document import Derivation

STAGES = ", ".join(stage.value for stage in Stage)
STYLES = {"title": "bold", "heading": "bold cyan", "prose": "", "equation": "green"}


def derive(
    cell: Annotated[str, typer.Argument(help="A name of the catalogue (bptt cells), or mycell.py:MyCell.")],
    stage: Annotated[
        Stage | None, typer.Option(metavar="STAGE", help=f"One section alone: {STAGES}.")
    ] = None,
    numbers: Annotated[
        bool, typer.Option("--numbers", help="With dense: a small network worked through, node by node.")
    ] = False,
    latex: Annotated[bool, typer.Option("--latex", help="LaTeX for a document with amsmath.")] = False,
    html: Annotated[bool, typer.Option("--html", help="One self-contained page.")] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Write to this file, not to the terminal.")
    ] = None,
) -> None:
    """Derive back-propagation through time of a cell, from its equations to what has to be kept."""
    from bptt.cells import load
    from bptt.derive.printing.derivation import derivation
    from bptt.errors import InputError

    if latex and html:
        raise InputError("bptt derive", "one of --latex and --html")
    if numbers:
        _show_numbers(cell, alone=stage is None and output is None and not (latex or html))
        return
    whole = derivation(load(cell))
    document = whole if stage is None else whole.only(stage)
    if output is None and not (latex or html) and sys.stdout.isatty():
        _show(document)
        return
    written = _written(document, latex, html)
    if output is None:
        print(written, end="")
    else:
        output.write_text(written, encoding="utf-8")


def _show_numbers(cell: str, alone: bool) -> None:
    """The worked example, which is one of text and of the dense layer."""
    from bptt.derive.printing.worked import worked_text
    from bptt.derive.worked import example
    from bptt.errors import InputError

    if cell != "dense" or not alone:
        raise InputError("bptt derive", "--numbers goes with dense and no other option", cell)
    print(worked_text(example()), end="")


def _written(document: Derivation, latex: bool, html: bool) -> str:
    """The document in the notation that is asked for."""
    from bptt.derive.printing.latex import latex as to_latex
    from bptt.derive.printing.page import page
    from bptt.derive.printing.text import text

    write = to_latex if latex else page if html else text
    return write(document)


def _show(document: Derivation) -> None:
    """In colour, as wide as the terminal."""
    from rich.console import Console
    from rich.text import Text

    from bptt.derive.printing.text import WIDTH, text_lines

    console = Console()
    for line in text_lines(document, min(WIDTH, console.width)):
        console.print(Text(line.text, STYLES[line.kind.value]), soft_wrap=True)
