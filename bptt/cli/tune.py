"""`bptt tune`: a search for better options of a training, and an honest comparison with the defaults."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import typer

from bptt.cli.commands import make_command
from bptt.cli.spelling import spelled
from bptt.cli.train import Jobs

if TYPE_CHECKING:
    from bptt.options.choices import Choices

_ABOUT = (
    "An option that is given is the same for all candidates; the others are tried (docs/tuning.md). "
    "After an interruption, repeat the command to continue; a larger --budget goes on with a search."
)


class _TunedJobs(Jobs):
    """The jobs as commands that search."""

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return the command of a job, None if there is no job with this name."""
        from bptt.jobs.registry import find_options, job_names
        from bptt.tuning.options import tune_options

        if cmd_name not in job_names():
            return None
        job = find_options(cmd_name)

        def run(choices: Choices) -> None:
            _tune(cmd_name, choices)

        title = f"Search for better options of `bptt train {cmd_name}`."
        return make_command(cmd_name, tune_options(job), run, title, _ABOUT)


def command() -> Any:
    """Return the command: a group with one command for each job."""
    app = typer.Typer(
        no_args_is_help=True,
        rich_markup_mode=None,
        add_completion=False,
        pretty_exceptions_enable=False,
        cls=_TunedJobs,
        help="Search for better options of a training, and compare them with the defaults.",
    )
    app.callback(context_settings={"help_option_names": ["-h", "--help"]})(lambda: None)
    return typer.main.get_group(app)


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
