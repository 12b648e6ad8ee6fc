"""The problems of memory as subjects of a comparison."""

from __future__ import annotations

from math import log

from bptt.data.problems import LETTERS, adding, copying
from bptt.jobs.problems.adding import AddingConfig, AddingTask
from bptt.jobs.subject import Shared, Subject, Variant
from bptt.jobs.tag.compared import TaggedSubject
from bptt.jobs.task import Task
from bptt.models.options import WordOptions

# The share of a problem's examples, beside those that are learned from, on which it is tested.
_TESTED = 10
# The variance of the sum of two numbers drawn evenly from 0 to 1.
_SUM_VARIANCE = 1 / 6


class AddingSubject(Subject):
    """The adding problem, see `data.problems.adding`; T = `lag`."""

    baseline = _SUM_VARIANCE

    def __init__(self, lag: int, count: int, shared: Shared) -> None:
        super().__init__(shared)
        self.title, self.lag = f"adding two numbers in {lag} steps", lag - 1
        self._learned = adding(lag, count, shared.seed)
        self._held_out = adding(lag, max(1, count // _TESTED), shared.seed + 1)

    def task(self, variant: Variant, hidden_size: int) -> Task:
        """Return a task that answers one number for a series."""
        config = AddingConfig(variant.cell, self._encoder(variant, hidden_size), self._data)
        count = max(1, round(variant.share * len(self._learned)))
        return AddingTask(self._learned.take(range(count)), self._held_out, config)


class CopySubject(TaggedSubject):
    """The copy problem, see `data.problems.copying`: words are letters, tags what is wanted."""

    def __init__(self, lag: int, symbols: int, count: int, shared: Shared) -> None:
        super().__init__(
            f"copying {symbols} letters after {lag} steps",
            copying(lag, symbols, count, shared.seed),
            copying(lag, symbols, max(1, count // _TESTED), shared.seed + 1),
            WordOptions(embedding_size=0, token_dropout=0.0, spelled=False),
            lag + symbols,
            shared,
        )
        # Only the letters cannot be foreseen.
        self.baseline = symbols * log(len(LETTERS)) / (lag + 2 * symbols)
