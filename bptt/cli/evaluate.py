"""`bptt evaluate`: the metrics of a trained model on labelled data."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

from bptt.cli.answers import print_json
from bptt.cli.commands import make_command
from bptt.files import check_folder

if TYPE_CHECKING:
    from bptt.options.choices import Choices


TITLE = "Print the metrics of a trained model on labelled data."


def command() -> Any:
    """Return the command."""
    from bptt.jobs.commands import evaluate_options

    return make_command("evaluate", evaluate_options(), _evaluate, TITLE)


def _evaluate(choices: Choices) -> None:
    run, figures = choices.get("run"), choices.get("figures")
    if figures is not None:
        check_folder(figures)
    from bptt.cli.machine import prepare

    prepare()
    from bptt.cli.scores import draw_report, print_report
    from bptt.jobs.commands import check_own
    from bptt.jobs.loading import load
    from bptt.jobs.registry import find_drawing, job_of_run

    job = job_of_run(run)
    check_own(choices, job.options)
    found = job.evaluate(load(run, choices.get("device")), run, choices)
    if choices.get("json"):
        print_json(found.record)
    else:
        print_report(found)
    if figures is not None:
        # A program that reads the JSON expects nothing else on standard output.
        where = sys.stderr if choices.get("json") else sys.stdout
        draw_report(found, find_drawing(job), figures, where)
