"""Which columns of a CoNLL file are the word and its tag: headers, numbers of words, named columns."""

from __future__ import annotations

import pytest

from bptt.data.cutting import Cutting
from bptt.data.examples import Examples, Words
from bptt.data.readers.asked import Said
from bptt.data.readers.document import Document
from bptt.data.readers.tagged import looks_like_conll, read_conll
from bptt.data.schemes import stray_tags
from bptt.errors import InputError
from bptt.jobs.tag.reading import read_sentences


def doc(text: str) -> Document:
    return Document("d", text)


def read(text: str, header: bool | None = None) -> Examples[Words, Words]:
    return read_conll(doc(text), header)


BODY = "Ada\tB-PER\nran\tO\n\nRome\tB-LOC\nis\tO\n"
WORDS, TAGS = (("Ada", "ran"), ("Rome", "is")), (("B-PER", "O"), ("B-LOC", "O"))


@pytest.mark.parametrize(
    "header", ["token\ttag", "Word\tNER", "词\t标签", "text\tlabel", "mot\tentité", "token\ttag\n", "w\tx"]
)
def test_a_header_is_no_word(header: str) -> None:
    found = read(f"{header}\n{BODY}")
    assert (found.inputs, found.targets) == (WORDS, TAGS)
    assert found.notes[0].startswith("header: ")
    assert looks_like_conll(doc(f"{header}\n{BODY}"), ("O", "B-PER", "B-LOC"))


def test_a_header_names_the_word_and_stands_between_spaces_too() -> None:
    found = read("id word pos ner\n1 Ada NNP B-PER\n2 ran VBD O\n\n1 Rome NNP B-LOC\n2 is VBZ O\n")
    assert (found.inputs, found.targets) == (WORDS, TAGS)
    assert read("form\tupos\nAda\tPROPN\nran\tVERB\n").targets == (("PROPN", "VERB"),)


def test_the_user_says_whether_it_is_one() -> None:
    assert read(f"token\ttag\n{BODY}", header=False).inputs[0] == ("token", "Ada", "ran")
    assert read("a\tX\nb\tY\n", header=True).inputs == (("b",),)
    assert read(BODY).notes == ()


@pytest.mark.parametrize("text", ["the\tDT\nrun\tNN\nfast\tRB\nthe\tDT\n", "word\tNN\nof\tIN\na\tDT\n"])
def test_a_first_word_is_no_header(text: str) -> None:
    assert len(read(text).inputs[0]) == text.count("\n")


@pytest.mark.parametrize(
    "text",
    [
        "0.1\t_\t_\n1\tAda\tB-PER\n2\tran\tO\n\n1-2\tRome_is\t_\n1\tRome\tB-LOC\n2\tis\tO\n",
        "0\tAda\tB-PER\n1\tran\tO\n\n0\tRome\tB-LOC\n1\tis\tO\n",
        "# sent 1\n1\tAda\tB-PER\n2\tran\tO\n\n# sent 2\n1\tRome\tB-LOC\n2\tis\tO\n",
        "1 Ada B-PER\n2 ran O\n\n1 Rome B-LOC\n2 is O\n",
        "# global.columns = ID FORM NER\n1\tAda\tB-PER\n2\tran\tO\n\n1\tRome\tB-LOC\n2\tis\tO\n",
        "# global.columns = FORM UPOS X\nAda\tB-PER\t_\nran\tO\t_\n\nRome\tB-LOC\t_\nis\tO\t_\n",
    ],
    ids=["empty node", "from 0", "comments", "spaces", "global columns", "upos by name"],
)
def test_numbers_of_words_are_no_words(text: str) -> None:
    found = read(text)
    assert (found.inputs, found.targets) == (WORDS, TAGS)
    assert "column" in found.notes[0]


def test_ten_columns_that_begin_with_an_empty_node_are_conll_u() -> None:
    rest = "\t_" * 6
    found = read(f"0.1\tx\tx\tX{rest}\n1-2\tdu\t_\t_{rest}\n1\tde\tof\tADP{rest}\n2\tle\tle\tDET{rest}\n")
    assert (found.inputs, found.targets) == ((("de", "le"),), (("ADP", "DET"),))


def test_words_that_are_numbers_are_words() -> None:
    assert read("1\tx\tCD\n5\ty\tCD\n7\tz\tNN\n").inputs == (("1", "5", "7"),)
    assert read("1\tCD\n2\tCD\n").inputs == (("1", "2"),)


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("1\tAda met Bo\n2\tCy saw Rome\n", False),
        ("Ada saw\tRome\n", False),
        ("a b\tc\nd\te f\tg\n", False),
        ("Ada\tNNP\nran\tVBD\n\nRome\tNNP\n", True),
        ("# c\nAda\tO\n", True),
        ("one\ttwo\nthree\tfour\n", False),
    ],
)
def test_tabs_alone_make_no_columns(text: str, wanted: bool) -> None:
    assert looks_like_conll(doc(text), ("O", "B-PER")) is wanted
    assert not looks_like_conll(Document("text", text, typed=True), ("O", "B-PER"))


@pytest.mark.parametrize("text", ['{"tokens":["a"],"tags":["O"]}\n', '[{"tokens": ["a"]}]'])
def test_json_is_no_conll(text: str) -> None:
    with pytest.raises(InputError, match=r"d: must be CoNLL columns, got JSON\. Write a word a line"):
        read(text)


def test_commas_are_no_columns() -> None:
    with pytest.raises(InputError, match="d:1: must have columns between tabs or spaces, got commas"):
        read("word,tag\nAda,B-PER\n\nran,O\n")
    assert read("1,000\nmen\n").inputs == (("1,000", "men"),)


def test_tags_of_no_scheme_among_many_are_strays() -> None:
    entities = [["B-X", "I-X", "O"]] * 6
    assert stray_tags([*entities, ["o"]]) == {"o": 1}
    assert stray_tags([["B-X"], ["O"] * 40, ["o"]]) == {"o": 1}
    assert stray_tags([*entities, ["0", "B-X"]]) == {"0": 1}
    assert stray_tags([*entities, ["NN", "VB"]]) == {}
    assert stray_tags(entities) == stray_tags([["NN"] * 20]) == {}
    with pytest.raises(InputError, match="d: must hold at least one example"):
        read("-DOCSTART- O\n")


@pytest.mark.parametrize(
    "text",
    [
        'Sentence #,Word,POS,Tag\nSentence: 1,He,PRP,O\n,went,NN,O\n,"to, well",TO,O\n',
        "Wort;Tag\nBerlin;B-LOC\nist;O\n\nPaul;B-PER\nkam;O\n",
        "word|tag\nEU|B-ORG\nsays|O\n",
        "New York,B-LOC\nis big,O\n",
        "小 明,B-PER\n来,O\n",
    ],
    ids=["Kaggle", "semicolons", "bars", "spaces in words", "Chinese"],
)
def test_words_and_tags_between_commas_are_refused_with_the_rule(text: str) -> None:
    with pytest.raises(
        InputError, match=r"d:1: must have columns between tabs .*Put tabs .* a blank line behind"
    ):
        read_conll(Document("d", text))


def test_commas_may_be_words() -> None:
    found = read_conll(Document("d", ", PUNCT\n, PUNCT\n\n1,000 NUM\n"))
    assert found.inputs == ((",", ","), ("1,000",))


def test_words_and_tags_between_commas_are_no_plain_text_for_a_tagger() -> None:
    tags = ("O", "B-LOC")
    for text in ("word,tag\nBerlin,B-LOC\nist,O\n", "Sentence #,Word,POS,Tag\n1,He,PRP,O\n,went,NN,O\n"):
        with pytest.raises(InputError, match="d:1: must have columns between tabs or spaces, got commas"):
            read_sentences(Document("d", text), Said(), Cutting("whitespace"), tags)
    plain = Document("d", "Well, yes\nNo, never\n")
    assert read_sentences(plain, Said(), Cutting("whitespace"), tags).inputs == (
        ("Well,", "yes"),
        ("No,", "never"),
    )
