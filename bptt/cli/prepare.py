"""`bptt prepare`: texts of any size as files of tokens, for `bptt train lm`."""

from __future__ import annotations

import shlex
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import typer

from bptt.cli.commands import make_command
from bptt.jobs.language.prepare_options import PREPARE

if TYPE_CHECKING:
    from bptt.data.prepared.token_manifest import Manifest
    from bptt.options.choices import Choices

Done = TypeVar("Done")

TITLE = "Turn texts of any size into files of tokens, for `bptt train lm`."
_ABOUT = (
    "Several processes read the texts in pieces; the bytes do not depend on their number. A preparation that "
    "was stopped or killed goes on where it ended when the command is repeated. Tokens in files of nanoGPT "
    "or Megatron are read under a `--vocabulary`, and written with `--to`."
)
_GOES_ON = "Finished pieces are kept: repeat the command to go on."
_ANEW = "Repeat the command to begin anew."


def command() -> Any:
    """Return the command."""
    return make_command("prepare", PREPARE, _prepare, TITLE, _ABOUT)


def _prepare(choices: Choices) -> None:
    from bptt.data.prepared.preparation import prepare
    from bptt.doctor.usable_cores import usable_cores
    from bptt.jobs.language.preparing import preparation_of

    if choices.get("to") is not None:
        _write(choices)
        return
    asked = preparation_of(choices, usable_cores())
    if asked.tokens:
        from bptt.data.prepared.token_import import import_tokens

        found = _finished(asked.output, choices, partial(import_tokens, asked), _ANEW)
    else:
        found = _finished(asked.output, choices, partial(prepare, asked), _GOES_ON)
    _print(found, asked.output)


def _write(choices: Choices) -> None:
    from bptt.data.prepared.token_export import export_tokens
    from bptt.jobs.language.writing_tokens import prepared_to_write

    prepared, form, output = prepared_to_write(choices), choices.get("to"), choices.get("output")
    names = _finished(output, choices, partial(export_tokens, prepared, form, output), _ANEW)
    for name in names:
        print(f"{output / name}\t{(output / name).stat().st_size:,} bytes")
    print(f"vocabulary\t{prepared.manifest.vocabulary_size:,}\t{prepared.manifest.dtype}")


def _finished(output: Path, choices: Choices, work: Callable[..., Done], repeated: str) -> Done:
    from bptt.data.prepared.own_folder import check_output_folder
    from bptt.data.prepared.reported_steps import Interruption
    from bptt.training.interrupt import Interrupt
    from bptt.training.progress import stages
    from bptt.training.run_lock import locked

    check_output_folder(output, choices.get("overwrite"))
    with locked(output), Interrupt() as interrupt:
        check_output_folder(output, choices.get("overwrite"))
        try:
            with stages() as report:
                return work(report, lambda: interrupt.signal is not None)
        except Interruption:
            print(repeated, file=sys.stderr)
            raise typer.Exit(128 + (interrupt.signal or 0)) from None


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
