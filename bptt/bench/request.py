"""The request to a measuring process, and its form as a line of JSON."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass

from bptt.bench.cases import Case


@dataclass(frozen=True)
class Budget:
    """At most `rounds` rounds that count for a case, and not much more time than `seconds`."""

    rounds: int
    seconds: float


@dataclass(frozen=True)
class Request:
    """Cases for one process with `threads` threads. `tuned`: its memory is as `bptt train` sets it up.

    `others` asks for peers beside torch, `slow` for those too that take long to get ready.
    """

    threads: int
    tuned: bool
    cases: tuple[Case, ...]
    budget: Budget
    others: bool
    slow: bool

    def to_json(self) -> str:
        """Return the request as one line."""
        return json.dumps(asdict(self))

    @classmethod
    def from_json(cls, text: str) -> Request:
        """Read the request from a line that `to_json` made."""
        found = json.loads(text)
        cases = tuple(Case(**{**case, "shape": tuple(case["shape"])}) for case in found["cases"])
        return cls(**{**found, "cases": cases, "budget": Budget(**found["budget"])})
