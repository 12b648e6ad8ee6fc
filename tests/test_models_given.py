"""Inputs that a caller hands to a trained model in Python: one for several, or of another type."""

from __future__ import annotations

import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import test_jobs_classify as classify
import test_jobs_tag as tag
import test_jobs_translate as translate
import torch
from language_models import make_task

from bptt.errors import InputError, WrongTypeError
from bptt.jobs.language.options import DataOptions
from bptt.jobs.language.trained import TrainedLanguageModel, load_trained
from bptt.runs.run_folder import WEIGHTS
from bptt.runs.weights import write_weights


def classifier(form: str, folder: Path) -> Any:
    return classify.untrained(form, folder)


@pytest.fixture
def films(tmp_path: Path) -> Any:
    return classifier("columns", tmp_path)


@pytest.fixture
def tagger(tmp_path: Path) -> Any:
    return tag.untrained(tmp_path, tag.task())


@pytest.fixture
def translator(tmp_path: Path) -> Any:
    return translate.untrained("text", tmp_path)


@pytest.fixture
def model(tmp_path: Path) -> TrainedLanguageModel:
    task = make_task("the cat\n" * 20, data=DataOptions("sentences", 2, 10), dtype=torch.float32)
    task.save(tmp_path)
    write_weights(task.model, tmp_path / WEIGHTS, task.metadata)
    return load_trained(tmp_path)


@pytest.mark.parametrize("asked", ["films", "tagger", "translator"])
@pytest.mark.parametrize("text", ["a dull film", "是的", b"bytes", ""])
def test_one_text_is_no_sequence_of_inputs(
    asked: str, text: str | bytes, request: pytest.FixtureRequest
) -> None:
    trained = request.getfixturevalue(asked)
    with pytest.raises(InputError, match=r"must be a sequence of .*, got one text.*Put it into a list"):
        trained.predict(text)


@pytest.mark.parametrize("asked", ["films", "tagger", "translator"])
@pytest.mark.parametrize("given", [None, 3, {"a": 1}, {"a", "b"}, Path("films.tsv"), np.array("a text")])
def test_what_is_no_sequence_is_a_wrong_type(asked: str, given: Any, request: pytest.FixtureRequest) -> None:
    with pytest.raises(WrongTypeError, match="Put the inputs into a list"):
        request.getfixturevalue(asked).predict(given)


@pytest.mark.parametrize("asked", ["films", "translator"])
@pytest.mark.parametrize("wrong", [None, 3, ["a", "b"], b"bytes", float("nan")])
def test_an_input_that_is_no_text_has_its_place_in_the_error(
    asked: str, wrong: Any, request: pytest.FixtureRequest
) -> None:
    with pytest.raises(WrongTypeError, match=r"inputs\[1\]: must be a text \(str\)"):
        request.getfixturevalue(asked).predict(["fine", wrong])


def test_half_a_surrogate_pair_is_an_error_with_its_place(films: Any) -> None:
    with pytest.raises(InputError, match=r"inputs\[1\]: must be Unicode"):
        films.predict(["fine", "\ud800"])


def test_a_sentence_that_is_not_cut_is_refused(tagger: Any) -> None:
    with pytest.raises(InputError, match=r"sentences\[1\]: must be a sequence of words, .*text\.split\(\)"):
        tagger.predict([["Ada"], "Ada went"])
    with pytest.raises(WrongTypeError, match=r"sentences\[0\]\[1\]: must be a word \(str\)"):
        tagger.probabilities([["Ada", None]])
    with pytest.raises(WrongTypeError, match=r"sentences\[0\]: must be a sequence of words"):
        tagger.predict([None])


def test_iterators_and_arrays_are_answered_as_lists_are(films: Any, tagger: Any, translator: Any) -> None:
    texts = ["the film was fine", "dull"]
    for trained in (films, translator):
        expected = repr([each if trained is films else each.text for each in trained.predict(texts)])
        for given in (iter(texts), tuple(texts), np.array(texts), (each for each in texts)):
            found = trained.predict(given)
            assert repr([each if trained is films else each.text for each in found]) == expected
    assert tagger.predict(iter([["Mr", "X"]])) == tagger.predict([("Mr", "X")])


def test_rows_may_be_lists_of_numbers(tmp_path: Path) -> None:
    table = classifier("table", tmp_path)
    expected = table.predict([np.array([1.0, 2.0], np.float32)])
    given = [[1, 2]], np.array([[1, 2]]), torch.tensor([[1.0, 2.0]]), [(1.0, 2.0)], [torch.tensor([1, 2])]
    for each in given:
        assert table.predict(each) == expected
    with pytest.raises(InputError, match=r"inputs\[0\]: must have 2 numbers a step as learned from, got 4"):
        table.predict([[1, 2, 3, 4]])
    for wrong in (None, "12", [1, None], ["a", "b"], object()):
        with pytest.raises(WrongTypeError, match=r"inputs\[1\]: must be numbers"):
            table.predict([[1, 2], wrong])
    for shape in ((), (1, 1, 2)):
        with pytest.raises(InputError, match=r"inputs\[0\]: must be numbers.*shape"):
            table.predict([torch.zeros(shape)])


@pytest.mark.parametrize("form", ["table", "ts"])
@pytest.mark.parametrize("kind", [np.float64, np.float16, np.longdouble, ">f4"])
def test_numbers_of_any_width_are_answered_as_those_that_the_model_computes_in(
    form: str, kind: Any, tmp_path: Path
) -> None:
    trained = classifier(form, tmp_path)
    given = np.array([[1.5, 2.25], [0.5, -1.0]], np.float32).reshape((2, 2) if form == "table" else (1, 2, 2))
    wide = given.astype(kind)
    wide.flags.writeable = False
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert trained.predict(wide) == trained.predict(given)


def test_series_may_be_lists_of_steps(tmp_path: Path) -> None:
    trained = classifier("ts", tmp_path)
    assert trained.predict([[[1, 2], [3, 4]]]) == trained.predict([np.array([[1, 2], [3, 4]], np.float32)])


def test_letters_of_dna_are_checked_and_may_be_small(tmp_path: Path) -> None:
    trained = classifier("fasta", tmp_path)
    assert trained.predict(["acgtn"]) == trained.predict(["ACGTN"])
    with pytest.raises(InputError, match=r"inputs\[1\]: has the letters of IUPAC.*'E' at letter 2"):
        trained.predict(["ACGT", "AEG"])


def test_classes_are_names(tmp_path: Path) -> None:
    trained = translate.untrained("class", tmp_path)
    with pytest.raises(InputError, match=r"class: is one of those learned, x, y, z z, got 'other'"):
        trained.predict(["x", "other"])
    with pytest.raises(WrongTypeError, match=r"inputs\[1\]: must be the name of a class"):
        trained.predict(["x", 3])


def test_a_language_model_takes_texts_alone(model: TrainedLanguageModel) -> None:
    ask: Any = model
    with pytest.raises(WrongTypeError, match=r"prompt: must be a text \(str\), got list"):
        ask.sample(["the"], 1)
    with pytest.raises(WrongTypeError, match=r"lines\[1\]: must be a text"):
        ask.score(["the", None])
    with pytest.raises(WrongTypeError, match="text: must be a text"):
        ask.evaluate(["the cat"])
    with pytest.raises(WrongTypeError, match="lines: must be a sequence of texts"):
        ask.choose(None)
    assert model.choose(iter(["the", "cat"])) == model.choose(["the", "cat"])
