"""Chinese words as jieba cuts them: no text is lost, nothing is written, and every option still holds."""

from __future__ import annotations

import logging
import random
import tempfile
from math import log
from pathlib import Path

import pytest
from conftest import Command
from language_models import make_task, trained

from bptt.data import parts as module
from bptt.data.jieba_words import cut_with_jieba
from bptt.data.vocabulary import Vocabulary
from bptt.data.vocabulary_options import VocabularyOptions
from bptt.jobs.language.options import DataOptions
from bptt.jobs.language.scoring import score_lines

jieba = pytest.importorskip("jieba")

TEXT = "我来到北京清华大学。\n他来到了网易杭研大厦, OK 3\n\n" * 20


@pytest.mark.parametrize("part", [1 << 16, 1, 7])
def test_tokens_are_the_words_of_jieba_and_decode_to_the_text(part: int, monkeypatch) -> None:
    monkeypatch.setattr(module, "_PART", part)
    draw = random.Random(2)
    text = "".join(draw.choices([*"我你们在学校 \t\nａ1B.，！-'😀\u0301", "北京", "大学", "we'll"], k=400))
    vocabulary = Vocabulary.build(text, VocabularyOptions("jieba", min_count=1))
    tokens = vocabulary.encode(text).tolist()
    own = jieba.Tokenizer()
    own.tmp_dir = tempfile.mkdtemp()
    cut = [word for line in text.split("\n") for word in (*own.cut(line), "\n")][:-1]
    assert [vocabulary.pieces[token].decode() for token in tokens] == cut
    assert vocabulary.decode(tokens) == text
    assert vocabulary.characters(text) == len(text)


def test_options_change_the_text_before_it_is_cut() -> None:
    options = VocabularyOptions("jieba", min_count=1, lowercase=True, punctuation=False, digits=False)
    vocabulary = Vocabulary.build("来到ABC北京，123 we'll。\n", options)
    text = vocabulary.decode(vocabulary.encode("来到ABC北京，123 we'll。\n").tolist())
    assert text == "来到abc北京 we'll\n"


def test_nothing_is_said_and_no_shared_file_is_written(tmp_path: Path, monkeypatch, capfd, caplog) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    cut_with_jieba.__globals__["_segmenter"].cache_clear()
    with caplog.at_level(logging.DEBUG, "jieba"):
        assert cut_with_jieba("我来到北京清华大学") == ["我", "来到", "北京", "清华大学"]
    assert (list(tmp_path.iterdir()), caplog.records, capfd.readouterr()) == ([], [], ("", ""))


def test_rare_words_are_unknown_and_bits_are_per_character() -> None:
    vocabulary = VocabularyOptions("jieba")
    task = make_task(TEXT + "罕见词\n", data=DataOptions(held_out=0, batch_size=3), vocabulary=vocabulary)
    assert {"清华大学", " "} <= set(task.vocabulary.tokens)
    assert "罕见" not in task.vocabulary.tokens
    (line,) = score_lines(trained(task), ["我来到北京"], 1)
    # The five characters of three words, and the end of the line.
    assert (len(line.tokens), line.characters) == (4, 6)
    assert line.log_probability < -log(2)


def test_a_run_cuts_as_it_learned(tmp_path: Path, command: Command) -> None:
    text = tmp_path / "text.txt"
    text.write_text(TEXT, encoding="utf-8")
    run = tmp_path / "run"
    small = "--hidden 4 --epochs 1 --batch-size 2 --embedding 3 --length 5 --held-out 0.1".split()
    ended = command("train", "lm", text, "-o", run, "--level", "jieba", *small)
    assert ended.code == 0, ended.err
    assert '"level": "jieba"' in (run / "config.json").read_text(encoding="utf-8")
    scored = command("score", run, text, "--tokens")
    assert "\t清华大学\t" in scored.out
    sampled = command("sample", run, "--prompt", "我来到北京", "--length", 20)
    assert sampled.out.startswith("我来到北京")
    assert "bits_per_character" in command("evaluate", run).out


def test_jieba_is_asked_for_by_its_extra(tmp_path: Path, command: Command, monkeypatch) -> None:
    monkeypatch.setattr("bptt.data.jieba_words.jieba", None)
    cut_with_jieba.__globals__["_segmenter"].cache_clear()
    text = tmp_path / "text.txt"
    text.write_text(TEXT, encoding="utf-8")
    ended = command("train", "lm", text, "-o", tmp_path / "run", "--level", "jieba")
    assert ended.code == 2
    assert "needs jieba" in ended.err and "pip install 'bptt[jieba]'" in ended.err
