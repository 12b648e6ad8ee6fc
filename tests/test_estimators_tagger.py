"""`SequenceTagger`: fit, predict, probabilities, score, clone, search."""

from __future__ import annotations

import pickle

import numpy as np
import pytest
from sklearn.base import clone
from sklearn.model_selection import GridSearchCV

from bptt import SequenceTagger
from bptt.errors import InputError

X = [["Ada", "went", "to", "北京", str(n)] for n in range(20)] + [["nobody", "came"]] * 4
Y = [["B-PER", "O", "O", "B-LOC", "O"] for _ in range(20)] + [["O", "O"]] * 4


def small(**options: object) -> SequenceTagger:
    values = {"hidden_size": 8, "embedding_size": 6, "epochs": 12, "batch_size": 4}
    return SequenceTagger(learning_rate=0.05, random_state=0, **{**values, **options})


@pytest.mark.parametrize("crf", [True, False])
def test_tags_and_their_probabilities(crf: bool) -> None:
    fitted = small(crf=crf).fit(X, Y)
    assert fitted.predict(X) == Y
    assert fitted.score(X, Y) == 1
    for words, found in zip(X, fitted.predict_proba(X), strict=True):
        assert found.shape == (len(words), len(fitted.classes_))
        np.testing.assert_allclose(found.sum(1), 1, atol=1e-5)
    again = pickle.loads(pickle.dumps(fitted))
    assert again.predict(X[:2]) == fitted.predict(X[:2])


def test_in_a_search() -> None:
    search = GridSearchCV(small(epochs=2), {"cell": ["gru", "elman-tanh"]}, cv=2).fit(X, Y)
    assert 0.5 < search.best_score_ <= 1
    assert clone(search.best_estimator_).get_params()["epochs"] == 2


def test_what_cannot_be_is_said() -> None:
    with pytest.raises(InputError, match=r"y\[0\]: has a tag for each of the 5 words, got 4"):
        small().fit(X, [Y[0][:4], *Y[1:]])
    with pytest.raises(InputError, match="Cut it"):
        small().fit(["Ada went", *X[1:]], Y)
    with pytest.raises(ValueError, match="not fitted"):
        small().predict(X)
