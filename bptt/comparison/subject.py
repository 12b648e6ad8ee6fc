"""The subject of a comparison: a problem or a user's data, as a task for each variant."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from math import log

from bptt.comparison.variants import Variant
from bptt.data.examples import Examples, Words
from bptt.data.problems import LETTERS, adding, copying
from bptt.data.readers.forms import Classified
from bptt.data.text import Corpus
from bptt.data.vocabulary_options import VocabularyOptions
from bptt.errors import InputError
from bptt.jobs.classify.config import ClassifierConfig
from bptt.jobs.classify.options import HeadOptions, SourceOptions
from bptt.jobs.classify.task import ClassifyTask
from bptt.jobs.language.config import LanguageModelConfig
from bptt.jobs.language.model import LanguageModelTask
from bptt.jobs.language.options import DataOptions, ModelOptions
from bptt.jobs.options import ExampleOptions
from bptt.jobs.problems.adding import AddingConfig, AddingTask
from bptt.jobs.tag.config import TaggerConfig
from bptt.jobs.tag.options import TagOptions
from bptt.jobs.tag.task import TagTask
from bptt.jobs.task import Task
from bptt.models.options import EncoderOptions, WordOptions

# The share of a problem's examples, beside those that are learned from, on which it is tested.
_TESTED = 10
# How far back the gradient in data of any length is followed.
LAG = 50
# The variance of the sum of two numbers drawn evenly from 0 to 1.
_SUM_VARIANCE = 1 / 6


@dataclass(frozen=True)
class Shared:
    """The options that all variants have in common."""

    num_layers: int = 1
    batch_size: int = 50
    seed: int = 0


class Subject(ABC):
    """`title` says what it is, `lag` how many steps back it asks to remember; `baseline` is the loss of who
    remembers nothing, None where it is not known. Tasks read in one direction, and an answer for a sequence
    is read off its last step: what it needs must be carried there.
    """

    title: str
    lag: int
    baseline: float | None = None

    def __init__(self, shared: Shared) -> None:
        self.shared = shared

    def check(self, variant: Variant) -> None:
        """Raise InputError for a variant that makes no difference here."""
        if variant.longer > 1:
            cure = "Leave it out: sequences are always followed back to their beginning"
            raise InputError("remedies", "length is for a text", self.title, cure)

    @abstractmethod
    def task(self, variant: Variant, hidden_size: int) -> Task:
        """Return a fresh task. The weights are drawn from torch's generator: seed it before."""

    def _encoder(self, variant: Variant, hidden_size: int) -> EncoderOptions:
        return EncoderOptions(
            hidden_size,
            self.shared.num_layers,
            bidirectional=False,
            recurrent_init=variant.recurrent_init,
            forget_bias=variant.forget_bias,
        )

    @property
    def _data(self) -> ExampleOptions:
        return ExampleOptions(self.shared.batch_size, seed=self.shared.seed)


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
        return AddingTask(self._learned, self._held_out, config)


class TaggedSubject(Subject):
    """Sentences with a tag for each word, read one-hot or by an embedding, without a CRF."""

    def __init__(
        self, title: str, examples: Examples[Words, Words], held_out: Examples[Words, Words] | None,
        words: WordOptions, lag: int, shared: Shared,
    ) -> None:  # fmt: skip
        super().__init__(shared)
        self.title, self.lag = title, lag
        self._examples, self._held_out, self._words = examples, held_out, words

    def task(self, variant: Variant, hidden_size: int) -> Task:
        """Return a task that answers a tag for each word."""
        model = self._encoder(variant, hidden_size)
        config = TaggerConfig(variant.cell, TagOptions(crf=False), self._words, model, self._data)
        return TagTask(self._examples, self._held_out, config)


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


class LabelledSubject(Subject):
    """Labelled texts, DNA or series in a form of `data.readers.forms.FORMS`."""

    def __init__(self, title: str, examples: Classified, form: str, shared: Shared) -> None:
        super().__init__(shared)
        self.title, self.lag = title, LAG
        self._examples, self._source = examples, SourceOptions(form)
        if self._source.is_row:
            cure = "Give texts, series or DNA"
            raise InputError(title, "what is compared are sequences", "rows of numbers", cure)

    def task(self, variant: Variant, hidden_size: int) -> Task:
        """Return a task that answers a label for each example."""
        model, head = self._encoder(variant, hidden_size), HeadOptions("last")
        config = ClassifierConfig(variant.cell, self._source, model, head, data=self._data)
        return ClassifyTask(self._examples, None, config)


class TextSubject(Subject):
    """A text, as one stream of characters or words."""

    def __init__(self, corpus: Corpus, vocabulary: VocabularyOptions, length: int, shared: Shared) -> None:
        super().__init__(shared)
        self.title, self.lag = ", ".join(corpus.names), length - 1
        self._corpus, self._vocabulary, self._length = corpus, vocabulary, length

    def check(self, variant: Variant) -> None:
        """Accept every variant: a longer way back makes a difference for a text."""

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
