"""A language model in a comparison: a text as its subject."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from bptt.data.readers.corpus import read_corpus
from bptt.data.text import Corpus, split_text
from bptt.data.vocabulary_options import LevelName, VocabularyOptions, usual_white_space
from bptt.jobs.language.config import LanguageModelConfig
from bptt.jobs.language.model import LanguageModelTask
from bptt.jobs.language.options import DataOptions, ModelOptions
from bptt.jobs.subject import Compared, Shared, Subject, Variant
from bptt.jobs.task import Task


class TextSubject(Subject):
    """A text, as one stream of characters or words."""

    def __init__(self, corpus: Corpus, vocabulary: VocabularyOptions, length: int, shared: Shared) -> None:
        super().__init__(shared)
        self.title, self.lag = ", ".join(corpus.names), length - 1
        self._vocabulary, self._length = vocabulary, length
        # Of every variant the same, whatever share of the rest it learns from.
        learned, held_out = split_text(corpus.text, DataOptions().held_out, whole_lines=False)
        self._corpus, self._held_out = replace(corpus, text=learned), replace(corpus, text=held_out)

    def check(self, variant: Variant) -> None:
        """Accept longer back-propagation and levels. Raises InputError for a cell without a state."""
        if not variant.is_recurrent:
            super().check(replace(variant, longer=1, level=None))

    def task(self, variant: Variant, hidden_size: int) -> Task:
        """Return a task that predicts the next token."""
        shared = self.shared
        model = ModelOptions(
            hidden_size,
            shared.num_layers,
            recurrent_init=variant.recurrent_init,
            forget_bias=variant.forget_bias,
        )
        length = variant.longer * self._length
        data = DataOptions("continuous", shared.batch_size, length, seed=shared.seed)
        config = LanguageModelConfig(variant.cell, model, data, self._of(variant.level))
        return LanguageModelTask(self._learned(variant.share), config, self._held_out)

    def _of(self, level: LevelName | None) -> VocabularyOptions:
        return self._vocabulary if level is None else _vocabulary(level)

    def _learned(self, share: float) -> Corpus:
        """Return the beginning of the text to learn from."""
        text = self._corpus.text
        return replace(self._corpus, text=text[: max(1, round(share * len(text)))])


def _vocabulary(level: LevelName) -> VocabularyOptions:
    return VocabularyOptions(level, white_space=usual_white_space(level))


def _suits(path: Path) -> bool:
    """Return True: any file may be a text, and other jobs are asked first."""
    return True


def _read(path: Path, level: LevelName, length: int, shared: Shared) -> Subject:
    return TextSubject(read_corpus([path]), _vocabulary(level), length, shared)


COMPARED = Compared(_suits, _read)
