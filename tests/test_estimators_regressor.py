"""`SequenceRegressor` as scikit-learn expects it, and on what scikit-learn has no word for."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.utils.estimator_checks import parametrize_with_checks

from bptt import SequenceRegressor
from bptt.errors import InputError

CHECKED = SequenceRegressor(epochs=30, learning_rate=0.05, feed_forward=(16,), random_state=0)
TEXTS = [f"{'fein ' * (n % 4)}片" for n in range(40)]
WORTH = np.array([n % 4 for n in range(40)], float)


@parametrize_with_checks([CHECKED])
def test_the_checks_of_scikit_learn(estimator, check) -> None:  # type: ignore[no-untyped-def]
    check(estimator)


def small(**options: object) -> SequenceRegressor:
    values = {"hidden_size": 8, "embedding_size": 6, "epochs": 30, "learning_rate": 0.03, "random_state": 0}
    return SequenceRegressor(**{**values, **options})  # type: ignore[arg-type]


def series() -> list[np.ndarray]:
    draw = np.random.default_rng(0)
    return [draw.normal(size=(2 + n % 6, 2)) for n in range(60)]


def test_texts_and_series() -> None:
    assert small(dropout=0.0).fit(TEXTS, WORTH).score(TEXTS, WORTH) > 0.9
    lengths = [len(each) for each in series()]
    assert small(epochs=80).fit(series(), lengths).score(series(), lengths) > 0.9


def test_several_numbers_and_their_intervals() -> None:
    found = series()
    both = np.array([[len(each), 10 * len(each)] for each in found])
    fitted = small(held_out=0.2, loss="quantile").fit(found, both)
    assert fitted.predict(found).shape == (60, 2)
    low, high = fitted.predict_interval(found)
    assert (low <= high).all()
    assert ((low <= both) & (both <= high)).mean() > 0.7
    with pytest.raises(InputError, match="held_out: must be above 0 for intervals"):
        small(epochs=1).fit(found, both).predict_interval(found)


def test_a_seed_decides() -> None:
    one, same, other = (small(epochs=1, random_state=seed).fit(TEXTS, WORTH) for seed in (1, 1, 2))
    np.testing.assert_array_equal(one.predict(TEXTS), same.predict(TEXTS))
    assert (one.predict(TEXTS) != other.predict(TEXTS)).any()


def test_in_a_search() -> None:
    search = GridSearchCV(small(epochs=2), {"loss": ["squared", "absolute"]}, cv=2).fit(TEXTS, WORTH)
    assert clone(search.best_estimator_).loss in ("squared", "absolute")


@pytest.mark.parametrize(
    ("y", "words"),
    [
        ([np.nan, *WORTH[1:]], r"y\[0\]: must be finite numbers"),
        (["viel", *WORTH[1:]], "y: must be numbers"),
        (np.ones(40), "targets: must differ"),
        (np.zeros((40, 2, 2)), "y: must be numbers"),
    ],
)
def test_targets_that_are_none(y: object, words: str) -> None:
    with pytest.raises(InputError, match=words):
        small().fit(TEXTS, y)
