"""`SequenceClassifier`: `bptt train classify` as an estimator of scikit-learn."""

from __future__ import annotations

from collections.abc import Sequence
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt

from bptt.cells.load import as_cell
from bptt.data.examples import Example, Examples, gather
from bptt.data.vocabulary_options import VocabularyOptions
from bptt.errors import InputError
from bptt.estimators.fitting import fitted
from bptt.estimators.sklearn import (
    BaseEstimator,
    ClassifierMixin,
    check_classification_targets,
    check_consistent_length,
    check_is_fitted,
    check_random_state,
    column_or_1d,
    validate_data,
)
from bptt.estimators.values import check_array, check_whole_text, is_missing, label_values, plain
from bptt.jobs.classify.config import ClassifierConfig, usual_dropout, usual_smoothing
from bptt.jobs.classify.options import HeadOptions, SourceOptions
from bptt.jobs.classify.task import ClassifyTask, TrainedClassifier, load_classifier
from bptt.jobs.options import ExampleOptions
from bptt.models.options import EncoderOptions, TokenOptions

Labels = npt.NDArray[Any]

# The form of `data.readers.forms.FORMS` for each kind of X.
FORMS = {"text": "columns", "series": "ts", "rows": "table"}


class SequenceClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """One of several labels for texts, series, or rows of numbers.

    X is a sequence of str; of arrays (T, D), T as long as each is, or (N, T, D); or (N, D), rows of numbers
    that are read by `feed_forward` alone. In series and rows NaN is a missing number if `missing`, else an
    error; infinity always is. The share `held_out` of the examples chooses the epoch whose weights are kept;
    with 0 all are learned, and the weights are those of the last epoch. `level` is what a token of a text is.
    The other parameters are those of `bptt train classify`; None is the usual value there, which for texts
    is a dropout of 0.5 and n-grams beside the recurrent network.

    After `fit`: `classes_`, and `trained_`, a `bptt.jobs.classify.task.TrainedClassifier`; for rows
    `n_features_in_`. Raises InputError, which is a ValueError here.
    """

    def __init__(
        self,
        *,
        cell: str = "lstm",
        hidden_size: int = 128,
        num_layers: int = 1,
        bidirectional: bool = True,
        feed_forward: Sequence[int] = (),
        pooling: str = "max",
        embedding_size: int = 64,
        level: str = "word",
        dropout: float | None = None,
        ngrams: bool | None = None,
        epochs: int | None = None,
        batch_size: int = 32,
        learning_rate: float | None = None,
        held_out: float = 0.0,
        missing: bool = False,
        random_state: int | np.random.RandomState | None = None,
    ) -> None:
        self.cell = cell
        self.hidden_size = hidden_size
        self.num_layers = num_layers
        self.bidirectional = bidirectional
        self.feed_forward = feed_forward
        self.pooling = pooling
        self.embedding_size = embedding_size
        self.level = level
        self.dropout = dropout
        self.ngrams = ngrams
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.held_out = held_out
        self.missing = missing
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> SequenceClassifier:
        """Learn the labels y (N,) of X."""
        flags = ("bidirectional", "missing", *(() if self.ngrams is None else ("ngrams",)))
        options = plain(self.get_params(deep=False), flags)
        kind = kind_of(X)
        if kind == "rows":
            X, y = validate_data(self, X, y, dtype=np.float32, ensure_all_finite=self._finite)
        inputs, y = list(X), column_or_1d(y, warn=True)
        check_consistent_length(inputs, y)
        label_values(y, (f"y[{i}]" for i in range(len(y))))
        check_classification_targets(y)
        self.classes_, numbers = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise InputError("SequenceClassifier", "learns two classes or more", "one class")
        self.kind_ = kind
        # Names that sort as the classes do.
        names = [f"{n:09d}" for n in numbers]
        self.trained_ = _train(examples_of(inputs, names, kind, options.missing), kind, options)
        return self

    def predict(self, X: Any) -> Labels:
        """Return the most probable label of each input, (N,)."""
        check_is_fitted(self)
        found: Labels = self.classes_[self.predict_proba(X).argmax(1)]
        return found

    def predict_proba(self, X: Any) -> Labels:
        """Return the probability of each label, (N, K), in the order of `classes_`."""
        check_is_fitted(self)
        kind = kind_of(X)
        if self.kind_ == "rows":
            X = validate_data(self, X, dtype=np.float32, reset=False, ensure_all_finite=self._finite)
        elif not len(X):
            raise InputError("X", "has one input or more", "none")
        elif kind != self.kind_:
            raise InputError("SequenceClassifier", f"expected {self.kind_}, as learned from", kind)
        given = list(X)
        inputs = examples_of(given, [None] * len(given), self.kind_, bool(self.missing)).inputs
        probabilities: Labels = self.trained_.log_probabilities(inputs).double().softmax(1).numpy()
        return probabilities

    @property
    def _finite(self) -> bool | str:
        return "allow-nan" if self.missing else True


def _train(examples: Examples[Any, str], kind: str, options: SimpleNamespace) -> TrainedClassifier:
    seed = int(check_random_state(options.random_state).randint(2**31 - 1))
    source = SourceOptions(FORMS[kind])
    behind, before = usual_dropout(source.kind)
    config = ClassifierConfig(
        as_cell(options.cell),
        source,
        EncoderOptions(
            hidden_size=options.hidden_size,
            num_layers=options.num_layers,
            dropout=behind if options.dropout is None else options.dropout,
            bidirectional=options.bidirectional,
            feed_forward=widths_of(options.feed_forward),
            input_dropout=before if options.dropout is None else 0.0,
        ),
        HeadOptions(
            options.pooling,
            ngrams=kind == "text" if options.ngrams is None else options.ngrams,
            smoothing=usual_smoothing(source.kind, "cross-entropy"),
        ),
        TokenOptions(options.embedding_size),
        VocabularyOptions(options.level),
        ExampleOptions(options.batch_size, options.held_out or 0.1, seed=seed),
    )
    held_out = None if options.held_out else examples
    return fitted(
        lambda: ClassifyTask(examples, held_out, config),
        load_classifier,
        epochs=options.epochs,
        learning_rate=options.learning_rate,
        seed=seed,
        choose=bool(options.held_out),
    )


def widths_of(feed_forward: Any) -> tuple[int, ...]:
    """Return the widths of feed-forward layers. Raises InputError for what is no sequence."""
    if not isinstance(feed_forward, tuple):
        raise InputError(
            "feed_forward", "is a sequence of widths", repr(feed_forward), "For one layer: (16,)"
        )
    return feed_forward


def kind_of(X: Any) -> str:
    """Return the kind of the inputs: text, series or rows. Raises InputError for any other."""
    if isinstance(X, str):
        raise InputError("X", "is a sequence of inputs", "one text", "Put it into a list")
    check_array(X, "X")
    if hasattr(X, "__array__"):
        X = np.asarray(X)
        if X.ndim > 1 and X.size and isinstance(X.flat[0], str):
            got, cure = f"an array {X.shape} of str", "Give one column of it, as X['text'] or X[:, 0]"
            raise InputError("X", "is a sequence of texts", got, cure)
    elif hasattr(X, "toarray"):
        # Sparse: scikit-learn says that it cannot be taken.
        return "rows"
    if not len(X):
        return "rows"
    for i, x in enumerate(X):
        check_array(x, f"X[{i}]")
    first = next((x for x in X if not is_missing(x)), None)
    if isinstance(first, str | bytes | None):
        return "text"
    return "series" if np.ndim(first) == 2 else "rows"


def examples_of(
    inputs: Sequence[Any], labels: Sequence[str | None], kind: str, missing: bool
) -> Examples[Any, str]:
    """Return examples whose columns are named, and whose numbers are float32."""
    places = [f"X[{i}]" for i in range(len(inputs))]
    read: list[Any]
    if kind == "text":
        read = [check_whole_text(x, place) for x, place in zip(inputs, places, strict=True)]
    else:
        read = [_numbers(x, place, kind, missing) for x, place in zip(inputs, places, strict=True)]
    rows = [Example(x, label, place) for x, label, place in zip(read, labels, places, strict=True)]
    if kind == "text":
        return gather("X", rows)
    width = read[0].shape[-1]
    for x, place in zip(read, places, strict=True):
        if x.shape[-1] != width:
            raise InputError(place, f"has {width} numbers a step, as the first input", x.shape[-1])
    return gather("X", rows, tuple(map(str, range(1, width + 1))))


def _numbers(x: Any, place: str, kind: str, missing: bool) -> Labels:
    """Return a series (T, D) or a row (D,) in float32."""
    try:
        given = np.asarray(x)
        with np.errstate(over="ignore"):  # beyond float32 a number is infinite
            found = given if given.dtype.kind in "cMmV" else np.ascontiguousarray(given, dtype=np.float32)
    except (TypeError, ValueError) as error:
        raise InputError(place, "must be an array of numbers", error) from error
    check_array(given, place)
    if kind == "series":
        if np.ndim(x) != 2:
            raise InputError(place, "must be a series (T, D), as the first input", f"shape {np.shape(x)}")
        if not found.shape[1]:
            raise InputError(place, "must have one number a step or more", f"shape {found.shape}")
        if np.isinf(found).any() or (np.isnan(found).any() and not missing):
            cure = "Take it out; NaN may be a missing number: missing=True"
            raise InputError(place, "must hold finite numbers below 3.4e38", "NaN or infinity", cure)
    return found
