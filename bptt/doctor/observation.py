"""One thing that `bptt doctor` looked at."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

# absent: something optional that is not installed; warning: works, but slower; broken: a command would fail.
Condition = Literal["ok", "absent", "warning", "broken"]


@dataclass(frozen=True)
class Observation:
    """A finding under a name: its condition, a line about it, and the cure where one is needed.

    `numbers` are what was measured, in SI units, for programs.
    """

    name: str
    text: str
    condition: Condition = "ok"
    cure: str = ""
    numbers: Mapping[str, float] = field(default_factory=dict)
