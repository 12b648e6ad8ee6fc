"""The options of `bptt average`."""

from __future__ import annotations

from dataclasses import MISSING, dataclass
from pathlib import Path

from bptt.options.field import argument, check_fields, option
from bptt.options.option_set import OptionSet


@dataclass(frozen=True)
class AverageOptions:
    """The runs to average, and the folder to write. Raises InputError naming an option out of range."""

    runs: tuple[Path, ...] = argument("Run folders of equal shape; or one, with several checkpoints.")
    output: Path = option(MISSING, "New run folder to write.", flags="output o", common=True)
    last: int = option(
        0, "Newest checkpoints of one run to average (0: all that it has kept).", least=0, common=True
    )

    def __post_init__(self) -> None:
        check_fields(self)


AVERAGE = OptionSet({"average": AverageOptions})
