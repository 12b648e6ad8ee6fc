"""What callers hand to the estimators: numbers of numpy, values that are missing, labels of all kinds."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from sklearn.model_selection import GridSearchCV, cross_val_score

from bptt import SequenceClassifier, SequenceTagger
from bptt.errors import InputError

TEXTS = ["a fine film", "dull plot", "great 电影", "so boring"] * 4
LABELS = [1, 0, 1, 0] * 4
WORDS = [["Ada", "saw", "罗马"], ["Bo", "slept"]] * 8
TAGS = [["A", "B", "A"], ["A", "B"]] * 8
SERIES = [np.full((n % 3 + 1, 2), n % 2, np.float32) for n in range(16)]


def classifier(**options: Any) -> SequenceClassifier:
    return SequenceClassifier(**{"hidden_size": 4, "epochs": 1, "random_state": 0, **options})


def tagger(**options: Any) -> SequenceTagger:
    return SequenceTagger(**{"hidden_size": 4, "epochs": 1, "random_state": 0, **options})


# ---- parameters

GRIDS: dict[str, np.ndarray] = {
    "hidden_size": np.arange(4, 9, 4),
    "num_layers": np.array([1], np.int16),
    "bidirectional": np.array([True, False]),
    "dropout": np.array([0.1], np.float32),
    "embedding_size": np.array([4], np.int32),
    "batch_size": np.array([4, 8], np.uint8),
    "epochs": np.array([1]),
    "learning_rate": np.logspace(-3, -2, 2),
    "held_out": np.array([0.0, 0.25], np.float64),
    "random_state": np.array([3]),
    "cell": np.array(["gru"]),
}


@pytest.mark.parametrize("name", GRIDS)
def test_numbers_of_numpy_in_a_grid_are_numbers(name: str) -> None:
    for estimator, x, y in ((classifier(), TEXTS, LABELS), (tagger(), WORDS, TAGS)):
        search = GridSearchCV(estimator, {name: GRIDS[name]}, cv=2, error_score="raise").fit(x, y)
        assert search.best_params_[name] in GRIDS[name]


def test_a_number_of_numpy_gives_what_that_of_python_gives() -> None:
    plain = classifier(hidden_size=5, feed_forward=(3, 2), bidirectional=False).fit(TEXTS, LABELS)
    options = {"hidden_size": np.int64(5), "feed_forward": np.array([3, 2]), "bidirectional": np.bool_(False)}
    same = classifier(**options).fit(TEXTS, LABELS)
    np.testing.assert_array_equal(plain.predict_proba(TEXTS), same.predict_proba(TEXTS))
    assert type(same.get_params()["hidden_size"]) is np.int64  # parameters stay as they were given


ODD = (None, "x", -1, float("nan"), b"x", 2**70, ["lstm", "gru"])
# None is the usual value of these.
USUAL = {
    classifier: "dropout epochs input_dropout max_size min_count ngrams normalise smoothing".split(),
    tagger: ["level", "normalise"],
}
GOOD = {
    "cell": (["lstm", "gru"],),
    "learning_rate": (None, 2**70),
    "clip_norm": (None, 2**70),
    "clip_value": (2**70,),
    "weight_decay": (2**70,),
    "decay": (None,),
    "schedule": (None,),
    "select": (None,),
    "forget_bias": (None, -1, 2**70),
    "random_state": (None,),
    "scheme": (None,),
    "pooling": (),
    "level": (),
}


@pytest.mark.parametrize("estimator", [classifier, tagger])
def test_a_parameter_that_cannot_be_is_a_value_error(estimator: Callable[..., Any]) -> None:
    x, y = (TEXTS, LABELS) if estimator is classifier else (WORDS, TAGS)
    names = [name for name in estimator().get_params() if name not in ("random_state",)]
    for name in names:
        for value in ODD:
            usual = value is None and name in USUAL[estimator]
            if not usual and not any(value is good or value == good for good in GOOD.get(name, ())):
                with pytest.raises(InputError):
                    estimator(**{name: value}).fit(x, y)


# ---- inputs


def missing() -> list[Any]:
    pandas = pytest.importorskip("pandas")
    return [None, float("nan"), np.nan, pandas.NA, pandas.NaT]


@pytest.mark.parametrize("place", [0, 15])
def test_a_missing_text_is_named(place: int) -> None:
    fitted = classifier().fit(TEXTS, LABELS)
    for gone in missing():
        texts: list[Any] = list(TEXTS)
        texts[place] = gone
        for given in (texts, np.array(texts, dtype=object)):
            for call in (
                lambda given=given: classifier().fit(given, LABELS),
                lambda given=given: fitted.predict(given),
            ):
                with pytest.raises(
                    InputError, match=rf"X\[{place}\]: must be a text .*, got a missing value"
                ):
                    call()


def test_bytes_and_numbers_among_texts_are_named() -> None:
    for value, cure in ((b"fine", "Decode it"), (3, r"Give str\(value\)"), (["a"], r"Give str\(value\)")):
        with pytest.raises(InputError, match=rf"X\[2\]: must be a text .*\. {cure}"):
            classifier().fit([*TEXTS[:2], value, *TEXTS[3:]], LABELS)
    with pytest.raises(InputError, match=r"an array \(16, 1\) of str. Give one column"):
        classifier().fit(np.array(TEXTS)[:, None], LABELS)


def test_series_must_be_finite_unless_what_is_missing_may_be() -> None:
    for bad, options, fine in (
        (np.nan, {}, False),
        (np.inf, {}, False),
        (-np.inf, {"missing": True}, False),
        (1e39, {}, False),
        (np.nan, {"missing": True}, True),
    ):
        series = [each.astype(np.float64) for each in SERIES]
        series[7][0, 1] = bad
        if fine:
            classifier(**options).fit(series, LABELS)
            continue
        with pytest.raises(InputError, match=r"X\[7\]: must hold finite numbers"):
            classifier(**options).fit(series, LABELS)
        with pytest.raises(InputError, match=r"X\[7\]: must hold finite numbers"):
            classifier(**options).fit(SERIES, LABELS).predict(series)


@pytest.mark.parametrize("value", [None, np.zeros(2), [["a", "b"]], 3.0])
def test_a_series_that_is_none_is_named(value: Any) -> None:
    with pytest.raises(InputError, match=r"X\[3\]: must be"):
        classifier().fit([*SERIES[:3], value, *SERIES[4:]], LABELS)


@pytest.mark.parametrize("value", [None, float("nan"), b"Ada", 7])
def test_a_word_that_is_none_is_named(value: Any) -> None:
    with pytest.raises(InputError, match=r"X\[1\]\[0\]: must be a word \(str\), got"):
        tagger().fit([WORDS[0], [value, "slept"], *WORDS[2:]], TAGS)
    with pytest.raises(InputError, match=r"X\[0\]\[1\]: must be a word"):
        tagger().fit(WORDS, TAGS).predict([["Ada", value]])


@pytest.mark.parametrize("value", [None, 3, float("nan"), b"Ada saw"])
def test_a_sentence_that_is_none_is_named(value: Any) -> None:
    with pytest.raises(InputError, match=r"X\[1\]: is a sequence of words"):
        tagger().fit([WORDS[0], value, *WORDS[2:]], TAGS)


# ---- labels


@pytest.mark.parametrize("kind", [int, float, str, bool, np.int32, np.str_])
def test_labels_come_back_as_they_were_given(kind: Callable[[int], Any]) -> None:
    labels = [kind(label) for label in LABELS]
    fitted = classifier(epochs=20, learning_rate=0.05).fit(TEXTS, labels)
    assert fitted.score(TEXTS, labels) == 1
    assert fitted.predict(TEXTS).tolist() == np.array(labels).tolist()


@pytest.mark.parametrize("kind", [int, float, np.int64, np.float32, lambda tag: f"N{tag}"])
def test_tags_come_back_as_they_were_given(kind: Callable[[int], Any]) -> None:
    numbers = [[11, 2, 11], [11, 2]] * 8
    tags = [[kind(tag) for tag in each] for each in numbers]
    fitted = tagger(epochs=20, learning_rate=0.05).fit(WORDS, tags)
    found = fitted.predict(WORDS)
    assert found == tags and fitted.score(WORDS, tags) == 1
    assert {type(tag) for each in found for tag in each} == {type(np.array([kind(2)]).tolist()[0])}
    assert set(fitted.classes_.tolist()) == {kind(2), kind(11)}
    # Probabilities are in the order of `classes_`.
    best = [fitted.classes_[each.argmax(1)].tolist() for each in fitted.predict_proba(WORDS)]
    assert best == found


def test_a_label_that_is_none_is_named() -> None:
    for bad in [*missing(), b"1", (1, 2)]:
        labels = np.empty(16, dtype=object)
        labels[:] = LABELS
        labels[5] = bad
        with pytest.raises(InputError, match=r"y\[5\]: must be a label"):
            classifier().fit(TEXTS, labels)
        tags: list[Any] = [list(each) for each in TAGS]
        tags[3][1] = bad
        with pytest.raises(InputError, match=r"y\[3\]\[1\]: must be a label"):
            tagger().fit(WORDS, tags)
    with pytest.raises(InputError, match=r"y\[0\]\[1\]: labels are all texts or all numbers; the first is 1"):
        tagger().fit(WORDS, [[1, "B", 1], *TAGS[1:]])


# ---- pandas


def test_columns_of_pandas() -> None:
    pandas = pytest.importorskip("pandas")
    frame = pandas.DataFrame({"text": TEXTS, "label": ["up" if label else "down" for label in LABELS]})
    frame = frame.sample(frac=1, random_state=1)  # an index that does not count
    for text in (frame["text"], frame["text"].astype("string"), frame["text"].to_numpy()):
        for label in (frame["label"], frame["label"].astype("category"), frame["label"].astype("string")):
            assert np.isfinite(cross_val_score(classifier(), text, label, cv=2, error_score="raise")).all()
    rows = pandas.DataFrame({"words": WORDS, "tags": TAGS}).sample(frac=1, random_state=1)
    scores = cross_val_score(tagger(), rows["words"], rows["tags"], cv=2, error_score="raise")
    assert np.isfinite(scores).all()
