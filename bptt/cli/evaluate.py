"""`bptt evaluate`: the metrics of a trained model on labelled data."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from bptt.cli.answers import print_json
from bptt.cli.commands import make_command
from bptt.cli.sources import averaged
from bptt.errors import InputError
from bptt.files import check_folder

if TYPE_CHECKING:
    from bptt.options.choices import Choices


TITLE = "Print the metrics of a trained model on labelled data."


def command() -> Any:
    """Return the command."""
    from bptt.jobs.commands import evaluate_options

    return make_command("evaluate", evaluate_options(), _evaluate, TITLE)


def _evaluate(choices: Choices) -> None:
    figures = choices.get("figures")
    if figures is not None:
        check_folder(figures)
    from bptt.cli.machine import prepare

    prepare()
    from bptt.cli.scores import draw_report, print_report
    from bptt.jobs.commands import check_own, leading_runs
    from bptt.jobs.loading import load
    from bptt.jobs.registry import find_drawing, job_of_run

    runs, data = leading_runs(choices.get("run"), choices.get("data"))
    choices = replace(choices, given={**choices.given, "data": data})
    job = job_of_run(runs[0])
    check_own(choices, job.options)
    if len(runs) > 1 and not data:
        rule = "must be named for several runs, as one may have learned what another held out"
        raise InputError("data", rule, "none", "Name a file that no run has learned from")
    trained = load(runs, choices.get("device"))
    found = job.evaluate(trained, runs[0], choices)
    found = replace(found, notes=(*averaged(runs), *found.notes))
    if choices.get("json"):
        print_json(found.record)
    else:
        print_report(found)
    if figures is not None:
        # A program that reads the JSON expects nothing else on standard output.
        where = sys.stderr if choices.get("json") else sys.stdout
        draw_report(found, find_drawing(job), figures, where)
