"""`bptt tune`: a search for better options of a training, and an honest comparison with the defaults."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from bptt.cli.commands import make_command
from bptt.cli.job_group import JobGroup, make_group
from bptt.cli.spelling import spelled

if TYPE_CHECKING:
    from bptt.jobs.options import JobOptions
    from bptt.options.choices import Choices

_ABOUT = (
    "An option that is given is the same for all candidates; the others are tried (docs/tuning.md). "
    "After an interruption, repeat the command to continue; a larger --budget goes on with a search."
)


class _Tuned(JobGroup):
    """The jobs as commands that search."""

    def make(self, name: str, job: JobOptions) -> Any:
        """Return the command that searches for options of a job."""
        from bptt.tuning.options import tune_options

        def run(choices: Choices) -> None:
            _tune(name, choices)

        return make_command(
            name, tune_options(job), run, f"Search for better options of `bptt train {name}`.", _ABOUT
        )


def command() -> Any:
    """Return the command: a group with one command for each job."""
    return make_group(_Tuned, "Search for better options of a training, and compare them with the defaults.")


def _tune(name: str, choices: Choices) -> None:
    """Search, and print the candidates, the comparison, the conclusions and the paths of the files."""
    from bptt.cli.machine import prepare

    prepare(choices.get("threads"))
    from bptt.jobs.registry import find_job
    from bptt.report.tuning_words import candidate_table, comparison_table, conclusions
    from bptt.training.interrupt import Interrupted
    from bptt.tuning.search_progress import SearchLines
    from bptt.tuning.tune_job import PICTURE, run_tuning

    try:
        found = run_tuning(find_job(name), choices, SearchLines(spelled))
    except Interrupted as stop:
        print("Everything is saved: repeat the command to continue.")
        raise typer.Exit(128 + stop.signal) from None
    for row in candidate_table(found):
        print("\t".join(row))
    print()
    if found.judged is not None:
        for row in comparison_table(found.judged):
            print("\t".join(row))
        print()
    for sentence in conclusions(found):
        print(sentence)
    print(f"recipe: {found.recipe}")
    print(f"picture: {choices.get('output') / PICTURE}")
