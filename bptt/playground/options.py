"""The options of `bptt playground`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from bptt.options.field import argument, check_fields, option
from bptt.options.option_set import OptionSet


@dataclass(frozen=True)
class PlaygroundOptions:
    """The cell that the page begins with, and the file that it is written to."""

    cell: str | None = argument(
        "Cell to begin with: listed by `bptt cells`, or mycell.py:MyCell.", default=None
    )
    output: Path | None = option(None, "File to write instead of opening the page.", flags="output o")

    def __post_init__(self) -> None:
        check_fields(self)


PLAYGROUND = OptionSet({"": PlaygroundOptions})
