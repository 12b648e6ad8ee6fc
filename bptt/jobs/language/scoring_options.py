"""The options of `bptt score` for language models."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from bptt.options.field import check_fields, option


@dataclass(frozen=True, kw_only=True)
class LineScoreOptions:
    """How the scores of lines are printed."""

    tokens: bool = option(False, "Print a line for each token: line number, token, log P.")
    sort: bool = option(False, "Print the most probable line first.")
    base: Literal["e", "2", "10"] = option("e", "Base of the logarithms.")
    batch_size: int = option(64, "Lines in a mini-batch; changes the speed, not the result.", least=1)

    def __post_init__(self) -> None:
        check_fields(self)
