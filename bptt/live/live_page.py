"""A trained model as one HTML page in which it runs: no server, no network, no library."""

from __future__ import annotations

from pathlib import Path

from bptt.files import write_output
from bptt.jobs.language.model import Trained
from bptt.live.live_model import cells_text, language_data
from bptt.report.standalone import SHARED, Standalone, read_files, script_literal

_FILES = Path(__file__).parent / "page_parts"
_CODE = Path(__file__).parents[1] / "codegen" / "javascript"
# The scripts of the worker, those shared with reports, and those that draw, each in the order of joining.
_ENGINE = ("vocabulary", "language", "numbers", "work")
_PIECES = ("words", "payload", "elements", "colours", "theme")
_DRAWING = ("client", "bars", "strip", "reach", "changes", "pair", "step", "sampling", "link", "main")


def write_live_page(trained: Trained, path: Path, title: str = "", example: str = "") -> None:
    """Write the page of a model: see `live_page`. Equal models give equal bytes.

    Raises InputError as `live_page` does, and if it would replace what is no page of ours; MachineError if it
    cannot be written.
    """
    write_output(path, live_page(trained, title or path.stem, example).encode())


def live_page(trained: Trained, title: str, example: str = "") -> str:
    """Return the page of a language model, with its weights in float16.

    `example` is the text that it begins with. Raises InputError for an output layer of a
    package, and a vocabulary that jieba cuts.
    """
    style = "".join([*read_files(SHARED, ["page.css"]), *read_files(_FILES, ["live.css"])])
    engine = "\n".join(
        [
            '"use strict";',
            *read_files(_CODE, ["functions.js", "sums.js", "stack.js"]),
            f"const CELLS = {cells_text(trained.model.recurrent)};",
            *read_files(SHARED, ["random.js"]),
            *read_files(_FILES, [f"{name}.js" for name in _ENGINE]),
        ]
    )
    scripts = [
        *read_files(SHARED, [f"{name}.js" for name in _PIECES]),
        f"const ENGINE = {script_literal(engine)};",
        *read_files(_FILES, [f"{name}.js" for name in _DRAWING]),
    ]
    return Standalone("bptt live", title, style, scripts, language_data(trained, title, example)).text()
