"""Bags of n-grams and the linear model on them, against scikit-learn."""

from __future__ import annotations

from itertools import chain
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.linear_model import LogisticRegression

from bptt.data.ngrams import DNA_NGRAMS, TEXT_NGRAMS, text_ngrams
from bptt.errors import InputError
from bptt.models.logistic import fit_logistic
from bptt.models.ngrams import FILE, Bag, BagEncoder, Bags, NgramList, NgramScores, gather_bags

TEXTS = ["a fine film", "a dull, dull film", "电影好", "电影不好 fine", "so fine so fine", "", "dull 电影"]


def dense(bags: Bags, width: int) -> np.ndarray:
    rows = np.zeros((len(bags.starts), width))
    ends = [*bags.starts.tolist()[1:], len(bags.numbers)]
    for row, (begin, end) in enumerate(zip(bags.starts.tolist(), ends, strict=True)):
        rows[row, bags.numbers[begin:end].numpy()] = bags.values[begin:end].numpy()
    return rows


def bags_of(known: NgramList, inputs: list[str]) -> Bags:
    return gather_bags(list(map(BagEncoder(known), inputs)))


def test_values_are_the_tf_idf_of_scikit_learn() -> None:
    known = NgramList.build(TEXT_NGRAMS, TEXTS)
    wanted = [
        TfidfVectorizer(analyzer=lambda text, k=k: text_ngrams(text)[k], min_df=2, sublinear_tf=True)
        .fit_transform(TEXTS)
        .toarray()
        for k in range(2)
    ]
    found = dense(bags_of(known, TEXTS), len(known))
    np.testing.assert_allclose(found, np.concatenate(wanted, 1), rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("classes", [2, 3])
def test_the_fit_is_that_of_scikit_learn(classes: int) -> None:
    draw = np.random.default_rng(classes)
    rows = [np.sort(draw.choice(12, draw.integers(0, 6), replace=False)) for _ in range(40)]
    bags: list[Bag] = [(torch.from_numpy(row), torch.ones(len(row))) for row in rows]
    gathered = gather_bags(bags)
    targets = draw.integers(0, classes, 40)
    importance = draw.uniform(0.5, 2, 40)
    weight, bias = fit_logistic(
        gathered, torch.from_numpy(targets), torch.from_numpy(importance), 12, classes, 1.5
    )
    # The two weights of two classes are ±w/2, and the penalty on them half of that on w.
    strength = 1.5 * (2 if classes == 2 else 1)
    theirs = LogisticRegression(C=strength, tol=1e-8, max_iter=1000)
    theirs.fit(dense(gathered, 12), targets, sample_weight=importance)
    scores = NgramScores(12, classes)
    scores.weight.copy_(weight)
    scores.bias.copy_(bias)
    found = scores(gathered).softmax(1).numpy()
    np.testing.assert_allclose(found, theirs.predict_proba(dense(gathered, 12)), atol=2e-3)


def test_what_is_known_comes_from_two_examples_or_more() -> None:
    known = NgramList.build(TEXT_NGRAMS, TEXTS)
    assert set(known.groups[0]) == {"a", "fine", "film", "dull", "电", "影", "好", "电 影"}
    unknown = bags_of(known, ["zzz", "fine"])
    assert unknown.starts.tolist() == [0, 0]


def test_dna_of_one_length_is_known_by_place() -> None:
    windows, others = ["ACGT", "ACGA"], ["ACGT", "ACG"]
    assert set(NgramList.build(DNA_NGRAMS, windows).groups[0]) == {
        "1:A",
        "2:C",
        "3:G",
        "1:AC",
        "2:CG",
        "1:ACG",
    }
    assert set(NgramList.build(DNA_NGRAMS, others).groups[0]) == {"A", "C", "G", "AC", "CG", "ACG"}


def test_a_list_without_ngrams_answers_with_the_bias() -> None:
    known = NgramList.build(TEXT_NGRAMS, ["one", "二"])
    assert len(known) == 0
    scores = NgramScores(0, 2)
    scores.bias.copy_(torch.tensor([1.0, 2.0]))
    assert scores(bags_of(known, ["one", ""])).tolist() == [[1.0, 2.0]] * 2
    weight, bias = fit_logistic(bags_of(known, ["one", "二"]), torch.tensor([0, 1]), torch.ones(2), 0, 2, 1.0)
    assert weight.shape == (0, 2) and bias.isfinite().all()


def test_the_file_gives_the_list_back(tmp_path: Path) -> None:
    known = NgramList.build(TEXT_NGRAMS, TEXTS)
    (tmp_path / FILE).write_bytes(known.to_bytes())
    again = NgramList.load(tmp_path, TEXT_NGRAMS)
    assert again == known
    assert list(chain(*again.groups)) == list(chain(*known.groups))


@pytest.mark.parametrize(
    "content",
    [
        "",
        "[]",
        '{"placed": 1, "groups": [{}, {}]}',
        '{"placed": false, "groups": [{}]}',
        '{"placed": false, "groups": [{"a": NaN}, {}]}',
        '{"placed": false, "groups": [{"a": "1"}, {}]}',
        '{"placed": false, "groups": 3}',
    ],
)
def test_a_damaged_file_is_an_error(tmp_path: Path, content: str) -> None:
    (tmp_path / FILE).write_text(content, encoding="utf-8")
    with pytest.raises(InputError, match="ngrams"):
        NgramList.load(tmp_path, TEXT_NGRAMS)
