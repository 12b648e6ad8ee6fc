"""The command `bptt`: its verbs, and how they end."""

from __future__ import annotations

import signal
import sys
import warnings
from contextlib import suppress
from typing import Annotated, Any, NoReturn

import typer

import bptt
from bptt.cli.faults import describe_import_error, describe_system_error, is_ours, lacks_memory, report_bug
from bptt.cli.lazy import Commands
from bptt.cli.spelling import spelled
from bptt.cli.streams import close_output, open_streams
from bptt.errors import BpttError, InternalError

INPUT_AT_FAULT = 2
# EX_SOFTWARE of sysexits.h, which `os` has on POSIX alone. A script that takes 2 for a wrong file goes on
# with the next one; it must not do so after a bug.
BUG = 70

app = typer.Typer(
    name="bptt",
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    # Plain text: rich cuts names, and eats [brackets].
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _show_version(wanted: bool) -> None:
    if wanted:
        print(f"bptt {bptt.__version__}")
        raise typer.Exit


@app.callback()
def _options(
    version: Annotated[
        bool,
        typer.Option("--version", callback=_show_version, is_eager=True, help="Print the version and exit."),
    ] = False,
) -> None:
    """Recurrent networks from their equations: derive, check, train, ask, look inside."""


def main() -> NoReturn:
    """Run the command line and end the process with a code, as README.md lists them.

    0: done; 2: the input, the machine or the installation is at fault; 70: a bug of this package;
    130: interrupted. A command whose reader has enough, such as `head`, ends with 1 and without a word.
    """
    open_streams()
    show_warnings_as_lines()
    # Ctrl-C ends the process at once, also while torch is being imported, which an exception inside would
    # break half-way. Training takes the signal over, and saves.
    # It stays so: an exception in what Python does at its end would be a traceback.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        try:
            app(prog_name="bptt")
        finally:
            sys.stdout.flush()
    except BrokenPipeError:
        close_output()
        sys.exit(1)
    except Exception as error:
        text, code = _ending(error)
        # Errors of a command as a whole name it: "bptt rescore: needs ...".
        named = "" if text.startswith("bptt ") else "bptt: "
        _say(f"{named}{text}")
        sys.exit(code)
    sys.exit(0)


def _ending(error: Exception) -> tuple[str, int]:
    """Return the line and the exit code for an error, by blame."""
    if isinstance(error, BpttError) and not isinstance(error, InternalError):
        return str(error), INPUT_AT_FAULT
    if lacks_memory(error):
        return "out of memory. Give less at once, or use a larger machine", INPUT_AT_FAULT
    if isinstance(error, OSError):
        return describe_system_error(error), INPUT_AT_FAULT
    if isinstance(error, ImportError) and not is_ours(error):
        return describe_import_error(error), INPUT_AT_FAULT
    return report_bug(error), BUG


def show_warnings_as_lines() -> None:
    """Print a warning of this package as a line for the user; others as Python does."""
    usual = warnings.formatwarning

    def shown(message: Warning | str, category: type[Warning], *place: Any, **more: Any) -> str:
        ours = category.__module__.partition(".")[0] == "bptt"
        return f"bptt: {spelled(str(message))}\n" if ours else usual(message, category, *place, **more)

    warnings.formatwarning = shown


def _say(text: str) -> None:
    """Print a line on standard error, if that takes one, and write no more on standard output."""
    with suppress(OSError):
        print(text, file=sys.stderr, flush=True)
    with suppress(OSError):
        sys.stdout.flush()
        return
    close_output()
