"""One example of what a user gives, exposed to a probe by the job of a run."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeVar

from bptt.data.examples import Example, Examples
from bptt.data.readers.forms import Source, document_of
from bptt.errors import InputError
from bptt.jobs.classify import exposure as classify
from bptt.jobs.classify.task import TrainedClassifier
from bptt.jobs.exposure import check_number
from bptt.jobs.language import exposure as language
from bptt.jobs.language.model import Trained
from bptt.jobs.loading import AnyTrained
from bptt.jobs.tag import exposure as tag
from bptt.jobs.tag.task import TrainedTagger
from bptt.jobs.translate import exposure as translate
from bptt.jobs.translate.translator import TrainedTranslator
from bptt.nn.exposure import Exposure
from bptt.options.checks import check_least

X = TypeVar("X")
Y = TypeVar("Y")


def expose(
    trained: AnyTrained,
    source: Source,
    *,
    labelled: bool,
    limit: int,
    number: int = 0,
    target: Source | None = None,
) -> Exposure:
    """The example of this `number`, counted from 0, or the text from this token on, and its loss terms.

    A `labelled` source is in the form that was learned from, with what is wanted; for translations that
    may stand in a file of its own, `target`. Else it is what is asked for an answer, of a text each line,
    and the answer found stands for what is wanted. To a language model each source is a text. At most
    `limit` steps are read. Raises InputError.
    """
    (found,) = expose_all(
        trained, source, labelled=labelled, limit=limit, number=number, count=1, target=target
    )
    return found


def expose_all(
    trained: AnyTrained,
    source: Source,
    *,
    labelled: bool,
    limit: int,
    count: int,
    number: int = 0,
    target: Source | None = None,
) -> list[Exposure]:
    """At most `count` examples from `number` on; of a continuous text so many stretches after each other."""
    check_least("limit", limit, 1)
    check_least("examples", count, 1)
    if target is not None and not (labelled and isinstance(trained, TrainedTranslator)):
        raise InputError("target", "goes with the sources of translations", cure="Leave it out")
    if isinstance(trained, Trained):
        return language.expose_all(trained, document_of(source).text, number, limit, count)
    if isinstance(trained, TrainedClassifier):
        rows = _take(trained.read(source, labelled), number, count)
        return [classify.expose(trained, row, limit) for row in rows]
    if isinstance(trained, TrainedTagger):
        words = _take(trained.read(source, labelled), number, count)
        return [tag.expose(trained, row, limit) for row in words]
    pairs = trained.read_pairs(source, target) if labelled else trained.read(source)
    return [translate.expose(trained, row, limit) for row in _take(pairs, number, count)]


def _take(examples: Examples[X, Y], number: int, count: int) -> Sequence[Example[X, Y]]:
    check_number(number, len(examples), "examples")
    return examples.rows[number : number + count]
