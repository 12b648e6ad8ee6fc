"""Vocabularies against plain Python: what a token is, which are known, and the way back to the text."""

from __future__ import annotations

import json
import random
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from tokenizers import Tokenizer

from bptt.data import parts as module
from bptt.data.text import default_corpus
from bptt.data.vocabulary import FILE, TextStream, Vocabulary
from bptt.data.vocabulary_options import END, UNKNOWN, VocabularyOptions
from bptt.errors import InputError

# Spaces of all kinds, marks that combine, scripts without spaces, four-byte characters, look-alikes of
# the special tokens, what JSON and byte-level BPE have to escape.
NASTY = [*" \t\u3000\u00a0\x0b\x85\u2028'’\"\\.-_(", *"abZé1²ß床月，のส😀", "e\u0301", "ดี", "👍🏽"]
NASTY += ["<eos>", "<unk", "Ġ", "Ċ", "\ufffd", "\x7f", "\x01", "\n", "\n\n", "   "]
LEVELS = ("character", "word", "bpe")


def nasty_text(seed: int, pieces: int = 400) -> str:
    return "".join(random.Random(seed).choices(NASTY, k=pieces))


def build(text: str, **options) -> Vocabulary:
    return Vocabulary.build(text, VocabularyOptions(**options))


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.parametrize("seed", range(5))
def test_decoding_gives_the_text_back_to_the_last_space(level: str, seed: int) -> None:
    text = nasty_text(seed)
    vocabulary = build(text, level=level, min_count=1)
    tokens = vocabulary.encode(text)
    assert vocabulary.decode(tokens.tolist()) == text
    assert UNKNOWN not in tokens
    assert int((tokens == END).sum()) == text.count("\n")


@pytest.mark.parametrize("level", LEVELS)
def test_no_piece_holds_half_a_character(level: str) -> None:
    text = "床前明月光😀 né 👍🏽\nx 床😀"
    learned = "nothing of it is merged" if level == "bpe" else text
    vocabulary = build(learned, level=level, min_count=1)
    stream = TextStream(vocabulary)
    pieces = [stream.push(token) for token in vocabulary.encode(text).tolist()]
    assert "".join(pieces) + stream.close() == text
    assert not any("\ufffd" in piece for piece in pieces)


def test_bytes_that_are_no_character_become_the_replacement_character() -> None:
    vocabulary = build("abc", level="bpe")
    first, second, third = vocabulary.encode("床").tolist()
    assert vocabulary.decode([first, second]) == "\ufffd"
    assert vocabulary.decode([third, *vocabulary.encode("a").tolist()]) == "\ufffda"
    assert vocabulary.show(first) == "\\xe5"


def test_bpe_decodes_as_the_tokenizers_library_does(tmp_path: Path) -> None:
    vocabulary = build(nasty_text(7), level="bpe", max_size=400)
    (tmp_path / FILE).write_bytes(vocabulary.to_bytes())
    library = Tokenizer.from_file(str(tmp_path / FILE))
    for line in nasty_text(8).split("\n"):
        tokens = library.encode(line).ids
        assert vocabulary.encode(line).tolist() == tokens
        assert vocabulary.decode(tokens) == library.decode(tokens) == line


def test_characters_are_numbered_by_their_frequency() -> None:
    text = "山山山 bb\ncca"
    counts = Counter(text.replace("\n", ""))
    expected = ["<unk>", "<eos>", *sorted(counts, key=lambda c: (-counts[c], c))]
    vocabulary = build(text)
    assert list(vocabulary.tokens) == expected
    assert vocabulary.encode(text).tolist() == [1 if c == "\n" else expected.index(c) for c in text]
    assert vocabulary.encode("a人\n").tolist() == [expected.index("a"), UNKNOWN, END]
    assert vocabulary.decode([2, UNKNOWN, END]) == "山<unk>\n"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("The cat's mat, 'which' (isn't) far-off.", "The| cat|'s| mat|,| '|which|'| (|isn|'t|)| far|-|off|."),
        ("x  =  f_1(3.14)\ty", "x| | =| | f_1|(|3|.|14|)|\t|y"),
        ("    indented", "   | indented"),
        ("人之初，性本善。abc中文", "人|之|初|，|性|本|善|。|abc|中|文"),
        ("かなカナ ปีใหม่", "か|な|カ|ナ| ปี|ใ|ห|ม่"),
        ("né nai\u0308f l’été", "né| nai\u0308f| l|’été"),
    ],
)
def test_words_bring_the_space_before_them(text: str, words: str) -> None:
    vocabulary = build(text, level="word", min_count=1)
    pieces = [vocabulary.pieces[token].decode() for token in vocabulary.encode(text).tolist()]
    # Every line is read as if a space stood before it, so that its first word is a word like others.
    assert pieces == f" {words}".split("|")


def test_the_first_word_of_a_line_is_no_other_word() -> None:
    vocabulary = build("the cat\nthe\n\nof the", level="word", min_count=1)
    assert vocabulary.size == 2 + 3
    tokens = vocabulary.encode("the cat\nthe\n\nof the").tolist()
    assert tokens[0] == tokens[3] == tokens[-1]


def test_words_of_a_closed_vocabulary_keep_their_unknown_word() -> None:
    vocabulary = build("the <unk> sat <unk> on", level="word", min_count=1)
    assert vocabulary.tokens == ("<unk>", "<eos>", " on", " sat", " the")
    assert vocabulary.encode("the <unk> sat").tolist() == [4, UNKNOWN, 3]
    assert vocabulary.decode(vocabulary.encode("the <unk> sat").tolist()) == "the <unk> sat"


@pytest.mark.parametrize("level", LEVELS)
def test_a_text_cannot_speak_in_special_tokens(level: str) -> None:
    text = "the <eos> is <eos>\n" * 3
    vocabulary = build(text, level=level, min_count=1)
    assert int((vocabulary.encode(text) == END).sum()) == 3
    if level != "word":
        assert UNKNOWN not in build("<unk> " * 9, level=level).encode("<unk> <unk>")


def test_rare_tokens_are_unknown() -> None:
    text = "a a a b b c"
    assert build(text, level="word").tokens == ("<unk>", "<eos>", " a", " b")
    assert build(text, level="word", min_count=3).tokens == ("<unk>", "<eos>", " a")
    assert build(text, level="word", min_count=1, max_size=4).tokens == ("<unk>", "<eos>", " a", " b")
    assert build(text, max_size=4).tokens == ("<unk>", "<eos>", " ", "a")
    assert build("ab" * 50, level="bpe", max_size=259).size == 259


@pytest.mark.parametrize("level", LEVELS)
def test_capitals_digits_and_punctuation_are_the_users_choice(level: str) -> None:
    options = {"level": level, "min_count": 1, "lowercase": True, "digits": False, "punctuation": False}
    vocabulary = build("The 3 Cats\n5 + ÉTÉ, x_1?", **options)
    tokens = vocabulary.encode("The 3 Cats\n5 + ÉTÉ, x_1?").tolist()
    assert vocabulary.decode(tokens) == "the  cats\n  été x"
    assert vocabulary.characters("The 3 Cats\n5 + ÉTÉ, x_1?") == len("the  cats\n  été x")
    assert build("abc").characters("A 3.\n") == 5


@pytest.mark.parametrize("level", LEVELS)
def test_an_apostrophe_inside_a_word_is_no_punctuation(level: str, monkeypatch) -> None:
    text = "'tis, we'll l’eau 'x' boys' '' 'n'"
    vocabulary = build(text, level=level, min_count=1, punctuation=False)
    assert vocabulary.decode(vocabulary.encode(text)) == "tis we'll l’eau x boys  n"
    whole = vocabulary.encode(text * 3).tolist()
    for part in range(1, 9):
        monkeypatch.setattr(module, "_PART", part)
        assert vocabulary.encode(text * 3).tolist() == whole


@pytest.mark.parametrize("level", LEVELS)
def test_a_long_text_in_parts_gives_the_same_tokens(level: str, monkeypatch) -> None:
    text = default_corpus().text[:3000].replace("\n", " ") + "\n" + nasty_text(3)
    whole = build(text, level=level, min_count=1)
    expected = whole.encode(text)
    monkeypatch.setattr(module, "_PART", 7)
    monkeypatch.setattr(module, "_PORTION", 50)
    assert whole.encode(text).tolist() == expected.tolist()
    assert build(text, level=level, min_count=1).to_bytes() == whole.to_bytes()


def test_the_library_is_given_a_bounded_text_at_a_time(monkeypatch) -> None:
    monkeypatch.setattr(module, "_PORTION", 10)
    parts = [("abcd", False)] * 9
    portions = list(module.portions(parts))
    assert [part for portion in portions for part in portion] == parts
    assert all(sum(len(text) for text, _ in portion) < 10 + 4 for portion in portions)


@pytest.mark.parametrize("level", LEVELS)
def test_what_is_saved_is_loaded(level: str, tmp_path: Path) -> None:
    vocabulary = build(nasty_text(1), level=level, lowercase=True)
    (tmp_path / FILE).write_bytes(vocabulary.to_bytes())
    loaded = Vocabulary.load(tmp_path / FILE, vocabulary.options)
    text = nasty_text(2)
    assert loaded.encode(text).tolist() == vocabulary.encode(text).tolist()
    assert loaded.decode(range(loaded.size)) == vocabulary.decode(range(vocabulary.size))
    assert loaded.sha256 == vocabulary.sha256 != build("others", level=level, min_count=1).sha256
    assert loaded.to_bytes() == vocabulary.to_bytes()


@pytest.mark.parametrize("data", [b"", b"{}", b"\xff\xfe", b'{"model": 3}'])
def test_a_damaged_vocabulary_is_named(data: bytes, tmp_path: Path) -> None:
    (tmp_path / FILE).write_bytes(data)
    with pytest.raises(InputError, match=r"tokenizer\.json: must be a tokenizer.*Restore the file"):
        Vocabulary.load(tmp_path / FILE, VocabularyOptions())
    with pytest.raises(InputError, match=r"absent: must be a file.*Restore the file"):
        Vocabulary.load(tmp_path / "absent", VocabularyOptions())


def renumber(tokens: dict[str, int]) -> None:
    tokens["a"] += 1000


def exchange_special(tokens: dict[str, int]) -> None:
    tokens["<unk>"], tokens["<eos>"] = tokens["<eos>"], tokens["<unk>"]


def misspell(tokens: dict[str, int]) -> None:
    tokens["床"] = tokens.pop("z")


@pytest.mark.parametrize(
    ("level", "spoil", "fault"),
    [
        ("character", renumber, "the numbers from 0 to"),
        ("bpe", renumber, "the numbers from 0 to"),
        ("character", exchange_special, "<unk> and <eos> first"),
        ("bpe", misspell, "spell bytes"),
    ],
)
def test_tokens_that_no_model_could_have_are_refused(
    level: str, spoil: Callable[[dict[str, int]], None], fault: str, tmp_path: Path
) -> None:
    vocabulary = build("ba", level=level)
    content = json.loads(vocabulary.to_bytes())
    spoil(content["model"]["vocab"])
    (tmp_path / FILE).write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(InputError, match=rf"tokenizer\.json: must be a tokenizer.*{fault}.*Restore"):
        Vocabulary.load(tmp_path / FILE, vocabulary.options)


@pytest.mark.parametrize(
    ("options", "fault"),
    [
        ({"level": "syllable"}, "level: is one of character, word, bpe, whitespace, jieba, got 'syllable'"),
        ({"min_count": 0}, "min_count: is a whole number of at least 1, got 0"),
        ({"max_size": 2}, "max_size: is a whole number of at least 3"),
        ({"level": "bpe", "max_size": 257}, "max_size: is a whole number of at least 258"),
    ],
)
def test_impossible_options_are_refused(options, fault: str) -> None:
    with pytest.raises(InputError, match=fault):
        VocabularyOptions(**options)


def test_a_text_without_a_frequent_token_is_refused() -> None:
    with pytest.raises(InputError, match="some word must occur 9 times"):
        build("all of these are rare", level="word", min_count=9)


@pytest.mark.parametrize(("level", "named"), [("word", True), ("whitespace", True), ("character", False)])
def test_texts_that_are_a_word_each_are_read_by_letters(level: str, named: bool) -> None:
    with pytest.raises(InputError, match=r"must occur 3 times .*smaller min_count") as fault:
        build("AC\nGT", level=level, min_count=3)
    assert ("`level` character" in str(fault.value)) is named
