"""Examples from a source, exposed to a probe by the job of the model."""

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
    """Return the example with this `number`, from 0; to a language model, the text from this token on.

    A `labelled` source has the format of the training data, with targets; those of translations may be in
    another file, `target`. Otherwise the source has inputs only, each line of a text one, and the model's
    answers replace the targets. To a language model each source is one text. At most `limit` steps are read.

    Raises InputError if the source cannot be read or has no such example, or the model has no recurrence.
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
    """Return at most `count` examples from `number` on; of a continuous text, consecutive stretches.

    Raises InputError as `expose` does, and if `limit` or `count` is below 1.
    """
    check_least("limit", limit, 1)
    check_least("examples", count, 1)
    return job_of(trained).expose(trained, Stretch(source, labelled, limit, number, count, target))
