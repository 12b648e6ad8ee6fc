"""The options of a measurement of speed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from bptt.options.field import argument, check_fields, option
from bptt.options.option_set import OptionSet


@dataclass(frozen=True)
class BenchOptions:
    """The work to time, its sizes, the number of rounds, and the files for the times."""

    what: Literal["forward", "layers", "small", "streaming", "training", "vocabularies", "all"] = argument(
        "Work to time: a layer over a sequence, forward or (layers) with its gradient; few rows and calls "
        "with next to no work; single steps; updates of a language model, and with large vocabularies.",
        default="all",
    )
    cells: tuple[str, ...] = option((), "Cell listed by `bptt cells`; may be repeated.")
    shapes: tuple[str, ...] = option((), "Sizes T,B,I,H of a layer; may be repeated.")
    threads: tuple[int, ...] = option((), "CPU threads; may be repeated.", usual="torch's choice")
    rounds: int = option(0, "Rounds of each comparison (0: chosen by the time that one takes).", least=0)
    quick: bool = option(False, "Take a first look, in less than a minute.")
    output: Path | None = option(None, "Markdown page to put the tables into.", flags="output o")
    json: Path | None = option(None, "JSON file for the time of every round.")

    def __post_init__(self) -> None:
        check_fields(self)


BENCH = OptionSet({"": BenchOptions})
