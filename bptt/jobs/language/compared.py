"""A language model in a comparison: a text as its subject."""

from __future__ import annotations

from pathlib import Path

from bptt.data.readers.corpus import read_corpus
from bptt.data.text import Corpus
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
        self._corpus, self._vocabulary, self._length = corpus, vocabulary, length

    def check(self, variant: Variant) -> None:
        """Accept every variant: on a text, longer back-propagation has an effect."""

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
        config = LanguageModelConfig(variant.cell, model, data, self._vocabulary)
        return LanguageModelTask(self._corpus, config)


def _suits(path: Path) -> bool:
    """Return True: any file may be a text, and other jobs are asked first."""
    return True


def _read(path: Path, level: LevelName, length: int, shared: Shared) -> Subject:
    vocabulary = VocabularyOptions(level, white_space=usual_white_space(level))
    return TextSubject(read_corpus([path]), vocabulary, length, shared)


COMPARED = Compared(_suits, _read)
