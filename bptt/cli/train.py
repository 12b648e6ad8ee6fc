"""`bptt train`: train a model on files; the result is one folder, and training can be interrupted."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Mapping
from inspect import Parameter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from bptt.cli.commands import make_command
from bptt.cli.job_group import JobGroup, make_group
from bptt.cli.spelling import spelled
from bptt.errors import TrainingError

if TYPE_CHECKING:
    from bptt.jobs.job import Job
    from bptt.jobs.options import JobOptions
    from bptt.options.choices import Choices
    from bptt.options.option_set import OptionSet
    from bptt.training.job_run import JobRun

# The commands to suggest after training, for most jobs.
_ASKED = ("bptt predict {run} FILE", "bptt evaluate {run} FILE", "bptt inspect {run} --data FILE")

_CONFIG = Parameter(
    "config",
    Parameter.KEYWORD_ONLY,
    default=None,
    annotation=Annotated[
        Path | None,
        typer.Option("--config", help="Recipe: a TOML file of options.", rich_help_panel="Recipe"),
    ],
)
_WRITE_CONFIG = Parameter(
    "write_config",
    Parameter.KEYWORD_ONLY,
    default=None,
    annotation=Annotated[
        Path | None,
        typer.Option(
            "--write-config",
            help="Write a recipe with every option, its help and its given value, without training.",
            rich_help_panel="Recipe",
        ),
    ],
)


class _Trained(JobGroup):
    """The jobs as commands that train."""

    def make(self, name: str, job: JobOptions) -> Any:
        """Return the command that trains a job."""
        from bptt.training.run_options import options_of

        options = options_of(job)

        def run(choices: Choices, config: Path | None, write_config: Path | None) -> None:
            _train(name, options, choices, config, write_config)

        return make_command(
            name, options, run, job.title, job.about, extra=(_CONFIG, _WRITE_CONFIG), recalled=True
        )


def command() -> Any:
    """Return the command: a group with one command for each job."""
    return make_group(_Trained, "Train a model on your files; --resume continues a run.")


def _train(
    name: str, options: OptionSet, choices: Choices, config: Path | None, write_config: Path | None
) -> None:
    """Train with the options given here, else those of the recipe, else those of the earlier run."""
    if config is not None:
        from bptt.data.reading import read_bytes
        from bptt.options.recipe import read_recipe

        choices = choices.over(read_recipe(read_bytes(config), str(config), options, name))
    if write_config is not None:
        from bptt.files import write_new
        from bptt.options.recipe import write_recipe

        write_new(write_config, write_recipe(options, choices.given, name).encode())
        print(f"recipe: {write_config}")
        return
    for each in options:
        # Checked here, as typer cannot know whether a recipe gives a required option.
        if each.is_required:
            choices.get(each.name)
    from bptt.cli.machine import prepare

    prepare(choices.get("threads"))
    from bptt.jobs.registry import find_job
    from bptt.runs.processes import ElsewhereError, is_first
    from bptt.training.job_run import run_job
    from bptt.training.progress import reporter
    from bptt.training.recall import recall

    choices, changed = recall(choices)
    if is_first():
        _say_recalled(choices, changed)
    job = find_job(name)
    try:
        found = run_job(job, choices, reporter(spelled))
    except (ElsewhereError, TrainingError) as error:
        # Numbers go wrong in all processes at once. One of them says why.
        if isinstance(error, TrainingError) and is_first():
            raise
        raise typer.Exit(2) from error
    if is_first():
        _show(job, found, choices.get("profile"))
    elif found.outcome.signal is not None:
        raise typer.Exit(128 + found.outcome.signal)


def _say_recalled(choices: Choices, changed: Mapping[str, Any]) -> None:
    run = choices.get("output") if choices.get("resume") else choices.get("init_from")
    flags = {each.name: each.flag for each in choices.options}
    shown = (f"{flags[name]} {getattr(value, 'name', value)}" for name, value in changed.items())
    if changed:
        print(f"{run}: options of that run: {', '.join(shown)}", file=sys.stderr)


def _show(job: Job[Any], found: JobRun, profiled: bool) -> None:
    from bptt.cli.scores import print_report
    from bptt.training.progress import duration, shown_metric

    outcome = found.outcome
    if found.scores is not None:
        print_report(found.scores)
        return
    if found.unit:
        print(f"{outcome.run}: {outcome.status} at step {outcome.step}, epoch {outcome.epoch}")
        if outcome.best_step:
            best = shown_metric(
                outcome.criterion, outcome.best_value, found.unit.removesuffix("s"), outcome.measure
            )
            print(f"best held-out {best} at step {outcome.best_step}, {duration(outcome.seconds)} in all")
    if outcome.signal is not None:
        print("Everything is saved: repeat the command with --resume to continue.")
    for line in found.lines:
        print(spelled(line))
    if profiled and (outcome.run / "profile.json").exists():
        from bptt.report.profile_figure import draw_profile

        draw_profile(outcome.run, outcome.run / "profile.svg")
        print(f"profile: {outcome.run / 'profile.svg'}")
    if found.unit and (outcome.best_step or not found.holds_out):
        _print_next(outcome.run, job.options.then or _ASKED)
    if outcome.signal is not None:
        raise typer.Exit(128 + outcome.signal)


def _print_next(run: Path, commands: tuple[str, ...]) -> None:
    folder = shlex.quote(str(run))
    for number, command in enumerate(commands):
        print(f"{'next: ' if number == 0 else '      '}{command.format(run=folder)}")
