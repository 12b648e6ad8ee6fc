"""Inputs that no estimator can read: each is named by its place, whatever the call."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date
from typing import Any

import numpy as np
import pytest
import torch

from bptt import SequenceClassifier, SequenceTagger
from bptt.errors import InputError

TEXTS = ["a fine film", "dull plot"] * 4
SERIES = [np.full((3, 2), n % 2, np.float32) for n in range(8)]
ROWS = np.arange(16.0).reshape(8, 2)
LABELS = [1, 0] * 4
WORDS = [["Ada", "saw", "罗马"], ["Bo", "slept"]] * 4
TAGS = [["A", "B", "A"], ["A", "B"]] * 4


def classifier(**options: Any) -> SequenceClassifier:
    return SequenceClassifier(**{"hidden_size": 4, "epochs": 1, "random_state": 0, **options})


def tagger() -> SequenceTagger:
    return SequenceTagger(hidden_size=4, epochs=1, random_state=0)


MASKED = np.ma.masked_greater(SERIES[1], 0.5)
DAYS = np.array([["2020-01-01", "2020-01-02"]] * 3, "datetime64[D]")
UNREAD: dict[str, tuple[Any, str]] = {
    "masked": (MASKED, "a masked array"),
    "days": (DAYS, "datetime64"),
    "spans of time": (DAYS - DAYS[0], "timedelta64"),
    "complex": (SERIES[1] + 1j, "complex numbers"),
    "complex lists": ([[1j, 2], [3, 4]], "complex numbers"),
    "dates": ([[date(2020, 1, 1)] * 2], "TypeError|float"),
    "records": (np.zeros((3, 2), [("a", float)]), "a"),
    "gradient": (torch.zeros(3, 2, requires_grad=True), r"a tensor that requires a gradient. Give x.detach"),
    "no width": (np.zeros((3, 0)), r"shape \(3, 0\)"),
}


@pytest.mark.parametrize("name", UNREAD)
@pytest.mark.parametrize("place", [0, 5])
def test_a_series_that_cannot_be_read_is_named(name: str, place: int) -> None:
    value, got = UNREAD[name]
    series = [*SERIES[:place], value, *SERIES[place + 1 :]]
    with pytest.raises(InputError, match=rf"X\[{place}\]: must .*{got}"):
        classifier().fit(series, LABELS)
    with pytest.raises(InputError, match=rf"X\[{place}\]: must .*{got}"):
        classifier().fit(SERIES, LABELS).predict(series)


@pytest.mark.parametrize(
    "whole",
    [
        lambda x: np.ma.masked_greater(x, 0.5),
        lambda x: x.astype("datetime64[s]"),
        lambda x: x.astype("timedelta64[s]"),
        lambda x: x + 0j,
        lambda x: torch.tensor(x, requires_grad=True),
    ],
)
@pytest.mark.parametrize("good", [np.stack(SERIES), ROWS])
def test_an_array_of_all_that_cannot_be_read_is_refused(whole: Callable[[Any], Any], good: Any) -> None:
    options: dict[str, Any] = {"feed_forward": (3,), "num_layers": 0} if good is ROWS else {}
    with pytest.raises(InputError, match="X: must be an array of numbers"):
        classifier(**options).fit(whole(good), LABELS)


def test_tensors_without_a_gradient_are_numbers() -> None:
    x = np.stack(SERIES)
    wanted = classifier().fit(x, LABELS).predict_proba(x)
    np.testing.assert_array_equal(classifier().fit(torch.tensor(x), LABELS).predict_proba(list(x)), wanted)


@pytest.mark.parametrize("given", [TEXTS, SERIES])
def test_no_input_is_no_other_kind(given: Any) -> None:
    fitted = classifier().fit(given, LABELS)
    for call in (fitted.predict, fitted.predict_proba):
        with pytest.raises(InputError, match="X: has one input or more, got none"):
            call([])


def test_half_of_a_surrogate_pair_is_named() -> None:
    with pytest.raises(InputError, match=r"X\[2\]: .*half of a surrogate pair at character 2"):
        classifier().fit([*TEXTS[:2], "a \ud83d", *TEXTS[3:]], LABELS)
    # Words are not cut, and a list of words in JSON holds whatever they are.
    fitted = tagger().fit([["Ada", "\udc00x", "罗马"], *WORDS[1:]], TAGS)
    assert len(fitted.predict([["\udc00x", "😀"]])[0]) == 2


def test_tags_that_do_not_fit_the_words_are_named() -> None:
    fitted = tagger().fit(WORDS, TAGS)
    for call in (fitted.score, fitted.fit):
        with pytest.raises(InputError, match="y: has the tags of each of the 8 sentences, got 3"):
            call(WORDS, TAGS[:3])
        with pytest.raises(InputError, match=r"y\[1\]: has a tag for each of the 2 words, got 3"):
            call(WORDS, [TAGS[0], TAGS[0], *TAGS[2:]])
    with pytest.raises(InputError, match="X: has one word or more"):
        fitted.score([], [])
