"""`bptt derive`: the back-propagation of a cell, or of a trained model's layer, derived and printed."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from bptt.explain.document import Stage

if TYPE_CHECKING:
    from bptt.explain.document import Derivation

STAGES = ", ".join(stage.value for stage in Stage)
# The stages that only a run has, and those that `--numbers` shows of it.
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


@dataclass(frozen=True)
class Question:
    """The part of a run to derive; steps, layers and units count from 1, None is the default."""

    text: str | None = None
    data: Path | None = None
    part: str | None = None
    layer: int = 1
    reverse: bool = False
    step: int | None = None
    unit: int | None = None

    @property
    def of_a_step(self) -> bool:
        """Whether numbers are wanted, as something is asked that only they have."""
        return any(each is not None for each in (self.text, self.data, self.step, self.unit))


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
    asked = Question(text, data, part, layer, reverse, step, unit)
    if cell not in CATALOGUE and Path(cell).is_dir():
        document = _of_run(Path(cell), asked, stage, numbers, html)
    elif numbers:
        _show_numbers(cell, alone=stage is None and output is None and not (latex or html))
        return
    else:
        document = _of_cell(cell, asked, stage)
    _hand_over(document, latex, html, output)


def _of_cell(cell: str, asked: Question, stage: Stage | None) -> Derivation:
    """Derive a cell that has no sizes yet."""
    from bptt.cells import load
    from bptt.errors import InputError
    from bptt.explain import derivation
    from bptt.explain.annotate import with_kernel_lines
    from bptt.explain.kernel_section import only_stage

    found = load(cell)
    if asked != Question() or stage in OF_A_RUN:
        raise InputError("bptt derive", "shapes and numbers are those of a run", cell, "Name its folder")
    document = derivation(found)
    if stage is Stage.KERNEL:
        document = with_kernel_lines(document, found)
    return document if stage is None else only_stage(document, stage)


def _of_run(run: Path, asked: Question, stage: Stage | None, numbers: bool, html: bool) -> Derivation:
    """Derive a trained model's layer."""
    from bptt.cli.machine import prepare

    prepare()
    from bptt.cli.sources import source_of
    from bptt.explain.kernel_section import only_stage
    from bptt.explanation import explain_run, has_text_of_its_own

    on_page, numbers = html and stage is None, numbers or asked.of_a_step
    example = asked.text is not None or asked.data is not None or has_text_of_its_own(run)
    with _as_typed():
        document = explain_run(
            run,
            numbers=numbers or stage is Stage.NUMBERS or (on_page and example),
            kernel=on_page or stage is Stage.KERNEL,
            text=None if asked.text is None else source_of(asked.text),
            data=asked.data,
            part=asked.part,
            layer=asked.layer,
            reverse=asked.reverse,
            step=asked.step,
            unit=asked.unit,
        )
    if stage is not None:
        return only_stage(document, stage)
    return document.only(*IN_NUMBERS) if numbers and not html else document


@contextmanager
def _as_typed() -> Iterator[None]:
    """Let an error of `explain_run` name the command and its options as the user typed them."""
    from bptt.errors import InputError

    try:
        yield
    except InputError as error:
        if error.where == "explain_run":
            raise InputError("bptt derive", error.rule, error.got, "Give --text or --data") from error
        if error.where not in ("part", "layer", "reverse", "step", "unit"):
            raise
        raise InputError(f"--{error.where}", error.rule, error.got, error.cure) from error


def _show_numbers(cell: str, alone: bool) -> None:
    """Print the worked example of the dense layer, which has no other notation than text."""
    from bptt.derive.worked import example
    from bptt.errors import InputError
    from bptt.explain.worked_text import worked_text

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
    """Write the document in the requested notation; a page carries the mark of an output."""
    from bptt.explain.latex import latex as to_latex
    from bptt.explain.page import page
    from bptt.explain.text import text
    from bptt.files import MARK

    if html:
        first, rest = page(document).split("\n", 1)
        return f"{first}\n<!-- {MARK} -->\n{rest}"
    return to_latex(document) if latex else text(document)


def _show(document: Derivation) -> None:
    """Print the document in colour, as wide as the terminal."""
    from rich.console import Console
    from rich.text import Text

    from bptt.explain.text import WIDTH, text_lines

    console = Console()
    for line in text_lines(document, min(WIDTH, console.width)):
        console.print(Text(line.text, STYLES[line.kind.value]), soft_wrap=True)
