"""`SequenceTagger`: `bptt train tag` as an estimator of scikit-learn."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from bptt.cells import load
from bptt.data.examples import Example, Words, gather
from bptt.errors import InputError
from bptt.estimators.fitting import fitted
from bptt.estimators.sklearn import (
    BaseEstimator,
    check_consistent_length,
    check_is_fitted,
    check_random_state,
)
from bptt.tasks.codecs.words import WordOptions
from bptt.tasks.encoder import EncoderOptions
from bptt.tasks.supervised import ExampleOptions
from bptt.tasks.tag.config import TaggerConfig, TagOptions
from bptt.tasks.tag.metrics import accuracy
from bptt.tasks.tag.task import TagTask, load_tagger

Sentences = Sequence[Sequence[str]]


class SequenceTagger(BaseEstimator):  # type: ignore[misc]
    """A tag for each word of a sentence.

    X is a sequence of sentences, each a sequence of words; y holds as many tags for each. The share
    `held_out` of the sentences chooses the epoch whose weights are kept; with 0 all are learned, and the
    weights are those of the last epoch. The other parameters are those of `bptt train tag`.

    After `fit`: `classes_`, the tags, and `trained_`, a `bptt.tasks.tag.task.TrainedTagger`. Raises
    InputError, which is a ValueError.
    """

    def __init__(
        self,
        *,
        cell: str = "lstm",
        hidden_size: int = 128,
        num_layers: int = 1,
        bidirectional: bool = True,
        crf: bool = True,
        scheme: str | None = None,
        embedding_size: int = 64,
        spelled: bool = True,
        token_dropout: float = 0.0,
        dropout: float = 0.0,
        epochs: int = 10,
        batch_size: int = 32,
        learning_rate: float | None = None,
        held_out: float = 0.0,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.cell = cell
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bidirectional = bidirectional
        self.crf = crf
        self.scheme = scheme
        self.embedding_size = embedding_size
        self.spelled = spelled
        self.token_dropout = token_dropout
        self.dropout = dropout
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.held_out = held_out
        self.random_state = random_state

    def fit(self, X: Sentences, y: Sentences) -> SequenceTagger:
        """Learn the tags y of the words of X."""
        check_consistent_length(X, y)
        rows = []
        for i, (words, tags) in enumerate(zip(_sentences(X), _sentences(y), strict=True)):
            if len(words) != len(tags):
                raise InputError(f"y[{i}]", f"has a tag for each of the {len(words)} words", len(tags))
            rows.append(Example(words, tags, f"X[{i}]"))
        examples = gather("X", rows)
        held_out = None if self.held_out else examples
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        config = TaggerConfig(
            load(self.cell),
            TagOptions(self.crf, self.scheme),
            WordOptions(
                embedding_size=self.embedding_size, token_dropout=self.token_dropout, spelled=self.spelled
            ),
            EncoderOptions(
                hidden_size=self.hidden_size,
                num_layers=self.num_layers,
                dropout=self.dropout,
                bidirectional=self.bidirectional,
            ),
            ExampleOptions(self.batch_size, self.held_out or 0.1, seed=seed),
        )
        self.trained_ = fitted(
            lambda: TagTask(examples, held_out, config),
            load_tagger,
            epochs=self.epochs,
            learning_rate=self.learning_rate,
            seed=seed,
            choose=bool(self.held_out),
        )
        self.classes_ = np.array(self.trained_.tags.tags)
        return self

    def predict(self, X: Sentences) -> list[list[str]]:
        """The tags of each sentence."""
        check_is_fitted(self)
        return [list(found.tags) for found in self.trained_.predict(_sentences(X))]

    def predict_proba(self, X: Sentences) -> list[npt.NDArray[np.float64]]:
        """For each sentence the probability of each tag at each word, (T, K), in the order of `classes_`."""
        check_is_fitted(self)
        return [found.double().numpy() for found in self.trained_.probabilities(_sentences(X))]

    def score(self, X: Sentences, y: Sentences) -> float:
        """The share of words whose tag is found."""
        return accuracy(_sentences(y), _sentences(self.predict(X)))


def _sentences(given: Sentences) -> list[Words]:
    for i, words in enumerate(given):
        if isinstance(words, str):
            raise InputError(f"X[{i}]", "is a sequence of words", "one text", "Cut it, e.g. text.split()")
    return [tuple(words) for words in given]
