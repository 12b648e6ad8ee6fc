"""BLEU and chrF: how texts are cut, and what the scores are by hand."""

from __future__ import annotations

import pytest

from bptt.errors import InputError
from bptt.jobs.translate import metrics
from bptt.jobs.translate.metrics import Judge, choose_tokenisation


@pytest.mark.parametrize(
    ("texts", "name"),
    [
        (["The cat sat.", "1 2 3"], "13a"),
        (["猫坐在垫子上。"], "zh"),
        (["他说他没有 GPS。", "好的"], "zh"),
        (["猫がマットの上に座った。"], "char"),
        (["แมวนั่งบนเสื่อ"], "char"),
        (["고양이가 앉았다"], "13a"),
        (["3 4 5", "5 4 3"], "13a"),
    ],
)
def test_letters_say_how_texts_are_cut(texts: list[str], name: str) -> None:
    assert choose_tokenisation(texts).name == name


def test_scores_by_hand() -> None:
    pytest.importorskip("sacrebleu")
    judge = Judge(["a b c d f", "same"])
    # Of 6, 4, 3 and 2 n-grams 5, 3, 2 and 1 are right; both sides are equally long.
    assert judge.judge(["a b c d e", "same"]).bleu == pytest.approx(
        100 * (5 / 6 * 3 / 4 * 2 / 3 * 1 / 2) ** 0.25
    )
    found = judge.judge(["a b c d f", "same"])
    assert (found.bleu, found.chrf, found.exact) == (pytest.approx(100), pytest.approx(100), 2)
    assert "tok:13a" in judge.signatures[0]
    assert "nc:6" in judge.signatures[1]


def test_chinese_is_cut_at_each_character() -> None:
    pytest.importorskip("sacrebleu")
    judge = Judge(["我喜欢你的猫"])
    # Five of six, four of five, three of four, two of three.
    found = judge.judge(["我喜欢你的狗"])
    assert found.bleu == pytest.approx(100 * (5 / 6 * 4 / 5 * 3 / 4 * 2 / 3) ** 0.25)
    assert "tok:zh" in judge.signatures[0]


def test_without_sacrebleu_the_cure_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "BLEU", None)
    with pytest.raises(InputError, match=r"pip install 'bptt\[metrics\]'"):
        Judge(["a"])


def test_in_small_letters_case_does_not_count_and_the_signature_says_so() -> None:
    pytest.importorskip("sacrebleu")
    judge = Judge(["The Cat sat On it"], lowercase=True)
    assert judge.judge(["the cat sat on it"]).bleu == pytest.approx(100)
    assert all("case:lc" in each or "case:mixed" not in each for each in judge.signatures)
    assert "case:lc" in judge.signatures[0]
    assert Judge(["The Cat sat On it"]).judge(["the cat sat on it"]).bleu < 50
