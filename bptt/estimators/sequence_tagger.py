"""`SequenceTagger`: `bptt train tag` as an estimator of scikit-learn."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any

import numpy as np
import numpy.typing as npt

from bptt.cells.load import as_cells
from bptt.data.examples import Example, Words, gather
from bptt.errors import InputError
from bptt.estimators.fitting import fitted
from bptt.estimators.parameters import (
    choices_of,
    estimator_options,
    training_options,
    with_layers,
    with_parameters,
)
from bptt.estimators.sklearn import (
    BaseEstimator,
    check_is_fitted,
    check_random_state,
)
from bptt.estimators.values import check_text, label_values
from bptt.jobs.options import ExampleOptions
from bptt.jobs.tag.config import TaggerConfig
from bptt.jobs.tag.metrics import accuracy
from bptt.jobs.tag.options import OPTIONS, TagOptions
from bptt.jobs.tag.tag_set import spell
from bptt.jobs.tag.task import TagTask, load_tagger
from bptt.models.options import EncoderOptions, WordOptions
from bptt.options.checks import shown

Sentences = Sequence[Sequence[str]]
Tags = Sequence[Sequence[str]] | Sequence[Sequence[int]]


_OPTIONS = estimator_options(OPTIONS, {"held_out": 0.0, "embedding_size": 64, "token_dropout": 0.0})


@with_parameters(_OPTIONS, random_state=None)
class SequenceTagger(BaseEstimator):  # type: ignore[misc]
    """A tag for each word of a sentence.

    X is a sequence of sentences, each a sequence of words; y holds as many tags for each, all of them texts
    or all numbers. The share `held_out` of the sentences chooses the epoch whose weights are kept; with 0 all
    are learned, and the weights are those of the last epoch. The other parameters are those of
    `bptt train tag`.

    After `fit`: `classes_`, the tags, and `trained_`, a `bptt.jobs.tag.task.TrainedTagger`. Raises
    InputError, which is a ValueError.
    """

    held_out: float
    random_state: int | np.random.RandomState | None

    def fit(self, X: Sentences, y: Tags) -> SequenceTagger:
        """Learn the tags y of the words of X."""
        choices = choices_of(self, _OPTIONS)
        sentences, tags = _tagged(X, y)
        # The model writes tags as texts; what a caller gave as numbers comes back as numbers.
        values = {str(tag): tag for given in tags for tag in given}
        examples = gather(
            "X",
            [
                Example(words, tuple(map(str, given)), f"X[{i}]")
                for i, (words, given) in enumerate(zip(sentences, tags, strict=True))
            ],
        )
        chosen = choices.has("held_out")
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        cells = as_cells(self.cell)
        config = TaggerConfig(
            cells,
            choices.make(TagOptions),
            choices.make(WordOptions),
            with_layers(choices.make(EncoderOptions), cells),
            choices.make(ExampleOptions, held_out=0.1, seed=seed),
        )
        self.trained_ = fitted(
            lambda: TagTask(examples, None if chosen else examples, config),
            load_tagger,
            training_options(choices, seed),
            few=False,
            choose=chosen,
        )
        self.classes_ = np.array([values.get(tag, tag) for tag in self.trained_.tags.tags])
        return self

    def predict(self, X: Sentences) -> list[list[Any]]:
        """Return the tags of each sentence, of the kind that was learned: texts, or numbers."""
        check_is_fitted(self)
        values = dict(zip(self.trained_.tags.tags, self.classes_.tolist(), strict=True))
        return [[values[tag] for tag in found.tags] for found in self.trained_.predict(_sentences(X))]

    def predict_proba(self, X: Sentences) -> list[npt.NDArray[np.float64]]:
        """Return for each sentence the probability of each tag at each word, (T, K), in the order of
        `classes_`.
        """
        check_is_fitted(self)
        return [found.double().numpy() for found in self.trained_.probabilities(_sentences(X))]

    def score(self, X: Sentences, y: Tags) -> float:
        """Return the share of words whose tag is found, tags being spelled in the scheme that was learned."""
        check_is_fitted(self)
        sentences, gold = _tagged(X, y)
        if not any(sentences):
            raise InputError("X", "has one word or more", "none")
        found = [tuple(tags) for tags in self.predict(sentences)]
        if self.trained_.tags.scheme is not None:
            gold = [spell(tags, f"y[{i}]", self.trained_.tags.scheme) for i, tags in enumerate(gold)]
        return accuracy(gold, found)


def _tagged(X: Sentences, y: Tags) -> tuple[list[Words], list[tuple[Any, ...]]]:
    """Return sentences and their tags. Raises InputError unless each word has one."""
    sentences, tags = _sentences(X), _tags(y)
    if len(sentences) != len(tags):
        raise InputError("y", f"has the tags of each of the {len(sentences)} sentences", len(tags))
    for i, (words, given) in enumerate(zip(sentences, tags, strict=True)):
        if len(words) != len(given):
            raise InputError(f"y[{i}]", f"has a tag for each of the {len(words)} words", len(given))
    return sentences, tags


def _sentences(given: Sentences) -> list[Words]:
    return [
        tuple(check_text(word, f"X[{i}][{j}]", "a word (str)") for j, word in enumerate(words))
        for i, words in enumerate(_sequences(given, "X", "words"))
    ]


def _tags(given: Tags) -> list[tuple[Any, ...]]:
    sentences = list(_sequences(given, "y", "tags"))
    places = (f"y[{i}][{j}]" for i, tags in enumerate(sentences) for j in range(len(tags)))
    tags = iter(label_values(chain.from_iterable(sentences), places))
    return [tuple(islice(tags, len(each))) for each in sentences]


def _sequences(given: Sequence[Sequence[Any]], name: str, what: str) -> Iterator[list[Any]]:
    """Return the items of each sentence. Raises InputError for a sentence that is none."""
    if not isinstance(given, Iterable):
        cure = f"Give a list of the {what} of each sentence"
        raise InputError(name, "is a sequence of sentences", shown(given), cure)
    for i, items in enumerate(given):
        if isinstance(items, str | bytes):
            raise InputError(
                f"{name}[{i}]", f"is a sequence of {what}", "one text", "Cut it, e.g. text.split()"
            )
        if not isinstance(items, Iterable):
            raise InputError(
                f"{name}[{i}]", f"is a sequence of {what}", repr(items), "Leave the sentence out"
            )
        yield list(items)
