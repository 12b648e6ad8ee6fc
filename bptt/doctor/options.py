"""The options of `bptt doctor`."""

from __future__ import annotations

from dataclasses import dataclass

from bptt.options.field import check_fields, option
from bptt.options.option_set import OptionSet


@dataclass(frozen=True)
class DoctorOptions:
    """How the report is printed."""

    json: bool = option(False, "Print one JSON object, with the numbers that were measured.")

    def __post_init__(self) -> None:
        check_fields(self)


DOCTOR = OptionSet({"": DoctorOptions})
