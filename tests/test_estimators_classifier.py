"""`SequenceClassifier` as scikit-learn expects it, and on what scikit-learn has no word for."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
import torch
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler
from sklearn.utils.estimator_checks import parametrize_with_checks

from bptt import SequenceClassifier
from bptt.errors import InputError

# Enough to tell apart the blobs that the checks draw.
CHECKED = SequenceClassifier(epochs=30, learning_rate=0.05, feed_forward=(16,), random_state=0)
TEXTS = [f"{n} {'fine' if n % 2 else 'dull 片'}" for n in range(24)]
LABELS = np.array([n % 2 for n in range(24)])


@parametrize_with_checks([CHECKED])
def test_the_checks_of_scikit_learn(estimator, check) -> None:
    check(estimator)


def small(**options: object) -> SequenceClassifier:
    values = {"hidden_size": 8, "embedding_size": 6, "epochs": 8, "learning_rate": 0.05, "random_state": 0}
    return SequenceClassifier(**{**values, **options})


def test_texts() -> None:
    fitted = small().fit(TEXTS, LABELS)
    assert fitted.score(TEXTS, LABELS) == 1
    assert fitted.classes_.tolist() == [0, 1]
    np.testing.assert_allclose(fitted.predict_proba(TEXTS).sum(1), 1, rtol=1e-12)
    again = pickle.loads(pickle.dumps(fitted))
    np.testing.assert_array_equal(again.predict_proba(TEXTS), fitted.predict_proba(TEXTS))


def test_series_of_unequal_lengths() -> None:
    draw = np.random.default_rng(0)
    up = [
        np.stack([np.arange(3 + n % 5) * (1 if n % 2 else -1), draw.normal(size=3 + n % 5)], 1)
        for n in range(24)
    ]
    fitted = small(pooling="last").fit(up, np.where(LABELS, "up", "down"))
    assert fitted.score(up, np.where(LABELS, "up", "down")) == 1
    up[3] = up[3][:, :1]
    with pytest.raises(InputError, match=r"X\[3\]: has 2 numbers a step"):
        small().fit(up, LABELS)


def test_a_seed_decides_and_leaves_no_trace() -> None:
    torch.manual_seed(5)
    before = torch.get_rng_state()
    one, same, other = (small(epochs=1, random_state=seed).fit(TEXTS, LABELS) for seed in (1, 1, 2))
    assert torch.equal(torch.get_rng_state(), before)
    np.testing.assert_array_equal(one.predict_proba(TEXTS), same.predict_proba(TEXTS))
    assert (one.predict_proba(TEXTS) != other.predict_proba(TEXTS)).any()


def test_in_a_search_and_a_pipeline() -> None:
    search = GridSearchCV(small(), {"cell": ["gru", "elman-tanh"], "pooling": ["max"]}, cv=2)
    assert search.fit(TEXTS, LABELS).best_score_ > 0.9
    rows = np.stack([LABELS * 4.0 - 2, np.zeros(24)], 1)
    pipeline = make_pipeline(StandardScaler(), small(feed_forward=(4,)))
    assert pipeline.fit(rows, LABELS).score(rows, LABELS) == 1
    assert clone(pipeline).get_params()["sequenceclassifier__feed_forward"] == (4,)


def test_missing_numbers_only_if_asked() -> None:
    rows = np.stack([LABELS * 4.0 - 2, np.full(24, np.nan)], 1)
    with pytest.raises(ValueError, match="NaN"):
        small().fit(rows, LABELS)
    assert small(missing=True).fit(rows, LABELS).score(rows, LABELS) == 1


def test_inputs_of_another_kind_are_refused() -> None:
    with pytest.raises(InputError, match="one text"):
        small().fit("a text", LABELS)
    fitted = small(epochs=1).fit(TEXTS, LABELS)
    with pytest.raises(InputError, match="expected text"):
        fitted.predict(np.zeros((2, 3)))
