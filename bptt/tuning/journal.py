"""The folder of a search: what it searches, and a line for each step that is done, so that it can go on."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import Any

from bptt.comparison.folder import digest
from bptt.data.reading import read_bytes
from bptt.errors import InputError
from bptt.files import kind_of, make_folder, to_json, write_new
from bptt.report.run_records import read_records
from bptt.runs.run_folder import CONFIG
from bptt.training.record import append_record, cut_back
from bptt.tuning.candidate_training import PartialTraining, TuningProblem
from bptt.tuning.halving import RungResult

PLAN, JOURNAL = "plan.json", "journal.jsonl"
_CURE = "Give the options and data of the first time, or another folder"


class Journal:
    """The steps of a search in `folder`: rungs of candidates, and trainings of the comparison."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / JOURNAL
        self.entries: list[Mapping[str, Any]] = []
        if kind_of(self._path) == "a file":
            self.entries = list(read_records(self._path))
            # The end of a line that a crash has cut off would run into the next one.
            whole = read_bytes(self._path)
            cut_back(self._path, whole.rfind(b"\n") + 1)

    @property
    def seconds(self) -> float:
        """The time that the steps took."""
        return sum(float(each["seconds"]) for each in self.entries)

    def add_rung(
        self, result: RungResult, found: PartialTraining, values: Mapping[str, Any], seeds: int
    ) -> None:
        """Keep the result of a candidate on a rung."""
        self._add({"kind": "rung", "values": dict(values), "seeds": seeds, **asdict(found), **asdict(result)})

    def add_judged(self, candidate: int, seed: int, metric: str, value: float | None, seconds: float) -> None:
        """Keep the result of a training of the comparison."""
        self._add(
            {
                "kind": "judged",
                "candidate": candidate,
                "seed": seed,
                "metric": metric,
                "value": value,
                "seconds": seconds,
            }
        )

    @property
    def results(self) -> list[RungResult]:
        """The results on rungs, for decisions."""
        return [
            RungResult(
                int(each["candidate"]), int(each["rung"]), _score(each["score"]), float(each["seconds"])
            )
            for each in self.of("rung")
        ]

    def of(self, kind: str) -> Iterator[Mapping[str, Any]]:
        """Yield the entries of a kind."""
        return (each for each in self.entries if each["kind"] == kind)

    def _add(self, entry: dict[str, Any]) -> None:
        append_record(self._path, entry)
        self.entries.append(json.loads(to_json(entry)))


def _score(found: Any) -> tuple[float, float] | None:
    return None if found is None else (float(found[0]), float(found[1]))


def hold(folder: Path, problem: TuningProblem, data: Any) -> None:
    """Make the folder of a search, or see that it is the one of this search.

    Raises InputError if it holds a run, or a search with other options or data; MachineError if it cannot be
    made.
    """
    if (folder / CONFIG).exists():
        cure = "Name a folder of its own for the search"
        raise InputError(str(folder / CONFIG), "must not be in the folder of a search", "a run", cure)
    path, now = folder / PLAN, _plan(problem, data)
    if kind_of(path) is None:
        make_folder(folder)
        write_new(path, (to_json(now, indent=1) + "\n").encode("utf-8", "backslashreplace"))
        return
    try:
        before = json.loads(read_bytes(path)) if kind_of(path) == "a file" else None
    except ValueError:
        before = None
    if not isinstance(before, dict):
        raise InputError(str(path), "must be the plan of a search", "something else", "Name another folder")
    names = [name for name in sorted({*before, *now}) if before.get(name) != now.get(name)]
    if names:
        changed = "; ".join(f"{name}: {before.get(name)} before, {now.get(name)} now" for name in names)
        raise InputError(str(folder), "can only be resumed as it was begun", changed, _CURE)


def _plan(problem: TuningProblem, data: Any) -> dict[str, Any]:
    """Return what must stay the same: all but the budget and the number of seeds, which may grow."""
    fixed = {name: _plain(value) for name, value in problem.fixed.items()}
    files = {"data": data, "dev": problem.fixed.get("dev"), "test": problem.options.test}
    digests = {f"sha256 of {name}": _digest(value) for name, value in files.items() if value}
    return {"job": problem.job.name, **fixed, **digests}


def _digest(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [digest(Path(each)) for each in value]
    return digest(Path(value))


def _plain(value: Any) -> Any:
    if isinstance(value, tuple | list):
        return [_plain(each) for each in value]
    return value if isinstance(value, bool | int | float | None) else str(getattr(value, "value", value))
