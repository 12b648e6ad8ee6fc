"""HTML: a page in which a model runs, for any browser, without a server or a network."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from bptt.exporting.options import ExportOptions
from bptt.exporting.target import Target
from bptt.languages.available import language_of
from bptt.live.live_page import page_of_run


def _of_run(run: Path, options: ExportOptions) -> tuple[Mapping[str, bytes], Mapping[str, float]]:
    options.refuse_others("html", "lang")
    language = language_of(os.environ) if options.lang is None else options.lang
    return {"live.html": page_of_run(run, language).encode()}, {}


TARGET = Target("html", _of_run, is_file=True)
