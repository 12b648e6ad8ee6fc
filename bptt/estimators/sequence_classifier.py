"""`SequenceClassifier`: `bptt train classify` as an estimator of scikit-learn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from bptt.cells import load
from bptt.data.examples import Example, Examples, gather
from bptt.data.levels import VocabularyOptions, usual_white_space
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
from bptt.tasks.classify.config import ClassifierConfig, HeadOptions, SourceOptions
from bptt.tasks.classify.task import ClassifyTask, TrainedClassifier, load_classifier
from bptt.tasks.encoder import EncoderOptions
from bptt.tasks.inputs import TokenOptions
from bptt.tasks.supervised import ExampleOptions

Labels = npt.NDArray[Any]

_FORMS = {"text": "columns", "series": "ts", "rows": "table"}


class SequenceClassifier(ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """One of several labels for texts, series, or rows of numbers.

    X is a sequence of str; of arrays (T, D), T as long as each is, or (N, T, D); or (N, D), rows of numbers
    that are read by `feed_forward` alone. In series and rows NaN is a missing number if `missing`, else an
    error. The share `held_out` of the examples chooses the epoch whose weights are kept; with 0 all are
    learned, and the weights are those of the last epoch. `level` is what a token of a text is. The other
    parameters are those of `bptt train classify`.

    After `fit`: `classes_`, and `trained_`, a `bptt.tasks.classify.task.TrainedClassifier`; for rows
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
        dropout: float = 0.0,
        epochs: int = 10,
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
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.held_out = held_out
        self.missing = missing
        self.random_state = random_state

    def fit(self, X: Any, y: Any) -> SequenceClassifier:
        """Learn the labels y (N,) of X."""
        kind = kind_of(X)
        if kind == "rows":
            X, y = validate_data(self, X, y, dtype=np.float32, ensure_all_finite=self._finite)
        inputs, y = list(X), column_or_1d(y, warn=True)
        check_consistent_length(inputs, y)
        check_classification_targets(y)
        self.classes_, numbers = np.unique(y, return_inverse=True)
        if len(self.classes_) < 2:
            raise InputError("SequenceClassifier", "learns two classes or more", "one class")
        self.kind_ = kind
        # Names that sort as the classes do.
        rows = [
            Example(x, f"{n:09d}", f"X[{i}]") for i, (x, n) in enumerate(zip(inputs, numbers, strict=True))
        ]
        self.trained_ = self._train(_examples(rows, kind))
        return self

    def predict(self, X: Any) -> Labels:
        """The most probable label of each input, (N,)."""
        check_is_fitted(self)
        found: Labels = self.classes_[self.predict_proba(X).argmax(1)]
        return found

    def predict_proba(self, X: Any) -> Labels:
        """The probability of each label, (N, K), in the order of `classes_`."""
        check_is_fitted(self)
        if self.kind_ == "rows":
            X = validate_data(self, X, dtype=np.float32, reset=False, ensure_all_finite=self._finite)
        elif kind_of(X) != self.kind_:
            raise InputError("SequenceClassifier", f"expected {self.kind_}, as learned from", kind_of(X))
        inputs = _examples([Example(x, None, "") for x in X], self.kind_).inputs
        probabilities: Labels = self.trained_.log_probabilities(inputs).double().softmax(1).numpy()
        return probabilities

    @property
    def _finite(self) -> bool | str:
        return "allow-nan" if self.missing else True

    def _train(self, examples: Examples[Any, str]) -> TrainedClassifier:
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        config = ClassifierConfig(
            load(self.cell),
            SourceOptions(_FORMS[self.kind_]),
            EncoderOptions(
                hidden_size=self.hidden_size,
                num_layers=self.num_layers,
                dropout=self.dropout,
                bidirectional=self.bidirectional,
                feed_forward=tuple(self.feed_forward),
            ),
            HeadOptions(self.pooling),  # type: ignore[arg-type]
            TokenOptions(self.embedding_size),
            VocabularyOptions(self.level, white_space=usual_white_space(self.level)),  # type: ignore[arg-type]
            ExampleOptions(self.batch_size, self.held_out or 0.1, seed=seed),
        )
        held_out = None if self.held_out else examples
        return fitted(
            lambda: ClassifyTask(examples, held_out, config),
            load_classifier,
            epochs=self.epochs,
            learning_rate=self.learning_rate,
            seed=seed,
            choose=bool(self.held_out),
        )


def kind_of(X: Any) -> str:
    """What the inputs are: text, series or rows. Raises InputError for a single text."""
    if isinstance(X, str):
        raise InputError("X", "is a sequence of inputs", "one text", "Put it into a list")
    if hasattr(X, "__array__"):
        X = np.asarray(X)
    elif hasattr(X, "toarray"):
        # Sparse: scikit-learn says that it cannot be taken.
        return "rows"
    if not len(X):
        return "rows"
    first = next(iter(X))
    return "text" if isinstance(first, str) else "series" if np.ndim(first) == 2 else "rows"


def _examples(rows: list[Example[Any, str]], kind: str) -> Examples[Any, str]:
    """Examples whose columns are named, and whose numbers are float32."""
    if kind == "text":
        return gather("X", rows)
    rows = [replace(row, input=np.ascontiguousarray(row.input, dtype=np.float32)) for row in rows]
    width = rows[0].input.shape[-1]
    for row in rows:
        if row.input.shape[-1] != width:
            raise InputError(
                row.place, f"has {width} numbers a step, as the first input", row.input.shape[-1]
            )
    return gather("X", rows, tuple(map(str, range(1, width + 1))))
