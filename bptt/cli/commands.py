"""Commands made from sets of options: each option is a parameter, and only given values count."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from enum import Enum
from inspect import Parameter
from pathlib import Path
from types import NoneType
from typing import TYPE_CHECKING, Annotated, Any, Optional, get_args, get_origin

import typer

from bptt.cli.help import Page, show_all
from bptt.cli.spelling import as_spelled, spelled
from bptt.errors import InputError
from bptt.options.field import alternatives

if TYPE_CHECKING:
    from bptt.jobs.options import JobOptions
    from bptt.options.option_set import NamedOption, OptionSet


# A list of values longer than this is printed in the help text of its option: beside the flag it would shift
# the help of all other options to the right.
_WIDEST = 45
_HELP_ALL = Parameter(
    "help_all",
    Parameter.KEYWORD_ONLY,
    default=False,
    annotation=Annotated[
        bool, typer.Option("--help-all", is_eager=True, callback=show_all, help="Show every option and exit.")
    ],
)


def make_command(
    name: str,
    options: OptionSet,
    run: Callable[..., None],
    title: str,
    about: str = "",
    extra: tuple[Parameter, ...] = (),
    recalled: bool = False,
) -> Any:
    """Return the command that calls `run` with the given `options`.

    `title` and `about` are its help. `extra` parameters are passed on by name. If `recalled`, options may
    come from a recipe or a run, so none is required on the command line.
    """

    def call(**values: Any) -> None:
        from bptt.options.choices import Choices

        values.pop("help_all", None)
        more = {each.name: values.pop(each.name) for each in extra if each is not _HELP_ALL}
        given = {key: value for key, value in values.items() if value not in (None, [])}
        with as_spelled(options):
            run(Choices.read(options, given), **more)

    has_short_help = any(each.about.common and not each.about.argument for each in options)
    extra = (*extra, *([_HELP_ALL] if has_short_help else []))
    parameters = [*(_parameter(each, options, recalled) for each in options), *extra]
    call.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    call.__annotations__ = {each.name: each.annotation for each in parameters}
    call.__doc__ = "\n\n".join(filter(None, (title, about)))
    app = typer.Typer(add_completion=False, rich_markup_mode=None, pretty_exceptions_enable=False)
    app.command(name, cls=Page, context_settings={"help_option_names": ["-h", "--help"]})(call)
    command = typer.main.get_command(app)
    if _HELP_ALL in extra:
        common = {each.name for each in options if each.about.common}
        command.common = {*common, *(each.name for each in extra), "help"}  # type: ignore[attr-defined]
    return command


def options_of_named_run(
    given: Sequence[str], options: Callable[[JobOptions | None], OptionSet]
) -> OptionSet:
    """Return the options of the job of the first run named, if they are all that is given; else all."""
    from bptt.jobs.registry import options_of_run
    from bptt.runs.run_folder import is_run

    runs = [Path(word) for word in given if is_run(Path(word))]
    if not runs:
        return options(None)
    try:
        own = options(options_of_run(runs[0]))
    except InputError:
        return options(None)
    known = {f"-{flag}" if len(flag) == 1 else f"--{flag}" for each in own for flag in each.flags}
    flags = {word.partition("=")[0] for word in given if word.startswith("-") and word != "-"}
    return own if flags <= known else options(None)


def _parameter(each: NamedOption, options: OptionSet, recalled: bool) -> Parameter:
    about, metavar = each.about, None
    help = about.help
    if len("|".join(each.values)) > _WIDEST:
        help, metavar = f"{help.removesuffix('.')}: {', '.join(each.values)}.", each.name.upper()
    help = spelled(f"{help}{_usual(each)}", options)
    if about.argument:
        marker: Any = typer.Argument(help=help)
    else:
        marker = typer.Option(
            *_declarations(each),
            help=help,
            metavar=metavar,
            rich_help_panel=about.group,
            show_default=False,
        )
    default = Parameter.empty if each.is_required and not recalled else None
    return Parameter(
        each.name,
        Parameter.KEYWORD_ONLY,
        default=default,
        annotation=Annotated[_type(each, default), marker],
    )


def _type(each: NamedOption, default: Any) -> Any:
    """Return the type for typer: a list if the field takes several values; None if nothing is given."""
    kind = next(kind for kind in alternatives(each.hint) if kind is not NoneType)
    if get_origin(kind) is tuple:
        kind = list[get_args(kind)[0]]  # type: ignore[misc]
    return kind if default is Parameter.empty else Optional[kind]  # noqa: UP045


def _declarations(each: NamedOption) -> list[str]:
    """Return the flags: --x and --no-x for a switch that is on by default or has no fixed default."""
    names = [f"-{flag}" if len(flag) == 1 else f"--{flag}" for flag in each.flags]
    if not _is_switch(each) or (each.default is False and not each.about.usual):
        return names
    return [f"{name}/--no-{name.removeprefix('--')}" for name in names]


def _is_switch(each: NamedOption) -> bool:
    return each.hint is bool or bool in get_args(each.hint)


def _usual(each: NamedOption) -> str:
    """Return the default in words, to append to a line of help."""
    if each.about.usual:
        return f" Default: {each.about.usual}."
    if each.is_required or each.default in (None, (), "") or (_is_switch(each) and not each.default):
        return ""
    shown = each.default.value if isinstance(each.default, Enum) else each.default
    shown = "on" if shown is True else shown
    return f"  [default: {shown}]"
