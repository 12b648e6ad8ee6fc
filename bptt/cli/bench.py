"""`bptt bench`: this machine's speed, side by side with torch and others."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from math import inf
from time import monotonic
from typing import TYPE_CHECKING, Any

from bptt.bench.options import BENCH, BenchOptions
from bptt.cli.commands import make_command

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from bptt.bench.cases import Case
    from bptt.bench.request import Request
    from bptt.bench.results import Environment, Report
    from bptt.options.choices import Choices

# Seconds between lines of progress if standard error is no terminal.
_SECONDS = 10.0
# Width of tables in a file or a pipe, in columns.
_WIDTH = 180
# The first columns, which name the row, are never wrapped.
_NAMES = 2


def command() -> Any:
    """Return the command."""
    about = (
        "Peers take turns in one process, on the same number of threads.\n\n"
        "Peers other than torch take part if they are installed: pip install 'bptt[bench]'."
    )
    return make_command("bench", BENCH, _bench, "Time bptt, torch and others on the same work.", about)


def _bench(choices: Choices) -> None:
    from rich.console import Console

    from bptt.bench.page_section import check_page, check_place, write_page
    from bptt.bench.process_plan import choose
    from bptt.bench.run import carry_out
    from bptt.files import check_output, write_output

    asked = choices.make(BenchOptions)
    requests = choose(asked.what, asked.cells, asked.shapes, asked.threads, asked.rounds, asked.quick)
    if asked.json:
        check_place("json", asked.json)
        check_output(asked.json)
    if asked.output:
        check_page(asked.output, {case.section for request in requests for case in request.cases})
    with Console(stderr=True, highlight=False).status("") as status:
        progress = _Progress(sum(len(request.cases) for request in requests), status.update)
        on_machine = _Comparer(asked.output).on_machine
        report = carry_out(requests, shlex.join(["bptt", *sys.argv[1:]]), progress.on_start, on_machine)
    _print(report, Console(width=None if sys.stdout.isatty() else _WIDTH, highlight=False))
    if asked.json:
        write_output(asked.json, report.to_json().encode("utf-8"))
    if asked.output:
        write_page(asked.output, report)


class _Comparer:
    """Says, before anything is measured, if a page has numbers of another machine."""

    def __init__(self, page: Path | None) -> None:
        self._page = page

    def on_machine(self, place: Environment) -> None:
        """Compare the machine of the first process with those of the page."""
        from bptt.bench.page_section import other_machines

        for line in other_machines(self._page, place) if self._page else []:
            print(f"bptt: warning: {line}", file=sys.stderr, flush=True)
        self._page = None


class _Progress:
    """The current comparison: shown in place on a terminal, else as a line at most every ten seconds."""

    def __init__(self, total: int, show: Callable[[str], None]) -> None:
        self._total, self._show, self._done, self._printed = total, show, 0, -inf

    def on_start(self, request: Request, case: Case) -> None:
        """Show the comparison that starts."""
        self._done += 1
        threads = f"{request.threads} thread{'s' if request.threads > 1 else ''}"
        tuned = ", malloc tuned" if request.tuned else ""
        text = f"{self._done}/{self._total}  {threads}{tuned}: {case.title}"
        if sys.stderr.isatty():
            self._show(text)
        elif monotonic() - self._printed >= _SECONDS:
            print(text, file=sys.stderr, flush=True)
            self._printed = monotonic()


def _print(report: Report, console: Console) -> None:
    from rich.table import Table

    from bptt.bench.page_section import describe
    from bptt.bench.result_tables import notes, tables

    for table in tables(report):
        shown = Table(title=table.title, title_justify="left")
        for number, heading in enumerate(table.header):
            shown.add_column(heading, justify="right" if number else "left", no_wrap=number < _NAMES)
        for row in table.rows:
            shown.add_row(*row)
        console.print(shown)
    for line in (*describe(report), *notes(report)):
        console.print(line, markup=False)
