"""The findings of a search for better options, as plain values."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from math import sqrt
from statistics import mean, stdev
from typing import Any

from bptt.deferred import deferred
from bptt.notebook import list_html, table_html

# The words are about searches: imported when a notebook asks.
_table = deferred("bptt.report.tuning_words", "candidate_table")
_comparison = deferred("bptt.report.tuning_words", "comparison_table")
_conclusions = deferred("bptt.report.tuning_words", "conclusions")

# Quantiles 0.975 of Student's t by degrees of freedom; the normal one beyond.
_STUDENT = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228,
    2.201, 2.179, 2.160, 2.145, 2.131, 2.120, 2.110, 2.101, 2.093, 2.086,
)  # fmt: skip
_NORMAL = 1.96


@dataclass(frozen=True)
class Rung:
    """A rung that a candidate reached: its `value` after `epochs` in all, and the `seconds` of this rung.

    The value is a mean if there are several `seeds`, and None if training failed, with the `failure`.
    """

    rung: int
    epochs: int
    value: float | None
    seconds: float
    seeds: int = 1
    failure: str = ""


@dataclass(frozen=True)
class CandidateResult:
    """A candidate: what it `changed` of the defaults, its epochs in all, and the rungs that it reached."""

    number: int
    changed: Mapping[str, Any]
    all_epochs: int
    rungs: tuple[Rung, ...]

    @property
    def name(self) -> str:
        """The name that users read."""
        return "defaults" if self.number == 0 else str(self.number)

    @property
    def seconds(self) -> float:
        """The time that its trainings took."""
        return sum(each.seconds for each in self.rungs)


@dataclass(frozen=True)
class PairedJudgement:
    """The defaults beside the best candidate on data that chose nothing: `metric` of each by seed."""

    metric: str
    smaller_is_better: bool
    data: str
    seeds: tuple[int, ...]
    defaults: tuple[float, ...]
    tuned: tuple[float, ...]

    @property
    def gains(self) -> tuple[float, ...]:
        """By how much the best candidate is better, seed by seed."""
        sign = -1 if self.smaller_is_better else 1
        return tuple(sign * (b - a) for a, b in zip(self.defaults, self.tuned, strict=True))

    @property
    def gain(self) -> float:
        """The mean of the gains."""
        return mean(self.gains)

    @property
    def margin(self) -> float:
        """Half the width of the 95 % interval of the mean gain, by Student's t."""
        freedom = len(self.gains) - 1
        quantile = _STUDENT[freedom - 1] if freedom <= len(_STUDENT) else _NORMAL
        return quantile * stdev(self.gains) / sqrt(len(self.gains))


@dataclass(frozen=True)
class Tuning:
    """A search: the candidates, each measured by `criterion` on held-out data, and the number of the `best`.

    `judged` is its comparison with the defaults, None if the defaults are the best.
    """

    title: str
    criterion: str
    candidates: tuple[CandidateResult, ...]
    best: int
    judged: PairedJudgement | None
    seconds: float
    recipe: str

    def to_dict(self) -> dict[str, Any]:
        """Return plain data for tuning.json."""
        return asdict(self)

    @property
    def best_candidate(self) -> CandidateResult:
        """The candidate that was chosen."""
        return next(each for each in self.candidates if each.number == self.best)

    def _repr_html_(self) -> str:
        """Return the tables and the conclusions of `bptt tune`, for a notebook."""
        head, *rows = _table(self)
        tables = [table_html(head, rows)]
        if self.judged is not None:
            head, *rows = _comparison(self.judged)
            tables.append(table_html(head, rows))
        return "".join(tables) + list_html(_conclusions(self))
