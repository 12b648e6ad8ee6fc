"""`bptt derive`: back-propagation of a cell, or of a layer of a trained model, derived and printed."""

from __future__ import annotations

import sys
from pathlib import Path
from shutil import get_terminal_size
from typing import TYPE_CHECKING, Any

from bptt.cli.commands import make_command
from bptt.cli.derive_alone import check_criterion, check_layer_options, check_one_diagram, refuse
from bptt.cli.drawn import has_diagrams, one_diagram, write_figures
from bptt.cli.language import language
from bptt.explain.document import Stage
from bptt.explain.network_options import NetworkOptions
from bptt.explain.notation_of_texts import NamesFrom
from bptt.explain.numbers.options import NumbersOptions
from bptt.explain.options import DERIVE, DeriveOptions, LayerOptions
from bptt.explain.unrolled.options import UnrollOptions

if TYPE_CHECKING:
    from bptt.cells.cell import Cell
    from bptt.explain.document import Derivation
    from bptt.options.choices import Choices

# The stages that only a run has, and those that `--numbers` shows.
OF_A_RUN = (Stage.SHAPES, Stage.NUMBERS)
IN_NUMBERS = (*OF_A_RUN, Stage.NORMAL, Stage.ADJOINT, Stage.GRADIENTS)
# The options of the worked case of a loss over whole sequences that has one.
WORKED_CRITERIA = {"ctc": ("steps", "seed", "targets")}
# The options that write diagrams to files and to a page, for one that is wider than the terminal.
ELSEWHERE = ("--figures FOLDER", "--html")
STYLES = {
    "title": "bold",
    "heading": "bold cyan",
    "prose": "",
    "equation": "green",
    "numbers": "yellow",
    "code": "dim",
}


def command() -> Any:
    """Return the command."""
    about = (
        "From the equations to what has to be kept; of a trained layer with its shapes, its kernel, and the "
        "numbers of a step."
    )
    title = "Derive back-propagation through time of a cell or a run."
    return make_command("derive", DERIVE, _derive, title, about)


def _derive(choices: Choices) -> None:
    from bptt.cells import CATALOGUE
    from bptt.cli.derive_numbers import (
        asks_for_network,
        check_numbers,
        label_numbers,
        numbers_of,
        work_cells,
        work_run,
    )
    from bptt.errors import InputError
    from bptt.explain.criteria.registry import CRITERIA
    from bptt.explain.drawn import fitting
    from bptt.explain.notation_of_texts import in_notation_of_texts
    from bptt.explain.translation import translated
    from bptt.files import check_output

    wanted, asked = choices.make(DeriveOptions), choices.make(LayerOptions)
    network = choices.make(NetworkOptions)
    cell, stage, output = wanted.cell, wanted.stage, wanted.output
    texts = wanted.notation is NamesFrom.TEXTS
    if output is not None:
        check_output(output)
    is_run = cell not in CATALOGUE and Path(cell).is_dir()
    in_numbers = wanted.numbers and not (is_run and not asks_for_network(choices))
    if cell in CRITERIA:
        check_criterion(choices, cell, WORKED_CRITERIA.get(cell, ()))
    if wanted.draw is not None:
        check_one_diagram(choices)
    check_numbers(choices, in_numbers)
    if wanted.draw is not None:
        document = one_diagram(wanted, is_run, texts)
    elif (steps := choices.make(UnrollOptions).unroll) is not None:
        if is_run:
            raise InputError("bptt derive", "unrolls a cell", f"the run {cell}", "Name the cell of the run")
        document = _unrolled(_cells(cell, texts), wanted, asked, network, steps)
    elif is_run and texts:
        rule = "takes the names of the texts for a cell"
        raise InputError("bptt derive", rule, f"the run {cell}", "Name the cell of the run")
    elif cell in CRITERIA:
        document = label_numbers(choices) if in_numbers else CRITERIA[cell]()
        document = _only(document, stage)
    elif in_numbers:
        worked = work_run(Path(cell), choices) if is_run else work_cells(_cells(cell, texts), choices)
        if choices.make(NumbersOptions).csv:
            from bptt.explain.numbers.csv_table import csv_table

            _hand_over_csv(csv_table(worked.updated), output)
            return
        document = numbers_of(worked, stage)
    elif is_run:
        document = _of_run(Path(cell), asked, wanted)
    else:
        cells = _cells(cell, texts)
        check_layer_options(choices, cells[0].name)
        document = _of_cells(cells, network, wanted)
    if texts and cell not in CRITERIA:
        document = in_notation_of_texts(document, _cells(cell, texts))
    spoken = language(wanted.lang)
    if wanted.figures is not None:
        figures = translated(document, spoken)
        if not has_diagrams(figures):
            refuse(choices, "`figures` needs diagrams", ("stage", "unroll", "numbers"))
        write_figures(figures, wanted.figures)
        if wanted.asks_for_figures_alone:
            return
    if output is None and not (wanted.latex or wanted.html) and sys.stdout.isatty():
        _show(translated(fitting(document, get_terminal_size().columns, *ELSEWHERE), spoken))
    else:
        _hand_over(translated(document, spoken), wanted.latex, wanted.html, output)


def _cells(spec: str, texts: bool) -> tuple[Cell, ...]:
    """Return the cells of a list, in the letters of the texts if they are asked for."""
    from bptt.cells import load
    from bptt.cli.derive_numbers import names_of
    from bptt.explain.cells_of_texts import in_texts

    cells = tuple(map(load, names_of(spec)))
    return tuple(map(in_texts, cells)) if texts else cells


def _of_cells(cells: tuple[Cell, ...], network: NetworkOptions, wanted: DeriveOptions) -> Derivation:
    """Return the derivation of a cell, or of a network of cells."""
    from bptt.errors import InputError
    from bptt.explain.drawn import architecture_of, with_diagrams
    from bptt.explain.kernel_section import only_stage
    from bptt.explain.network.whole_network import derive_cells
    from bptt.explain.network_options import network_of
    from bptt.explain.unrolled.document import UNROLLED

    stage = wanted.stage
    if stage in OF_A_RUN:
        raise InputError(
            "bptt derive", "shapes and numbers are those of a run", cells[0].name, "Name its folder"
        )
    if stage in UNROLLED:
        cure = "Give a number of steps, --unroll 3"
        raise InputError("bptt derive", f"{stage.value} is unrolled", cells[0].name, cure)
    document = derive_cells(cells, network, None if stage is Stage.DIAGRAMS else stage)
    if stage is Stage.KERNEL:
        from bptt.explain.annotate import with_kernel_lines

        document = with_kernel_lines(document, cells[0])
    if wanted.draws_all:
        document = with_diagrams(document, cells, architecture_of(network_of(cells, network)))
    return document if stage is None else only_stage(document, stage)


def _unrolled(
    cells: tuple[Cell, ...],
    wanted: DeriveOptions,
    asked: LayerOptions,
    network: NetworkOptions,
    steps: int,
) -> Derivation:
    """Return the derivation of a cell with a number of time steps written out."""
    from bptt.errors import InputError
    from bptt.explain.unrolled.document import BEFORE, UNROLLED, unrolled

    others = network.embedding or network.rows or wanted.numbers or asked != LayerOptions()
    if others or (wanted.stage is not None and wanted.stage not in (*BEFORE, *UNROLLED)):
        sections = ", ".join(stage.value for stage in (*BEFORE, *UNROLLED))
        rule = "--unroll goes with --loss, --sizes, --notation and --stage, which is one of"
        raise InputError("bptt derive", f"{rule} {sections}", wanted.cell)
    if len(cells) > 1:
        raise InputError("bptt derive", "--unroll writes one cell out", wanted.cell)
    document = unrolled(cells[0], steps, network.widths, network.loss)
    return document if wanted.stage is None else document.only(wanted.stage)


def _only(document: Derivation, stage: Stage | None) -> Derivation:
    """Return one section of a document, or all. Raises InputError for a section that it lacks."""
    from bptt.errors import InputError

    there = [section.stage for section in document.sections]
    if stage is not None and stage not in there:
        raise InputError("stage", f"is one of {', '.join(each.value for each in there)} here", stage.value)
    return document if stage is None else document.only(stage)


def _of_run(run: Path, asked: LayerOptions, wanted: DeriveOptions) -> Derivation:
    """Return the derivation of a layer of a trained model."""
    from bptt.cli.machine import prepare

    prepare()
    from bptt.cli.sources import source_of
    from bptt.explain.kernel_section import only_stage
    from bptt.explanation import explain_run, has_text_of_its_own

    stage, html = wanted.stage, wanted.html
    on_page, numbers = html and stage is None, wanted.numbers or asked.of_a_step
    example = asked.text is not None or asked.data is not None or has_text_of_its_own(run)
    document = explain_run(
        run,
        numbers=numbers or stage is Stage.NUMBERS or (on_page and example),
        kernel=on_page or stage is Stage.KERNEL,
        diagrams=wanted.draws_all,
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


def _hand_over_csv(table: str, output: Path | None) -> None:
    """Print a CSV table, or write it to a new file. Raises InputError if there is a file of that name."""
    from bptt.files import write_new

    if output is None:
        print(table, end="")
        return
    write_new(output, table.encode())
    print(f"numbers: {output}", file=sys.stderr)


def _hand_over(document: Derivation, latex: bool, html: bool, output: Path | None) -> None:
    """Print the document in the requested notation, or write it to a file.

    Raises MachineError if the file cannot be written, InputError if it exists and is no derivation.
    """
    from bptt.files import MARK, write_output

    written = _written(document, latex, html)
    if output is None:
        print(written, end="")
        return
    mark = "" if html else f"% {MARK}\n" if latex else f"({MARK})\n\n"
    write_output(output, f"{mark}{written}".encode("utf-8", "backslashreplace"))
    print(f"derivation: {output}", file=sys.stderr)


def _written(document: Derivation, latex: bool, html: bool) -> str:
    """Render the document in the requested notation; a page contains the mark of an output of bptt."""
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
