"""Words of a text that arrives in pieces are those of its lines, and come as early as they can."""

from __future__ import annotations

import random

import pytest

from bptt.data.arriving_words import ArrivingWords
from bptt.data.cutting import Cutting, Level, learn_cutting

TEXTS = [
    'He didn\'t say: "no..." (twice),\nDr. Smith\r\n\n  paid $3.5 ',
    "A股 A股票，我买A股，真的……好\u3000的。iPhone“很好”\n北京A股票",
    "\n\na",
    " b\n",
    "",
]
RULES = [
    Cutting("whitespace"),
    Cutting("character"),
    Cutting("word"),
    Cutting("word", ("A股", "……", "n't", "'s", "...", "Dr.", "$")),
]


def whole(rule: Cutting, text: str) -> list[str | None]:
    """The words of each line, as `bptt predict RUN -` reads them, and None behind each."""
    lines = text.removesuffix("\n").split("\n") if text else []
    return [word for line in lines for word in (*rule.cut(line), None)]


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("rule", RULES, ids=lambda rule: f"{rule.level}-{len(rule.kept)}")
def test_words_do_not_depend_on_the_pieces_in_which_a_text_arrives(rule: Cutting, text: str) -> None:
    draw = random.Random(0)
    for most in (1, 2, 5, 100):
        arriving, found, start = ArrivingWords(rule), [], 0
        while start < len(text):
            end = start + draw.randint(1, most)
            found += arriving.push(text[start:end])
            start = end
        assert [*found, *arriving.close()] == whole(rule, text)


@pytest.mark.parametrize(
    ("level", "pieces"),
    [
        ("whitespace", {"ab": [], "c ": ["abc"], "，d\n": ["，d", None]}),
        ("character", {"北": ["北"], "京 x": ["京", "x"]}),
        ("word", {"北": ["北"], "京，": ["京", "，"], "ab": [], ",": [], "\n": ["ab", ",", None]}),
    ],
)
def test_a_word_comes_when_nothing_can_change_it(level: Level, pieces: dict[str, list[str | None]]) -> None:
    arriving = ArrivingWords(Cutting(level))
    assert [list(arriving.push(piece)) for piece in pieces] == list(pieces.values())


def test_jieba_waits_for_the_end_of_a_run_of_chinese() -> None:
    pytest.importorskip("jieba")
    rule = learn_cutting([["我", "在", "北京", "大学", "，", "学习", "语言"]], "jieba")
    arriving = ArrivingWords(rule)
    assert list(arriving.push("我在北京大")) == []
    assert list(arriving.push("学，")) == [*rule.cut("我在北京大学"), "，"]
