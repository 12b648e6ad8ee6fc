"""Texts in NFKC: full-width letters are read as ordinary ones, and printed as they came."""

from __future__ import annotations

import json
from pathlib import Path
from unicodedata import normalize

import pytest
from conftest import Command

from bptt.data import parts as module
from bptt.data.vocabulary import Vocabulary
from bptt.data.vocabulary_options import VocabularyOptions
from bptt.errors import InputError
from bptt.models.codecs.words import WordCodec
from bptt.models.options import WordOptions

WIDE = "ＡＢＣ１２３，ｶﾞ ﬁne e\u0301\u3000床前\n"
SMALL = "--hidden 4 --epochs 1 --batch-size 4 --layers 1 --embedding 5".split()


@pytest.mark.parametrize("level", ["character", "word", "bpe", "whitespace"])
@pytest.mark.parametrize("part", [1 << 16, 1, 3])
def test_a_text_in_nfkc_is_read_as_unicode_defines_it(level, part: int, monkeypatch) -> None:
    monkeypatch.setattr(module, "_PART", part)
    folded = VocabularyOptions(level, min_count=1, normalise="nfkc")
    vocabulary = Vocabulary.build(WIDE * 3, folded)
    plain = Vocabulary.build(normalize("NFKC", WIDE) * 3, VocabularyOptions(level, min_count=1))
    assert vocabulary.tokens == plain.tokens
    assert vocabulary.encode(WIDE).tolist() == plain.encode(normalize("NFKC", WIDE)).tolist()
    assert vocabulary.characters(WIDE) == plain.characters(normalize("NFKC", WIDE))


def test_without_the_option_nothing_is_folded() -> None:
    assert "Ａ" in Vocabulary.build(WIDE, VocabularyOptions()).tokens


def test_a_run_that_goes_on_must_fold_as_before() -> None:
    with pytest.raises(InputError, match="normalise nfkc, not None"):
        Vocabulary.build(WIDE, VocabularyOptions()).continued(
            WIDE, VocabularyOptions(normalise="nfkc"), grow=True
        )


def test_words_of_a_tagger_are_looked_up_and_spelled_in_nfkc() -> None:
    codec = WordCodec.build([("ABC", "ga")] * 2, WordOptions(normalise="nfkc"), (), None)
    wide, plain = codec.encode(("ＡＢＣ", "ｇａ")), codec.encode(("ABC", "ga"))
    assert [part.tolist() for part in wide] == [part.tolist() for part in plain]
    assert codec.spell(("ＡＢＣ", "ｇａ")) == ("ＡＢＣ", " ｇａ")


def test_runs_keep_it_say_it_and_print_what_came(tmp_path: Path, command: Command) -> None:
    films = tmp_path / "films.tsv"
    films.write_text(
        "text\tlabel\n" + "".join(f"film A{n}\tgood\nfilm B{n}\tbad\n" for n in range(9)), encoding="utf-8"
    )
    run = tmp_path / "run"
    ended = command("train", "classify", films, "-o", run, "--normalise", "nfkc", *SMALL)
    assert ended.code == 0 and "of text in NFKC" in ended.err + ended.out
    assert json.loads((run / "config.json").read_text())["vocabulary"]["normalise"] == "nfkc"
    asked = command("predict", run, "film Ａ１", "--json")
    assert "texts are read in NFKC" in asked.err
    wide, plain = json.loads(asked.out), json.loads(command("predict", run, "film A1", "--json").out)
    assert wide["input"] == "film Ａ１"
    assert wide["input"] != plain["input"]
    assert {**wide, "input": 0} == {**plain, "input": 0}


def test_a_language_model_scores_both_spellings_alike(tmp_path: Path, command: Command) -> None:
    book = tmp_path / "book.txt"
    book.write_text("chapter 1, page 2\n" * 30, encoding="utf-8")
    run = tmp_path / "run"
    small = "--hidden 4 --epochs 1 --batch-size 2 --embedding 3".split()
    assert command("train", "lm", book, "-o", run, "--normalise", "nfkc", *small).code == 0
    lines = tmp_path / "lines.txt"
    lines.write_text("page 2\nｐａｇｅ　２\n", encoding="utf-8")
    scored = command("score", run, lines)
    first, second = (line.split("\t") for line in scored.out.splitlines())
    assert first[:3] == second[:3] and second[3] == "ｐａｇｅ　２"
    assert "texts are read in NFKC" in scored.err


def test_a_tagger_prints_the_words_as_they_came(tmp_path: Path, command: Command) -> None:
    news = tmp_path / "news.conll"
    news.write_text("".join(f"Ada\tB-PER\nto\tO\n{n}\tO\n\n" for n in range(9)), encoding="utf-8")
    run = tmp_path / "run"
    ended = command("train", "tag", news, "-o", run, "--normalise", "nfkc", *SMALL)
    assert ended.code == 0 and "words in NFKC" in ended.err + ended.out
    asked = command("predict", run, "Ａｄａ to")
    assert "Ａｄａ\t" in asked.out and "texts are read in NFKC" in asked.err
