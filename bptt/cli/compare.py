"""`bptt compare`: cells and remedies trained side by side, on the same data in the same order."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from bptt.cli.commands import make_command
from bptt.cli.spelling import spelled
from bptt.comparison.options import COMMAND, CompareOptions

if TYPE_CHECKING:
    from bptt.options.choices import Choices


def command() -> Any:
    """Return the command."""
    return make_command(
        "compare",
        COMMAND,
        _compare,
        "Train cells, and remedies, side by side on the same data.",
        "Reports how well each learns, how far back its gradient reaches, and what it costs. "
        "After an interruption, repeat the command to continue.",
    )


def _compare(choices: Choices) -> None:
    """Plan, train, and print the table, the conclusions and the path of the picture."""
    from bptt.cli.machine import prepare

    prepare(choices.get("threads"))
    from bptt.comparison.comparing import PICTURE, plan_comparison, run_comparison
    from bptt.report.comparison_words import conclusions, table
    from bptt.training.interrupt import Interrupted
    from bptt.training.progress import reporter

    output: Path = choices.get("output")
    plan = plan_comparison(choices.get("data"), output, choices.make(CompareOptions), reporter(spelled))
    try:
        comparison = run_comparison(plan, reporter)
    except Interrupted as stop:
        print("Everything is saved: repeat the command to continue.")
        raise typer.Exit(128 + stop.signal) from None
    for row in table(comparison):
        print("\t".join(row))
    print()
    for sentence in conclusions(comparison):
        print(sentence)
    print(f"picture: {output / PICTURE}")
