"""`SequenceClassifier`: `bptt train classify` as an estimator of scikit-learn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt

from bptt.cells.load import as_cells
from bptt.data.examples import Example, Examples, gather
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
from bptt.estimators.values import check_array, check_flag, check_whole_text, is_missing, label_values
from bptt.jobs.classify.config import ClassifierConfig, usual_dropout, usual_smoothing
from bptt.jobs.classify.options import OPTIONS, HeadOptions, SourceOptions
from bptt.jobs.classify.task import ClassifyTask, TrainedClassifier, load_classifier
from bptt.jobs.options import ExampleOptions
from bptt.models.options import EncoderOptions, TokenOptions
from bptt.options.checks import shown

Labels = npt.NDArray[Any]

# The form of `data.readers.forms.FORMS` for each kind of X.
FORMS = {"text": "columns", "series": "ts", "rows": "table"}


class InputsMixin:
    """The reading of X by a fitted estimator whose inputs are texts, series or rows."""

    kind_: str
    missing: bool

    def _asked_inputs(self, X: Any) -> tuple[Any, ...]:
        """Return the inputs of X. Raises InputError for none, or another kind than was learned from."""
        kind = kind_of(X)
        if self.kind_ == "rows":
            X = validate_data(self, X, dtype=np.float32, reset=False, ensure_all_finite=self._finite)
        elif not len(X):
            raise InputError("X", "has one input or more", "none")
        elif kind != self.kind_:
            raise InputError(type(self).__name__, f"expected {self.kind_}, as learned from", kind)
        given = list(X)
        found = examples_of(given, [None] * len(given), self.kind_, bool(self.missing))
        return tuple(found.inputs)

    @property
    def _finite(self) -> bool | str:
        return "allow-nan" if self.missing else True


# None for what depends on the inputs; all examples are learned.
_USUAL = {
    "dropout": None,
    "input_dropout": None,
    "ngrams": None,
    "smoothing": None,
    "epochs": None,
    "held_out": 0.0,
    "token_dropout": 0.0,
}
_OPTIONS = estimator_options(OPTIONS, _USUAL)


@with_parameters(_OPTIONS, missing=False, random_state=None)
class SequenceClassifier(InputsMixin, ClassifierMixin, BaseEstimator):  # type: ignore[misc]
    """One of several labels for texts, series, or rows of numbers.

    X is a sequence of str; of arrays (T, D), T as long as each is, or (N, T, D); or (N, D), rows of numbers
    that are read by `feed_forward` alone. In series and rows NaN is a missing number if `missing`, else an
    error; infinity always is. The share `held_out` of the examples chooses the epoch whose weights are kept;
    with 0 all are learned, and the weights are those of the last epoch. `level` is what a token of a text is.
    The other parameters are the options of `bptt train classify`; None is the usual value there, which for
    texts is a dropout of 0.5 and n-grams beside the recurrent network.

    After `fit`: `classes_`, and `trained_`, a `bptt.jobs.classify.task.TrainedClassifier`; for rows
    `n_features_in_`. Raises InputError, which is a ValueError here.
    """

    held_out: float
    missing: bool
    random_state: int | np.random.RandomState | None

    def fit(self, X: Any, y: Any) -> SequenceClassifier:
        """Learn the labels y (N,) of X."""
        missing = check_flag("missing", self.missing)
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
        self.trained_ = self._train(examples_of(inputs, names, kind, missing), kind)
        return self

    def predict(self, X: Any) -> Labels:
        """Return the most probable label of each input, (N,)."""
        check_is_fitted(self)
        found: Labels = self.classes_[self.predict_proba(X).argmax(1)]
        return found

    def predict_proba(self, X: Any) -> Labels:
        """Return the probability of each label, (N, K), in the order of `classes_`."""
        check_is_fitted(self)
        inputs = self._asked_inputs(X)
        probabilities: Labels = self.trained_.log_probabilities(inputs).double().softmax(1).numpy()
        return probabilities

    def _train(self, examples: Examples[Any, str], kind: str) -> TrainedClassifier:
        choices = choices_of(self, _OPTIONS)
        seed = int(check_random_state(self.random_state).randint(2**31 - 1))
        source = SourceOptions(FORMS[kind])
        behind, before = usual_dropout(source.kind)
        dropped = choices.has("dropout")
        cells = as_cells(self.cell)
        model = choices.make(EncoderOptions, dropout=behind, input_dropout=0.0 if dropped else before)
        config = ClassifierConfig(
            cells,
            source,
            with_layers(model, cells),
            choices.make(
                HeadOptions,
                ngrams=kind == "text",
                smoothing=usual_smoothing(source.kind, choices.get("loss")),
            ),
            choices.make(TokenOptions),
            choices.make(VocabularyOptions),
            choices.make(ExampleOptions, held_out=0.1, seed=seed),
        )
        chosen = choices.has("held_out")
        return fitted(
            lambda: ClassifyTask(examples, None if chosen else examples, config),
            load_classifier,
            training_options(choices, seed),
            few=not choices.has("epochs"),
            choose=chosen,
        )


def kind_of(X: Any) -> str:
    """Return the kind of the inputs: text, series or rows. Raises InputError for any other."""
    if isinstance(X, str | bytes):
        raise InputError("X", "is a sequence of inputs", "one text", "Put it into a list")
    if not hasattr(X, "__len__") and not hasattr(X, "__array__") and not hasattr(X, "toarray"):
        raise InputError("X", "is a sequence of inputs", shown(X), "Give a list, as list(X) of a generator")
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
