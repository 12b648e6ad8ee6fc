"""Texts cut on arrays: the tokens, counts and extents that the tokenizers library and `Vocabulary` give."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tokenizers import Tokenizer

from bptt.data.levels import counted_tokenizer, numbers_of
from bptt.data.prepared import token_runs
from bptt.data.prepared.distinct_spans import DistinctSpans
from bptt.data.prepared.library_cuts import END_TOKEN, UNKNOWN_TOKEN
from bptt.data.prepared.token_runs import RunTokeniser, TokenRun
from bptt.data.prepared.token_spans import Spans
from bptt.data.vocabulary import Vocabulary
from bptt.data.vocabulary_options import END, UNKNOWN, VocabularyOptions, usual_white_space

TEXT = (Path(__file__).parent / "test_data_token_runs.py").read_text("utf-8")
LEVELS = ("character", "word", "bpe", "whitespace")
# Marks, scripts without spaces, combining marks behind each kind, white space of all kinds, and `<unk>`.
PIECES = [
    *"aZéß09_ñİ'’\"-.,;!?()<>$€。，中文字あカกัไທ한Ωд́̈ัाि",
    *(" ", "  ", "\t", "\n", "\n\n", "\x1c", "\x1f", "\x85", "\xa0", "\u3000", "\u2028", "\r"),
    *(
        "the",
        " the",
        "'s",
        "’s",
        "'ll",
        "'tis",
        "n't",
        "''re",
        " 's",
        "½",
        "²",
        "Ⅷ",
        "ﬁ",
        "Ａ",
        "\u200b",
        "🙂",
    ),
    *("<unk>", " <unk>", "<unk> ", "\n<unk>", "<UNK>", "<eos>", "x<unk>y", "<unk>'s"),
]
OPTIONS = [
    *(VocabularyOptions(level, white_space=usual_white_space(level), min_count=1) for level in LEVELS),
    *(VocabularyOptions(level, lowercase=True, digits=False, punctuation=False) for level in LEVELS),
    *(VocabularyOptions(level, white_space=False, lowercase=True, min_count=2) for level in LEVELS),
    VocabularyOptions("word", white_space=False, normalise="nfkc", min_count=1),
    VocabularyOptions("bpe", white_space=False, max_size=300),
    VocabularyOptions("word", white_space=True, max_size=20),
]


def made(seed: int, size: int = 400) -> str:
    draw = random.Random(seed)
    return "".join(draw.choice(PIECES) for _ in range(size))


def learned(run: TokenRun, options: VocabularyOptions) -> Vocabulary:
    counts = dict(zip(run.tokens, run.counts.tolist(), strict=True))
    kept = {token: n for token, n in counts.items() if n and token not in (END_TOKEN, UNKNOWN_TOKEN)}
    return Vocabulary(counted_tokenizer(kept, options), options)


def encoded(run: TokenRun, vocabulary: Vocabulary) -> list[int]:
    tokenizer = Tokenizer.from_str(vocabulary.to_bytes().decode())
    numbers = dict(zip(run.tokens, numbers_of(tokenizer, run.tokens, vocabulary.options), strict=True))
    numbers |= (
        {END_TOKEN: [END], UNKNOWN_TOKEN: [UNKNOWN]}
        if vocabulary.options.level != "bpe"
        else {END_TOKEN: [END]}
    )
    return [n for each in run.ids.tolist() for n in numbers[run.tokens[each]]]


@pytest.mark.parametrize("options", OPTIONS, ids=str)
def test_runs_are_what_a_vocabulary_makes_of_a_text(options: VocabularyOptions) -> None:
    for seed in range(12):
        text = made(seed)
        run, truth = RunTokeniser(options).cut(text), Vocabulary.build(text, options)
        found = learned(run, options)
        assert found.tokens == truth.tokens, seed
        assert found.to_bytes() == truth.to_bytes(), seed
        assert encoded(run, found) == truth.encode(text).tolist(), seed
        assert (run.characters, run.words) == (truth.characters(text), truth.words(text)), seed


@pytest.mark.parametrize("level", LEVELS)
def test_blocks_change_nothing(level: str, monkeypatch: pytest.MonkeyPatch) -> None:
    options = VocabularyOptions(level, white_space=usual_white_space(level), min_count=1)
    # Without line ends, a block ends between two words.
    text = TEXT + TEXT.replace("\n", " ")
    whole = RunTokeniser(options).cut(text)
    monkeypatch.setattr(token_runs, "_BLOCK", 500)
    parts = RunTokeniser(options).cut(text)
    assert [parts.tokens[i] for i in parts.ids] == [whole.tokens[i] for i in whole.ids]
    assert parts.characters == whole.characters and parts.words == whole.words


def test_texts_with_equal_hashes_are_told_apart() -> None:
    """Thue and Morse: 2^11 letters each, whose polynomials are equal modulo 2^64 for every odd base."""
    word = [0]
    for _ in range(11):
        word += [1 - each for each in word]
    codes = np.array([*word, *(1 - each for each in word), *word], np.uint32) + 97
    size = len(word)
    starts = np.arange(3) * size
    first, inverse = DistinctSpans().find(codes, Spans(starts, starts + size, np.zeros(3, bool)))
    assert first.tolist() == [0, 1] and inverse.tolist() == [0, 1, 0]


def test_pairs_are_those_of_the_library() -> None:
    options = VocabularyOptions("bpe", max_size=1200)
    run = RunTokeniser(options).cut(TEXT)
    assert learned(run, options).to_bytes() == Vocabulary.build(TEXT, options).to_bytes()
    few = replace(options, min_count=9)
    assert learned(run, few).to_bytes() == Vocabulary.build(TEXT, few).to_bytes()
