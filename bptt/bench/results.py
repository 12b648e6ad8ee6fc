"""Measurements as plain values, and the few numbers that sum them up."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from statistics import median, quantiles
from typing import Any

from bptt.bench.cases import Case
from bptt.bench.contender_names import OURS
from bptt.files import MARK, to_json


@dataclass(frozen=True)
class Measurement:
    """The measurements of one case.

    `seconds` per step, by contender, one number for each round that counts; `first` the seconds of
    the first step, compilation included; `flops` of a step, 0 if nobody counts; `peak` floating-point
    operations per second of the processor, 0 if unknown; `memory` in bytes. `rejected` rounds were
    disturbed; where hardly any was not, they all count, and the result is `noisy`. `notes` say who did
    not take part, and why. `barrier` is the time that two threads took to wait for each other, in seconds;
    0 if unknown.
    """

    case: Case
    seconds: Mapping[str, Sequence[float]]
    first: Mapping[str, float]
    flops: float
    peak: float
    memory: Mapping[str, int]
    rejected: int
    noisy: bool
    notes: Sequence[str]
    barrier: float = 0.0

    @classmethod
    def from_dict(cls, found: Mapping[str, Any]) -> Measurement:
        """Restore a measurement from the dictionary that `dataclasses.asdict` made of it."""
        case = found["case"]
        return cls(**{**found, "case": Case(**{**case, "shape": tuple(case["shape"])})})

    def median(self, name: str) -> float:
        """Return the median of the seconds per step."""
        return median(self.seconds[name])

    def spread(self, name: str) -> float:
        """Return half the distance of the quartiles, in seconds."""
        first, _, third = quantiles(self.seconds[name], method="inclusive") if self._several else (0, 0, 0)
        return (third - first) / 2

    def ratio(self, name: str, base: str = OURS) -> float:
        """Return how many times as long a step takes as one of `base`: the median over the rounds."""
        pairs = zip(self.seconds[name], self.seconds[base], strict=True)
        return median(theirs / ours for theirs, ours in pairs)

    def fastest(self, names: Sequence[str]) -> str:
        """Return the one of the contenders `names` with the shortest step; "" if there is none."""
        return min(names, key=self.median, default="")

    @property
    def speed(self) -> float:
        """Our floating-point operations per second."""
        return self.flops / self.median(OURS)

    @property
    def _several(self) -> bool:
        return len(self.seconds[OURS]) > 1


@dataclass(frozen=True)
class Environment:
    """The machine and the software of a report.

    `missing` are peers that are not installed; `peak` floating-point operations per second on the threads
    of the first process, 0 if unknown.
    """

    processor: str
    cores: int
    system: str
    vectors: str
    versions: Mapping[str, str]
    missing: Sequence[str]
    peak: float = 0.0

    @property
    def machine(self) -> str:
        """The processor, its cores and its vector unit, in a line."""
        return f"{self.processor}, {self.cores} cores, {self.vectors}"


@dataclass(frozen=True)
class ProcessRun:
    """The outcomes of one process."""

    threads: int
    tuned: bool
    outcomes: Sequence[Measurement]


@dataclass(frozen=True)
class Report:
    """All that a command measured."""

    command: str
    date: str
    environment: Environment
    runs: Sequence[ProcessRun]

    def to_json(self) -> str:
        """Return the whole report as JSON, the time of every round included."""
        return to_json({"by": MARK, **asdict(self)}, indent=1) + "\n"

    def only(self, section: str) -> Report:
        """Return the part that belongs to one of `cases.SECTIONS`."""
        runs = [
            replace(run, outcomes=[o for o in run.outcomes if o.case.section == section]) for run in self.runs
        ]
        return replace(self, runs=[run for run in runs if run.outcomes])

    @property
    def threads(self) -> list[int]:
        """The numbers of threads, in order."""
        return list(dict.fromkeys(run.threads for run in self.runs))

    @property
    def barriers(self) -> list[float]:
        """The times of a barrier of two threads before the cases, in seconds, where they are known."""
        return [o.barrier for run in self.runs for o in run.outcomes if o.barrier]

    def outcomes(self, kind: str, threads: int, tuned: bool = False) -> dict[Case, Measurement]:
        """Return the measurements of a kind of case, by case."""
        chosen = (r.outcomes for r in self.runs if r.threads == threads and r.tuned == tuned)
        return {o.case: o for outcomes in chosen for o in outcomes if o.case.kind == kind}
