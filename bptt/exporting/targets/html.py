"""HTML: a page in which a language model runs, for any browser, without a server or a network."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from bptt.errors import InputError
from bptt.exporting.options import ExportOptions
from bptt.exporting.target import Target
from bptt.jobs.loading import load
from bptt.jobs.registry import job_of
from bptt.live.live_page import live_page
from bptt.runs.run_folder import HELD_OUT, read_held_out

# The page begins with at most N characters of a text that the model did not learn.
_EXAMPLE = 160
_SHORT = "The model reads this text as you type."


def _of_run(run: Path, options: ExportOptions) -> tuple[Mapping[str, bytes], Mapping[str, float]]:
    options.refuse_others("html")
    trained = load(run)
    job = job_of(trained)
    if not job.reads_on:
        cure = "Use `bptt predict`, or `bptt inspect` for a page"
        raise InputError("html", "needs a language model", f"a {job.options.called}", cure)
    page = live_page(trained, f"Language model: {run.name}", _example(run))
    return {"live.html": page.encode()}, {}


def _example(run: Path) -> str:
    """Return the beginning of the text that was held out."""
    path = run / HELD_OUT
    found = read_held_out(run) if path.exists() and path.stat().st_size else ""
    start = found.lstrip()[:_EXAMPLE]
    return start.rpartition(" ")[0] or start or _SHORT


TARGET = Target("html", _of_run, is_file=True)
