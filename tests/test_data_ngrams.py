"""N-grams, against those counted by hand."""

from __future__ import annotations

from bptt.data.ngrams import dna_ngrams, text_ngrams


def test_words_and_their_pairs_and_the_letters_of_each_word() -> None:
    words, characters = text_ngrams("Not bad!")
    assert words == ["not", "bad", "!", "not bad", "bad !"]
    of_not = [" n", "no", "ot", "t ", " no", "not", "ot ", " not", "not ", " not "]
    assert characters[:10] == of_not
    assert characters[10:14] == [" b", "ba", "ad", "d "] and len(characters) == 20


def test_a_chinese_character_is_a_word() -> None:
    assert text_ngrams("电影 好") == (["电", "影", "好", "电 影", "影 好"], [])


def test_words_of_scripts_with_marks_are_whole() -> None:
    words, _ = text_ngrams("हिन्दी ΣΟΦΟΣ")
    assert words[:2] == ["हिन्दी", "σοφος"] or words[:2] == ["हिन्दी", "σοφοσ"]


def test_an_empty_text_has_none() -> None:
    assert text_ngrams("") == ([], []) and text_ngrams("  ") == ([], [])


def test_kmers_with_and_without_their_place() -> None:
    assert dna_ngrams("ACG", placed=False) == (["A", "C", "G", "AC", "CG", "ACG"],)
    assert dna_ngrams("ACG", placed=True) == (["1:A", "2:C", "3:G", "1:AC", "2:CG", "1:ACG"],)
    assert dna_ngrams("", placed=True) == ([],)
