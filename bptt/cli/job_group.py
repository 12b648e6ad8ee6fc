"""Groups of commands with one for each job."""

from __future__ import annotations

import sys
from abc import abstractmethod
from typing import TYPE_CHECKING, Any

import typer
from typer.core import TyperGroup

from bptt.errors import InputError

if TYPE_CHECKING:
    from bptt.jobs.options import JobOptions


class JobGroup(TyperGroup):
    """The jobs as commands, each made when it is used."""

    def list_commands(self, ctx: Any) -> list[str]:
        """Return the names of all jobs; a job whose package is broken is left out, and a line says why."""
        from bptt.jobs.registry import find_options, job_names

        found = []
        for name in job_names():
            try:
                find_options(name)
            except InputError as error:
                print(f"bptt: left out: {error}", file=sys.stderr)
            else:
                found.append(name)
        return found

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """Return the command of a job, None if there is no job with this name."""
        from bptt.jobs.registry import find_options, job_names

        return self.make(cmd_name, find_options(cmd_name)) if cmd_name in job_names() else None

    @abstractmethod
    def make(self, name: str, job: JobOptions) -> Any:
        """Return the command of a job."""


def make_group(group: type[JobGroup], text: str) -> Any:
    """Return a command that is a group of jobs, with a text as its help."""
    app = typer.Typer(
        no_args_is_help=True,
        rich_markup_mode=None,
        add_completion=False,
        pretty_exceptions_enable=False,
        cls=group,
        help=text,
    )
    app.callback(context_settings={"help_option_names": ["-h", "--help"]})(lambda: None)
    return typer.main.get_group(app)
