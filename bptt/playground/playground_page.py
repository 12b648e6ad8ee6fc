"""The page as one file: the language of cells, derivation, training and pictures, in JavaScript."""

from __future__ import annotations

from pathlib import Path

from bptt.cells.cell import Cell
from bptt.cells.expression import Call, walk
from bptt.cells.functions import FUNCTIONS
from bptt.errors import InputError
from bptt.files import write_output
from bptt.playground.language_tables import language_tables
from bptt.report.standalone import SHARED, Standalone, read_files, script_literal

_TITLE = "Recurrent cells, written and trained here"
_FILES = Path(__file__).parent / "page_parts"
_CODE = Path(__file__).parents[1] / "codegen" / "javascript"
# The scripts from the text of a cell to its derivation and its JavaScript, in the order of joining.
_ENGINE = (
    "expression",
    "cell_language",
    "definition",
    "rules",
    "derivation",
    "emission",
    "notation",
    "mathml",
)
# The scripts of the worker that trains, behind its cell; then those of the page, shared and its own.
_WORKER = ("problems", "network", "work")
_PIECES = ("words", "elements", "colours", "theme", "scales", "chart")
_DRAWING = ("problems", "settings", "address", "editor", "trainer", "pictures", "main")


def write_playground(path: Path, cell: Cell | None = None) -> None:
    """Write the page: see `playground_page`. Equal cells give equal bytes.

    Raises InputError as `playground_page` does, and if it would replace what is no page of ours;
    MachineError if it cannot be written.
    """
    write_output(path, playground_page(cell).encode())


def playground_page(cell: Cell | None = None) -> str:
    """Return the page, whose own cell begins as `cell`.

    Raises InputError if the cell calls a function that an installed package adds.
    """
    if cell is not None:
        _check_functions(cell)
    style = "".join([*read_files(SHARED, ["page.css"]), *read_files(_FILES, ["playground.css"])])
    worker = "\n".join(
        [
            *read_files(_CODE, ["functions.js", "sums.js", "stack.js"]),
            *read_files(SHARED, ["random.js"]),
            *read_files(_FILES, [f"{name}.js" for name in _WORKER]),
        ]
    )
    scripts = [
        *read_files(SHARED, [f"{name}.js" for name in _PIECES]),
        f"const WORKER = {script_literal(worker)};",
        f"const OWN = {script_literal(None if cell is None else cell.to_dict())};",
        f"const EXAMPLE = {script_literal(read_files(_FILES, ['example.txt'])[0])};",
        engine_text(),
        *read_files(_FILES, [f"{name}.js" for name in _DRAWING]),
    ]
    return Standalone("bptt playground", _TITLE, style, scripts, "").text()


def _check_functions(cell: Cell) -> None:
    for node in (node for equation in cell.equations for node in walk(equation.expression)):
        if isinstance(node, Call) and node.function not in FUNCTIONS:
            rule = "the page knows the functions of bptt alone"
            raise InputError(
                f"cell {cell.name!r}", rule, repr(node.function), f"Known: {', '.join(FUNCTIONS)}"
            )


def engine_text() -> str:
    """Return the scripts that read, derive and emit cells, with the tables that they are written from."""
    calls = f"{{ {', '.join(FUNCTIONS)} }}"
    return "\n".join(
        [
            *read_files(_CODE, ["functions.js"]),
            f"const CALLS = {calls};",
            f"const TABLES = {script_literal(language_tables())};",
            *read_files(_FILES, [f"{name}.js" for name in _ENGINE]),
        ]
    )
