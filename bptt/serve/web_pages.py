"""The pages of a server: its models with a form for each, and the live page of a model."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from bptt.live.live_page import page_of_run
from bptt.report.standalone import SHARED, Standalone, read_files, script_literal
from bptt.serve.served import Served

_FILES = Path(__file__).parent / "page_parts"
_TITLE = "Models that answer here"


def models_page(models: Iterable[Served]) -> str:
    """Return the page that lists loaded models, with forms that ask this server and no other address."""
    style = "".join([*read_files(SHARED, ["page.css"]), *read_files(_FILES, ["ask.css"])])
    listed = [{**each.info, "live": each.has_live_page} for each in models]
    scripts = [
        *read_files(SHARED, ["words.js", "elements.js", "theme.js"]),
        f"const MODELS = {script_literal(listed)};",
        *read_files(_FILES, ["ask.js"]),
    ]
    return Standalone("bptt serve", _TITLE, style, scripts, "", asks=True).text()


def make_live_page(served: Served) -> str:
    """Return the page in which a model runs. Raises InputError for a model that a page cannot run."""
    return page_of_run(served.run)
