"""One example of what a user gives, exposed to a probe by the job of a model."""

from __future__ import annotations

from typing import TypeVar

from bptt.data.readers.forms import Source
from bptt.jobs.job import Stretch, TrainedModel
from bptt.jobs.registry import job_of
from bptt.nn.exposure import Exposure
from bptt.options.checks import check_least

X = TypeVar("X")
Y = TypeVar("Y")


def expose(
    trained: TrainedModel,
    source: Source,
    *,
    labelled: bool,
    limit: int,
    number: int = 0,
    target: Source | None = None,
) -> Exposure:
    """Return the example of this `number`, counted from 0, or the text from this token on.

    A `labelled` source is in the form that was learned from, with what is wanted; for translations that
    may be in a file of its own, `target`. Else it is what is asked for an answer, of a text each line,
    and the answer found takes the place of what is wanted. To a language model each source is a text. At most
    `limit` steps are read. Raises InputError.
    """
    (found,) = expose_all(
        trained, source, labelled=labelled, limit=limit, number=number, count=1, target=target
    )
    return found


def expose_all(
    trained: TrainedModel,
    source: Source,
    *,
    labelled: bool,
    limit: int,
    count: int,
    number: int = 0,
    target: Source | None = None,
) -> list[Exposure]:
    """Return at most `count` examples from `number` on; of a continuous text, stretches in a row."""
    check_least("limit", limit, 1)
    check_least("examples", count, 1)
    return job_of(trained).expose(trained, Stretch(source, labelled, limit, number, count, target))
