"""`bptt doctor`: what is installed, what this machine can do, and what is broken."""

from __future__ import annotations

from contextlib import suppress
from dataclasses import asdict
from textwrap import fill
from typing import TYPE_CHECKING, Any

import typer

from bptt.cli.commands import make_command
from bptt.doctor.options import DOCTOR, DoctorOptions

if TYPE_CHECKING:
    from bptt.doctor.observation import Observation
    from bptt.options.choices import Choices

# Columns of the conditions and of the names; a text goes on in the column where it began.
_CONDITION, _NAME, _WIDTH = 8, 12, 100


def command() -> Any:
    """Return the command."""
    about = (
        "Examines versions, extras, processor, threads, compiler and cache, times an LSTM beside torch's, "
        "and checks its gradients: the text to paste into a report. Ends with 1 if something is broken."
    )
    return make_command("doctor", DOCTOR, _doctor, "Examine this installation and this machine.", about)


def _doctor(choices: Choices) -> None:
    from bptt.cli.machine import prepare
    from bptt.doctor.examination import examine
    from bptt.errors import counted, printable, printable_json
    from bptt.files import to_json
    from bptt.version import __version__

    # A torch that cannot be imported is one of the things to report.
    with suppress(Exception):
        prepare()
    asked = choices.make(DoctorOptions)
    found: list[tuple[str, Observation]] = []
    for section, each in examine():
        if not asked.json:
            if section not in (name for name, _ in found):
                print(f"\n{section}" if found else section)
            print("\n".join(map(printable, _lines(each))), flush=True)
        found.append((section, each))
    broken, warnings = (
        sum(each.condition == condition for _, each in found) for condition in ("broken", "warning")
    )
    if asked.json:
        rows = [{"section": section, **asdict(each)} for section, each in found]
        record = {"bptt": __version__, "broken": broken, "warnings": warnings, "observations": rows}
        print(printable_json(to_json(record)))
    else:
        print(f"\n{broken or 'nothing'} broken, {counted(warnings, 'warnings')}")
    if broken:
        raise typer.Exit(1)


def _lines(each: Observation) -> list[str]:
    """Return a line about one observation, and one with its cure where there is one."""
    indent = " " * (_CONDITION + _NAME + 3)
    head = f"  {each.condition:{_CONDITION}}{each.name:{_NAME}} "
    shown = [(head, each.text), *([(f"{indent}cure: ", each.cure)] if each.cure else [])]
    return [
        line
        for start, text in shown
        for line in fill(
            text, _WIDTH, initial_indent=start, subsequent_indent=indent, break_long_words=False,
            break_on_hyphens=False,
        ).splitlines()
    ]  # fmt: skip
