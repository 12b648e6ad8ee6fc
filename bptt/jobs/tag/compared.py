"""Tagging in a comparison: a file of tagged words as its subject."""

from __future__ import annotations

from pathlib import Path

from bptt.data.examples import Examples, Words
from bptt.data.readers.document import read_document
from bptt.data.readers.tagged import looks_like_conll, read_conll
from bptt.data.split import some_indices
from bptt.data.vocabulary_options import LevelName
from bptt.errors import InputError
from bptt.jobs.subject import LAG, Compared, Shared, Subject, Variant
from bptt.jobs.supervised import hold_out
from bptt.jobs.tag.config import TaggerConfig
from bptt.jobs.tag.options import TagOptions
from bptt.jobs.tag.task import TagTask
from bptt.jobs.task import Task
from bptt.models.options import WordOptions


class TaggedSubject(Subject):
    """Sentences with a tag for each word, read as one-hot or embedded words, without a CRF."""

    def __init__(
        self, title: str, examples: Examples[Words, Words], held_out: Examples[Words, Words] | None,
        words: WordOptions, lag: int, shared: Shared,
    ) -> None:  # fmt: skip
        super().__init__(shared)
        self.title, self.lag = title, lag
        self._examples, self._held_out, self._words = examples, held_out, words

    def task(self, variant: Variant, hidden_size: int) -> Task:
        """Return a task that predicts a tag for each word."""
        model = self._encoder(variant, hidden_size)
        config = TaggerConfig(variant.cell, TagOptions(crf=False), self._words, model, self._data)
        return TagTask(*self._parts(variant.share), config)

    def _parts(self, share: float) -> tuple[Examples[Words, Words], Examples[Words, Words] | None]:
        """Return the examples to learn from and those held out, which no share changes."""
        if share == 1:
            return self._examples, self._held_out
        learned, held_out = self._examples, self._held_out
        if held_out is None:
            first, second = hold_out(learned, None, self._data)
            learned, held_out = learned.take(first), learned.take(second)
        return learned.take(some_indices(learned.keys, None, share, self.shared.seed)), held_out


def _suits(path: Path) -> bool:
    """Return whether a file has words in columns, with blank lines between sentences."""
    if path.is_dir():
        return False
    try:
        document = read_document(path)
        blank = any(not line.strip() for line in document.lines)
        return blank and looks_like_conll(document) and read_conll(document).has_targets
    except InputError:
        # Not a text, or lines with unequal columns: the reader of the detected job reports the fault.
        return False


def _read(path: Path, level: LevelName, length: int, shared: Shared) -> Subject:
    found = read_conll(read_document(path))
    return TaggedSubject(path.name, found, None, WordOptions(), LAG, shared)


COMPARED = Compared(_suits, _read)
