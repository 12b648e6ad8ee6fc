"""Plain text is cut into the words that a tagger learned: punctuation, clitics, Chinese."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from conftest import Command
from job_files import SMALL

from bptt.data.cutting import Cutting, learn_cutting
from bptt.data.examples import Example, gather
from bptt.jobs.tag.found import as_found
from bptt.jobs.tag.options import TagOptions

ENGLISH = [
    "Dr. Smith , who lives in the U.S. , did n't say `` no '' .".split(),
    "It is John 's : 3.5 % ( or $ 1,000 ) ...".split(),
    "Is it , he asked ? Yes !".split(),
]


def test_english_words_are_cut_as_they_were_learned() -> None:
    rule = learn_cutting(ENGLISH)
    assert rule.level == "word"
    assert {"Dr.", "n't", "'s", "...", "``", "''", "%", "$"} == set(rule.kept)
    text = "Dr. Smith, who didn't see J. (John's) U.S. cat, paid $3.5% for \"well-known\" A.B... Fine?!"
    assert rule.cut(text) == tuple(
        "Dr. Smith , who did n't see J. ( John 's ) U.S. cat , paid $ 3.5 % for \" well-known \" "
        "A.B ... Fine ? !".split()
    )


@pytest.mark.parametrize("words", ENGLISH)
def test_text_that_is_cut_already_stays_as_it_is(words: list[str]) -> None:
    assert learn_cutting(ENGLISH).cut(" ".join(words)) == tuple(words)


def test_chinese_characters_and_marks_stand_apart_if_they_were_learned_so() -> None:
    rule = learn_cutting([[*"我用", "iPhone", *"，你呢？"], [*"在北京", "3.5"]])
    assert rule.level == "word"
    assert rule.cut("他用iPhone，“很好”……真的？") == (*"他用", "iPhone", *"，“很好”……真的？")
    kept = learn_cutting([[*"我用", "iPhone", "……", *"，，"]])
    assert kept.cut("好……") == ("好", "……")


def test_single_characters_are_cut_into_characters() -> None:
    rule = learn_cutting([[*"我爱"], [*"北京"]])
    assert (rule.level, rule.cut("我 爱Ab")) == ("character", tuple("我爱Ab"))


def test_chinese_words_are_cut_by_jieba_if_it_is_there(monkeypatch) -> None:
    sentences = [["我", "来到", "北京", "清华大学", "。"]]
    rule = Cutting("jieba")
    monkeypatch.setattr("bptt.data.cutting._cut_with_jieba", lambda text: [text[:2], text[2:]])
    monkeypatch.setattr("bptt.data.cutting._has_jieba", lambda: True)
    assert learn_cutting(sentences).level == "jieba"
    assert rule.cut("来到北京，见iPad mini!") == ("来到", "北京", "，", "见", "", "iPad", "mini", "!")
    monkeypatch.setattr("bptt.data.cutting._has_jieba", lambda: False)
    found = learn_cutting(sentences)
    assert found.level == "whitespace" and "pip install 'bptt[jieba]'" in found.reason


def test_words_without_marks_are_cut_at_white_space() -> None:
    assert learn_cutting([["Ada", "to", "北京"]]).level == "whitespace"
    assert learn_cutting([["Ada,", "to", "Eve.", "Why?"]]).level == "whitespace"
    assert learn_cutting(ENGLISH, "whitespace").cut("a, b") == ("a,", "b")


def test_a_run_keeps_the_rule_and_older_runs_have_their_own() -> None:
    examples = gather("d", [Example(tuple(words), ("O",) * len(words), "d:1") for words in ENGLISH])
    options, (_, reason) = as_found(examples, TagOptions())
    assert options.cutting.cut("Smith, Dr.") == ("Smith", ",", "Dr.")
    assert "punctuation apart" in reason and "`level` says otherwise" in reason
    assert TagOptions().cutting == Cutting("whitespace")
    assert TagOptions(unit="character").cutting == Cutting("character")


def test_raw_text_is_tagged_word_by_word(tmp_path: Path, command: Command) -> None:
    rows = [f"Dr.\tO\nX{n}\tB-PER\n,\tO\nwho\tO\nran\tO\n.\tO\n\n" for n in range(9)]
    news, run = tmp_path / "news.conll", tmp_path / "run"
    news.write_text("".join(rows), encoding="utf-8")
    ended = command("train", "tag", news, "-o", run, *SMALL["tag"])
    assert ended.code == 0 and "plain text will be cut at white space, with punctuation apart" in ended.err
    config = json.loads((run / "config.json").read_text(encoding="utf-8"))["tags"]
    assert (config["level"], config["kept"]) == ("word", ["Dr."])

    def words(*given: object, **more: bytes) -> list[str]:
        return [
            line.split("\t")[0] for line in command("predict", run, *given, **more).out.splitlines() if line
        ]

    wanted = ["Dr.", "X2", ",", "who", "ran", "."]
    assert words("Dr. X2, who ran.") == wanted
    assert words("-", stdin=b"Dr. X2, who ran.\n") == wanted
    table = tmp_path / "texts.jsonl"
    table.write_text('{"text": "Dr. X2, who ran."}\n', encoding="utf-8")
    assert words(table) == wanted
    assert words("Dr. X2, who ran.", "--level", "whitespace") == ["Dr.", "X2,", "who", "ran."]
    assert "plain text is cut" in command("predict", run, "Dr. X2, who ran.").err
    asked = command("train", "tag", news, "-o", tmp_path / "other", "--level", "whitespace", *SMALL["tag"])
    assert "as asked for" in asked.err
