"""The results of a run on held-out data, from its records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from bptt.jobs.task import SMALLER_IS_BETTER
from bptt.report.run_records import RECORDS, read_records

# Keys of a record that are no metric.
_NO_METRIC = ("kind", "step", "epoch", "seconds")


def held_out_records(run: Path) -> list[Mapping[str, Any]]:
    """Return the records of all evaluations of a run, the first one first.

    Raises InputError if the records cannot be read.
    """
    path = run / RECORDS
    records = read_records(path) if path.exists() else ()
    return [record for record in records if record.get("kind") == "held-out"]


def best_evaluation(records: Sequence[Mapping[str, Any]], criterion: str) -> Mapping[str, Any] | None:
    """Return the record of the weights that a training kept, the first of equal ones; None if there is none.

    Of equal values of the criterion, the evaluation with the smallest loss is the best.
    """
    sign = -1 if criterion in SMALLER_IS_BETTER else 1
    measured = [record for record in records if criterion in record]
    return max(measured, key=lambda record: (sign * record[criterion], -record["loss"]), default=None)


def metrics_of(record: Mapping[str, Any]) -> dict[str, Any]:
    """Return the metrics of the record of an evaluation, with the counts beside them."""
    return {name: value for name, value in record.items() if name not in _NO_METRIC}
