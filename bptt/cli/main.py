"""The command `bptt` and its exit codes."""

from __future__ import annotations

import signal
import sys
import warnings
from contextlib import suppress
from typing import Annotated, Any, NoReturn

import typer

import bptt
from bptt.cli.lazy import Commands
from bptt.cli.spelling import spelled
from bptt.cli.streams import close_output, open_streams
from bptt.errors import BpttError, InternalError

INPUT_AT_FAULT = 2
# EX_SOFTWARE of sysexits.h, which `os` defines on POSIX only. Another code than 2: a script that skips a
# wrong file and continues with the next one must not do so after a bug.
BUG = 70

app = typer.Typer(
    name="bptt",
    cls=Commands,
    no_args_is_help=True,
    add_completion=False,
    # Plain text: rich truncates names, and reads [brackets] as markup.
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
    """Derive, check, train, use and inspect recurrent networks from their equations."""


def main() -> NoReturn:
    """Run the command line and exit with a code, as listed in README.md.

    0: done; 2: a fault of the input, the machine or the installation; 70: a bug of this package; 130:
    interrupted; 1: `check` or `doctor` has found something wrong, or, silently, the reader of the output,
    such as `head`, has closed it.
    """
    open_streams()
    show_warnings_as_lines()
    # Ctrl-C ends the process at once, also during the import of torch, which an exception would leave half
    # done. Training installs its own handler, which saves.
    # Never restored: an exception during the shutdown of Python would print a traceback.
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
        # Errors about a command as a whole already name it: "bptt rescore: needs ...".
        named = "" if text.startswith("bptt ") else "bptt: "
        _say(f"{named}{text}")
        sys.exit(code)
    sys.exit(0)


def _ending(error: Exception) -> tuple[str, int]:
    """Return the message and the exit code for an error."""
    from bptt.cli.faults import (
        describe_import_error,
        describe_system_error,
        is_ours,
        lacks_memory,
        report_bug,
    )

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
    """Print warnings of this package as one line for the user; others in Python's format."""
    usual = warnings.formatwarning

    def shown(message: Warning | str, category: type[Warning], *place: Any, **more: Any) -> str:
        ours = category.__module__.partition(".")[0] == "bptt"
        return f"bptt: {spelled(str(message))}\n" if ours else usual(message, category, *place, **more)

    warnings.formatwarning = shown


def _say(text: str) -> None:
    """Print a line on standard error, if it is open, and close standard output if it is broken."""
    with suppress(OSError):
        print(text, file=sys.stderr, flush=True)
    with suppress(OSError):
        sys.stdout.flush()
        return
    close_output()
