"""A trained model as one HTML page in which it runs: no server, no network, no library."""

from __future__ import annotations

from pathlib import Path

from bptt.errors import InputError
from bptt.jobs.loading import load
from bptt.jobs.model_page import ModelPage
from bptt.jobs.registry import find_page, job_of
from bptt.languages.available import Language
from bptt.languages.phrase import table_of, translate
from bptt.live.live_model import cells_text, page_data
from bptt.report.standalone import SHARED, Standalone, read_files, script_literal

_FILES = Path(__file__).parent / "page_parts"
_CODE = Path(__file__).parents[1] / "codegen" / "javascript"
# Around the scripts that a job names: those of the worker, those shared with reports, and those that draw.
_ENGINE_BELOW, _ENGINE_ABOVE = ("layers", "numbers"), ("work",)
_PIECES = ("words", "payload", "elements", "colours", "theme")
_DRAWING_BELOW = ("client", "bars", "strip", "colouring", "reach", "map", "changes", "step", "link")
_DRAWING_ABOVE = ("start",)


def page_of_run(run: Path, language: Language = Language.EN) -> str:
    """Return the page of the model of a run folder. Equal models give equal pages.

    Raises InputError if the folder is no run, if no page runs models of its job, and for a part of the model
    that a page cannot run.
    """
    trained = load(run)
    job = job_of(trained)
    describe = find_page(job)
    if describe is None:
        cure = "Use `bptt predict`, or `bptt inspect` for a page"
        raise InputError("html", "no page runs such a model", f"a {job.options.called}", cure)
    page = describe(trained, run)
    return live_page(page, f"{translate(page.called, table_of(language))}: {run.name}", language)


def live_page(page: ModelPage, title: str, language: Language = Language.EN) -> str:
    """Return the page of a model, with its weights in float16."""
    style = "".join([*read_files(SHARED, ["page.css"]), *read_files(_FILES, ["live.css"])])
    engine = "\n".join(
        [
            '"use strict";',
            *read_files(_CODE, ["functions.js", "sums.js", "stack.js"]),
            f"const CELLS = {cells_text(page)};",
            *read_files(SHARED, ["random.js"]),
            *_scripts(*_ENGINE_BELOW, *page.engine, *_ENGINE_ABOVE),
        ]
    )
    scripts = [
        *read_files(SHARED, [f"{name}.js" for name in _PIECES]),
        f"const ENGINE = {script_literal(engine)};",
        *_scripts(*_DRAWING_BELOW, *page.drawing, *_DRAWING_ABOVE),
    ]
    return Standalone("bptt live", title, style, scripts, page_data(page, title, language)).text(language)


def _scripts(*names: str) -> list[str]:
    return read_files(_FILES, [f"{name}.js" for name in names])
