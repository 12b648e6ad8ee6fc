"""`SequenceRegressor`: `bptt train regress` as an estimator of scikit-learn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from types import SimpleNamespace
from typing import Any

import numpy as np
import numpy.typing as npt

from bptt.cells.load import as_cell
from bptt.data.examples import Example, Examples
from bptt.data.readers.measured import Measured
from bptt.data.vocabulary_options import VocabularyOptions
from bptt.errors import InputError
from bptt.estimators.fitting import fitted
from bptt.estimators.sequence_classifier import FORMS, examples_of, kind_of, widths_of
from bptt.estimators.sklearn import (
    BaseEstimator,
    RegressorMixin,
    check_consistent_length,
    check_is_fitted,
    check_random_state,
    validate_data,
)
from bptt.estimators.values import check_array, plain
from bptt.jobs.classify.config import usual_dropout
from bptt.jobs.options import ExampleOptions
from bptt.jobs.regress.config import RegressorConfig, usual_feed_forward, usual_pooling
from bptt.jobs.regress.options import MeasuredOptions, RegressionOptions
from bptt.jobs.regress.task import RegressTask
from bptt.jobs.regress.trained import NumberPrediction, TrainedRegressor, load_regressor
from bptt.models.options import EncoderOptions, TokenOptions

Array = npt.NDArray[Any]


class SequenceRegressor(RegressorMixin, BaseEstimator):  # type: ignore[misc]
    """Numbers for texts, series, or rows of numbers.

    X is a sequence of str; of arrays (T, D), T as long as each is, or (N, T, D); or (N, D), rows of numbers
    that are read by `feed_forward` alone. y is (N,), or (N, M) for M numbers each. In series and rows NaN is
    a missing number if `missing`, else an error; infinity always is. The share `held_out` of the examples
    chooses the epoch whose weights are kept, and the width of intervals; with 0 all are learned, and the
    weights are those of the last epoch. The other parameters are those of `bptt train regress`; None is the
    usual value there.

    After `fit`: `trained_`, a `bptt.jobs.regress.trained.TrainedRegressor`; for rows `n_features_in_`. Raises
    InputError, which is a ValueError here.
    """

    def __init__(
        self,
        *,
        cell: str = "lstm",
        hidden_size: int = 128,
        num_layers: int = 1,
        bidirectional: bool = True,
        feed_forward: Sequence[int] | None = None,
        pooling: str | None = None,
        loss: str = "squared",
        delta: float = 1.0,
        quantiles: Sequence[float] = (0.05, 0.5, 0.95),
        interval: float = 0.9,
        embedding_size: int = 64,
        level: str = "word",
        dropout: float | None = None,
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
        self.loss = loss
        self.delta = delta
        self.quantiles = quantiles
        self.interval = interval
        self.embedding_size = embedding_size
        self.level = level
        self.dropout = dropout
        self.epochs = epochs
        self.batch_size = batch_size
        self.learning_rate = learning_rate
        self.held_out = held_out
        self.missing = missing
        self.random_state = random_state

    def __sklearn_tags__(self) -> Any:
        """Return what scikit-learn may expect: several targets are learned too."""
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def fit(self, X: Any, y: Any) -> SequenceRegressor:
        """Learn the numbers y (N,) or (N, M) of X."""
        options = plain(self.get_params(deep=False), ("bidirectional", "missing"))
        kind = kind_of(X)
        if kind == "rows":
            X, y = validate_data(
                self,
                X,
                y,
                dtype=np.float32,
                ensure_all_finite=self._finite,
                multi_output=True,
                y_numeric=True,
            )
        inputs, targets = list(X), _targets(y)
        check_consistent_length(inputs, targets)
        if len(inputs) < 2:
            raise InputError("SequenceRegressor", "learns from two examples or more", "one sample")
        self.kind_, self.is_flat_ = kind, np.ndim(y) == 1
        self.trained_ = _train(_measured(inputs, targets, kind, options.missing), kind, options)
        return self

    def predict(self, X: Any) -> Array:
        """Return the numbers of each input, (N,) or (N, M) as y was."""
        return self._shaped([each.values for each in self._predictions(X)])

    def predict_interval(self, X: Any) -> tuple[Array, Array]:
        """Return the ends of the interval of each number, as `predict` returns the numbers.

        Raises InputError unless a share was `held_out`, by which intervals are found.
        """
        found = self._predictions(X)
        if not self.held_out or found[0].low is None:
            cure = "Fit with held_out=0.1"
            raise InputError("held_out", "must be above 0 for intervals", self.held_out, cure)
        return self._shaped([each.low for each in found]), self._shaped([each.high for each in found])

    def _shaped(self, rows: Sequence[Any]) -> Array:
        found = np.stack(rows)
        return found[:, 0] if self.is_flat_ else found

    def _predictions(self, X: Any) -> list[NumberPrediction]:
        check_is_fitted(self)
        kind = kind_of(X)
        if self.kind_ == "rows":
            X = validate_data(self, X, dtype=np.float32, reset=False, ensure_all_finite=self._finite)
        elif not len(X):
            raise InputError("X", "has one input or more", "none")
        elif kind != self.kind_:
            raise InputError("SequenceRegressor", f"expected {self.kind_}, as learned from", kind)
        given = list(X)
        inputs = examples_of(given, [None] * len(given), self.kind_, bool(self.missing)).inputs
        trained: TrainedRegressor = self.trained_
        return trained.predict(inputs)

    @property
    def _finite(self) -> bool | str:
        return "allow-nan" if self.missing else True


def _targets(y: Any) -> Array:
    """Return numbers as (N, M) float64. Raises InputError for others, for NaN and for infinity."""
    check_array(y, "y")
    try:
        found = np.asarray(y, np.float64)
    except (TypeError, ValueError) as error:
        raise InputError("y", "must be numbers, (N,) or (N, M)", error) from error
    if found.ndim not in (1, 2) or not found.size:
        raise InputError("y", "must be numbers, (N,) or (N, M)", f"shape {found.shape}")
    wrong = np.flatnonzero(~np.isfinite(found.reshape(len(found), -1)).all(1))
    if len(wrong):
        raise InputError(
            f"y[{wrong[0]}]", "must be finite numbers", "NaN or infinity", "Leave the example out"
        )
    return found.reshape(len(found), -1)


def _measured(inputs: Sequence[Any], targets: Array, kind: str, missing: bool) -> Measured:
    read = examples_of(inputs, [None] * len(inputs), kind, missing)
    rows = tuple(
        Example(row.input, target, row.place) for row, target in zip(read.rows, targets, strict=True)
    )
    names = tuple(f"y{k}" for k in range(targets.shape[1])) if targets.shape[1] > 1 else ("y",)
    return Examples(rows, read.columns, found=("", *names))


def _train(examples: Measured, kind: str, options: SimpleNamespace) -> TrainedRegressor:
    seed = int(check_random_state(options.random_state).randint(2**31 - 1))
    source = MeasuredOptions(FORMS[kind])
    behind, before = usual_dropout(source.kind)
    chosen = options.feed_forward
    config = RegressorConfig(
        as_cell(options.cell),
        source,
        EncoderOptions(
            hidden_size=options.hidden_size,
            num_layers=options.num_layers,
            dropout=behind if options.dropout is None else options.dropout,
            bidirectional=options.bidirectional,
            feed_forward=usual_feed_forward(source.kind) if chosen is None else widths_of(chosen),
            input_dropout=before if options.dropout is None else 0.0,
        ),
        RegressionOptions(
            options.loss,
            options.delta,
            options.quantiles,
            options.interval,
            pooling=usual_pooling(source.kind) if options.pooling is None else options.pooling,
        ),
        TokenOptions(options.embedding_size),
        VocabularyOptions(options.level),
        ExampleOptions(options.batch_size, options.held_out or 0.1, seed=seed),
    )
    held_out = None if options.held_out else replace(examples)
    trained = fitted(
        lambda: RegressTask(examples, held_out, config),
        load_regressor,
        epochs=options.epochs,
        learning_rate=options.learning_rate,
        seed=seed,
        choose=bool(options.held_out),
    )
    # In float64 the last digits of an answer that are kept do not depend on the other inputs of its batch.
    trained.model.double()
    return trained
