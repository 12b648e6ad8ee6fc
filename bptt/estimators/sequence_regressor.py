"""`SequenceRegressor`: `bptt train regress` as an estimator of scikit-learn."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
import numpy.typing as npt

from bptt.cells.load import as_cells
from bptt.data.examples import Example, Examples
from bptt.data.readers.measured import Measured
from bptt.data.vocabulary_options import VocabularyOptions
from bptt.errors import InputError
from bptt.estimators.fitting import fitted
from bptt.estimators.parameters import (
    choices_of,
    estimator_options,
    training_options,
    with_layers,
    with_parameters,
)
from bptt.estimators.sequence_classifier import FORMS, InputsMixin, examples_of, kind_of
from bptt.estimators.sklearn import (
    BaseEstimator,
    RegressorMixin,
    check_consistent_length,
    check_is_fitted,
    check_random_state,
    validate_data,
)
from bptt.estimators.values import check_array, check_flag
from bptt.jobs.classify.config import usual_dropout
from bptt.jobs.options import ExampleOptions
from bptt.jobs.regress.config import RegressorConfig, usual_feed_forward, usual_pooling
from bptt.jobs.regress.options import OPTIONS, MeasuredOptions, RegressionOptions
from bptt.jobs.regress.task import RegressTask
from bptt.jobs.regress.trained import NumberPrediction, TrainedRegressor, load_regressor
from bptt.models.options import EncoderOptions, TokenOptions

Array = npt.NDArray[Any]


# None for what depends on the inputs; all examples are learned.
_USUAL = {
    "dropout": None,
    "input_dropout": None,
    "feed_forward": None,
    "pooling": None,
    "epochs": None,
    "held_out": 0.0,
    "token_dropout": 0.0,
}
_OPTIONS = estimator_options(OPTIONS, _USUAL)


@with_parameters(_OPTIONS, missing=False, random_state=None)
class SequenceRegressor(InputsMixin, RegressorMixin, BaseEstimator):  # type: ignore[misc]
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

    held_out: float
    missing: bool
    random_state: int | np.random.RandomState | None

    def __sklearn_tags__(self) -> Any:
        """Return what scikit-learn may expect: several targets are learned too."""
        tags = super().__sklearn_tags__()
        tags.target_tags.multi_output = True
        return tags

    def fit(self, X: Any, y: Any) -> SequenceRegressor:
        """Learn the numbers y (N,) or (N, M) of X."""
        missing = check_flag("missing", self.missing)
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
        self.trained_ = self._train(_measured(inputs, targets, kind, missing), kind)
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
        inputs = self._asked_inputs(X)
        trained: TrainedRegressor = self.trained_
        return trained.predict(inputs)

    def _train(self, examples: Measured, kind: str) -> TrainedRegressor:
        choices = choices_of(self, _OPTIONS)
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        source = MeasuredOptions(FORMS[kind])
        behind, before = usual_dropout(source.kind)
        cells = as_cells(self.cell)
        model = choices.make(
            EncoderOptions,
            dropout=behind,
            input_dropout=0.0 if choices.has("dropout") else before,
            feed_forward=usual_feed_forward(source.kind),
        )
        config = RegressorConfig(
            cells,
            source,
            with_layers(model, cells),
            choices.make(RegressionOptions, pooling=usual_pooling(source.kind)),
            choices.make(TokenOptions),
            choices.make(VocabularyOptions),
            choices.make(ExampleOptions, held_out=0.1, seed=seed),
        )
        chosen = choices.has("held_out")
        trained = fitted(
            lambda: RegressTask(examples, None if chosen else replace(examples), config),
            load_regressor,
            training_options(choices, seed),
            few=not choices.has("epochs"),
            choose=chosen,
        )
        # In float64 the digits of an answer that are kept do not depend on the other inputs of its batch.
        trained.model.double()
        return trained


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
