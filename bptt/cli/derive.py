"""`bptt derive`: the back-propagation of a cell, or of a trained model's layer, derived and printed."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bptt.cli.derive_run import Question
from bptt.explain.document import Stage

if TYPE_CHECKING:
    from bptt.explain.document import Derivation

STAGES = ", ".join(stage.value for stage in Stage)
# What only a run has, and what `--numbers` shows of it.
OF_A_RUN = (Stage.SHAPES, Stage.NUMBERS)
IN_NUMBERS = (*OF_A_RUN, Stage.NORMAL, Stage.ADJOINT, Stage.GRADIENTS)
STYLES = {
    "title": "bold",
    "heading": "bold cyan",
    "prose": "",
    "equation": "green",
    "numbers": "yellow",
    "code": "dim",
}


def derive(
    *,
    cell: Annotated[
        str, typer.Argument(help="Cell listed by `bptt cells`, mycell.py:MyCell, or a run folder.")
    ],
    stage: Annotated[
        Stage | None, typer.Option(metavar="STAGE", help=f"One section alone: {STAGES}.")
    ] = None,
    numbers: Annotated[
        bool,
        typer.Option(
            "--numbers", help="Show numbers: of a step (run folder), or of a small network (dense)."
        ),
    ] = False,
    latex: Annotated[bool, typer.Option("--latex", help="Write LaTeX for a document with amsmath.")] = False,
    html: Annotated[
        bool,
        typer.Option(
            "--html", help="Write one self-contained page; for a run folder with kernel and numbers."
        ),
    ] = False,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write instead of printing.")
    ] = None,
    text: Annotated[
        str | None,
        typer.Option(help="Text for a run folder, or a file of it. Default: the held-out text."),
    ] = None,
    data: Annotated[
        Path | None,
        typer.Option(help="File in the format that a run learned; its first example is used."),
    ] = None,
    step: Annotated[
        int | None, typer.Option(help="Step of the text. Default: one with a typical loss.")
    ] = None,
    layer: Annotated[int, typer.Option(help="Layer of the model, from 1.")] = 1,
    reverse: Annotated[bool, typer.Option("--reverse", help="Take the layer's backward direction.")] = False,
    part: Annotated[str | None, typer.Option(help="Part of the model: encoder or decoder.")] = None,
    unit: Annotated[
        int | None, typer.Option(help="Unit whose numbers are shown. Default: the one with the largest δ.")
    ] = None,
) -> None:
    """Derive back-propagation through time of a cell or a run.

    From the equations to what has to be kept; of a trained layer with its shapes, its kernel, and the
    numbers of a step.
    """
    from bptt.cells import CATALOGUE
    from bptt.errors import InputError
    from bptt.files import check_output

    if latex and html:
        raise InputError("bptt derive", "one of --latex and --html")
    if text is not None and data is not None:
        raise InputError("bptt derive", "one of --text and --data")
    if output is not None:
        check_output(output)
    question = Question(text, data, part, layer, reverse, step, unit)
    if cell not in CATALOGUE and Path(cell).is_dir():
        document = _of_run(Path(cell), question, stage, numbers, html)
    elif numbers:
        _show_numbers(cell, alone=stage is None and output is None and not (latex or html))
        return
    else:
        document = _of_cell(cell, question, stage)
    _hand_over(document, latex, html, output)


def _of_cell(cell: str, question: Question, stage: Stage | None) -> Derivation:
    """The derivation of a cell that has no sizes yet."""
    from bptt.cells import load
    from bptt.derive.normal_form import normal_form
    from bptt.errors import InputError
    from bptt.explain.annotate import passages
    from bptt.explain.derivation import derivation
    from bptt.explain.kernel import with_kernel

    found = load(cell)
    if question.is_asked or stage in OF_A_RUN:
        raise InputError("bptt derive", "shapes and numbers are those of a run", cell, "Name its folder")
    whole = derivation(found)
    if stage is Stage.KERNEL:
        whole = with_kernel(whole, normal_form(found), passages(found))
    return _only(whole, stage)


def _of_run(run: Path, question: Question, stage: Stage | None, numbers: bool, html: bool) -> Derivation:
    """The derivation of a trained model's layer."""
    from bptt.cli.derive_run import derive_run, has_text_of_its_own

    on_page, numbers = html and stage is None, numbers or question.of_a_step
    example = question.text is not None or question.data is not None or has_text_of_its_own(run)
    whole = derive_run(
        run,
        question,
        numbers=numbers or stage is Stage.NUMBERS or (on_page and example),
        kernel=on_page or stage is Stage.KERNEL,
    )
    if numbers and stage is None and not html:
        return whole.only(*IN_NUMBERS)
    return _only(whole, stage)


def _only(document: Derivation, stage: Stage | None) -> Derivation:
    """One section of a document, or all."""
    from dataclasses import replace

    from bptt.explain.kernel import kernel_section

    if stage is Stage.KERNEL:
        document = replace(document, sections=(kernel_section(document),))
    return document if stage is None else document.only(stage)


def _show_numbers(cell: str, alone: bool) -> None:
    """The worked example, which is one of text and of the dense layer."""
    from bptt.derive.worked import example
    from bptt.errors import InputError
    from bptt.explain.worked import worked_text

    if cell != "dense" or not alone:
        rule = "--numbers goes with a run, or with dense and no other option"
        raise InputError("bptt derive", rule, cell)
    print(worked_text(example()), end="")


def _hand_over(document: Derivation, latex: bool, html: bool, output: Path | None) -> None:
    """Print the document in the notation that is asked for, or write it to a file.

    Raises MachineError if that cannot be written, InputError if it would replace what is no derivation.
    """
    from bptt.files import MARK, write_output

    if output is None and not (latex or html) and sys.stdout.isatty():
        _show(document)
        return
    written = _written(document, latex, html)
    if output is None:
        print(written, end="")
        return
    mark = "" if html else f"% {MARK}\n" if latex else f"({MARK})\n\n"
    write_output(output, f"{mark}{written}".encode("utf-8", "backslashreplace"))
    print(f"derivation: {output}", file=sys.stderr)


def _written(document: Derivation, latex: bool, html: bool) -> str:
    """The document in the notation that is asked for; a page carries the mark of an output."""
    from bptt.explain.latex import latex as to_latex
    from bptt.explain.page import page
    from bptt.explain.text import text
    from bptt.files import MARK

    if html:
        first, rest = page(document).split("\n", 1)
        return f"{first}\n<!-- {MARK} -->\n{rest}"
    return to_latex(document) if latex else text(document)


def _show(document: Derivation) -> None:
    """In colour, as wide as the terminal."""
    from rich.console import Console
    from rich.text import Text

    from bptt.explain.text import WIDTH, text_lines

    console = Console()
    for line in text_lines(document, min(WIDTH, console.width)):
        console.print(Text(line.text, STYLES[line.kind.value]), soft_wrap=True)
