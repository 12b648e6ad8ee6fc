"""`bptt prepare`: texts of any size as files of tokens, for `bptt train lm`."""

from __future__ import annotations

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from bptt.cli.commands import make_command
from bptt.jobs.language.prepare_options import PREPARE

if TYPE_CHECKING:
    from bptt.data.prepared.token_manifest import Manifest
    from bptt.options.choices import Choices

TITLE = "Turn texts of any size into files of tokens, for `bptt train lm`."
_ABOUT = (
    "Several processes read the texts in pieces; the bytes do not depend on their number. A preparation that "
    "was stopped or killed goes on where it ended when the command is repeated."
)


def command() -> Any:
    """Return the command."""
    return make_command("prepare", PREPARE, _prepare, TITLE, _ABOUT)


def _prepare(choices: Choices) -> None:
    from bptt.data.prepared.own_folder import check_output_folder
    from bptt.data.prepared.preparation import Interruption, prepare
    from bptt.doctor.usable_cores import usable_cores
    from bptt.jobs.language.preparing import preparation_of
    from bptt.training.interrupt import Interrupt
    from bptt.training.progress import stages
    from bptt.training.run_lock import locked

    asked = preparation_of(choices, usable_cores())
    check_output_folder(asked.output, choices.get("overwrite"))
    with locked(asked.output), Interrupt() as interrupt:
        check_output_folder(asked.output, choices.get("overwrite"))
        try:
            with stages() as report:
                found = prepare(asked, report, lambda: interrupt.signal is not None)
        except Interruption:
            print("Finished pieces are kept: repeat the command to go on.", file=sys.stderr)
            raise typer.Exit(128 + (interrupt.signal or 0)) from None
    _print(found, asked.output)


def _print(found: Manifest, folder: Path) -> None:
    from bptt.data.levels import LEVELS

    unit = LEVELS[found.vocabulary.level].unit
    for source in found.sources:
        print(f"{source.name}\t{source.form}\t{source.bytes:,} bytes")
    for part in found.parts:
        share = part.unknown / max(1, part.tokens)
        name = part.name.replace("_", " ")
        print(f"{name}\t{part.characters:,} characters\t{part.tokens:,} {unit}\t{share:.2%} unknown")
    print(f"vocabulary\t{found.vocabulary_size:,} {unit}\t{found.dtype}")
    print(f"next: bptt train lm {shlex.quote(str(folder))} -o RUN")
