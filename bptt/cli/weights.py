"""Answers with narrow weights, and lines on what they change beside float32."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bptt.cli.spelling import say
from bptt.errors import InputError
from bptt.jobs.commands import EXACT

if TYPE_CHECKING:
    from bptt.data.examples import Examples
    from bptt.jobs.answers import Answer, Asking
    from bptt.jobs.job import Job
    from bptt.runtime.narrow import WeightFormat

# Answers that are computed twice: enough to see a change, and few beside a file that is worth narrow weights.
_COMPARED = 100
_METRICS = 3


def say_held_out(job: Job[Any], trained: Any, run: Path, weights: WeightFormat) -> None:
    """Print the metrics of the held-out data of a run in float32 and in another format."""
    from bptt.jobs.commands import evaluate_options
    from bptt.nn import weight_format
    from bptt.options.choices import Choices

    choices, found = Choices.read(evaluate_options(), {"run": run}), []
    for each in (EXACT, weights):
        try:
            with weight_format(each):
                found.append(job.evaluate(trained, run, choices).metrics)
        except InputError as error:
            say(f"weights {weights}: how they change the held-out metrics is not known: {error}")
            return
    # Counts of what was read follow.
    first = list(found[0].items())[:_METRICS]
    pairs = (f"{name} {value:.5g}, {found[1][name]:.5g}" for name, value in first)
    say(f"held-out metrics with weights in float32, and in {weights}: {'; '.join(pairs)}")


class ComparedAnswers:
    """The first answers with narrow weights beside those of float32, by a second `asking` of one model."""

    def __init__(self, asking: Asking, weights: WeightFormat) -> None:
        self._asking, self._weights = asking, weights
        self._count, self._same, self._furthest = 0, 0, 0.0

    def compare(self, examples: Examples[Any, Any], answers: Sequence[Answer]) -> None:
        """Compute the first answers once more in float32, and compare them with `answers`."""
        left = _COMPARED - self._count
        if left <= 0:
            return
        from bptt.nn import weight_format

        with weight_format(EXACT):
            for exact, narrow in zip(islice(self._asking.answer(examples), left), answers, strict=False):
                one, other = list(_leaves(exact.to_dict())), list(_leaves(narrow.to_dict()))
                self._count += 1
                self._same += _words(one) == _words(other)
                differences = (abs(a - b) for a, b in zip(_numbers(one), _numbers(other), strict=False))
                self._furthest = max(self._furthest, *differences, 0.0)

    @property
    def line(self) -> str:
        """A line for the user."""
        return (
            f"weights {self._weights}: {self._same} of the first {self._count} answers are those of float32; "
            f"numbers in them differ by up to {self._furthest:.2g}"
        )


def _leaves(value: Any) -> Iterator[Any]:
    """Yield the values of plain data that hold no others, and the names of fields."""
    if isinstance(value, dict):
        for name, each in value.items():
            yield name
            yield from _leaves(each)
    elif isinstance(value, list | tuple):
        for each in value:
            yield from _leaves(each)
    else:
        yield value


def _words(leaves: Sequence[Any]) -> list[Any]:
    return [None if isinstance(each, float) else each for each in leaves]


def _numbers(leaves: Sequence[Any]) -> list[float]:
    return [each for each in leaves if isinstance(each, float)]
