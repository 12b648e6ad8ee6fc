"""CoNLL columns and the schemes of their tags."""

from __future__ import annotations

from itertools import combinations, pairwise, product

import pytest

from bptt.data.cutting import Cutting
from bptt.data.examples import Examples, Words
from bptt.data.readers.document import Document
from bptt.data.readers.tagged import looks_like_conll, read_conll, read_words, write_conll
from bptt.data.schemes import (
    BIO,
    IOB1,
    OUTSIDE,
    SCHEMES,
    Scheme,
    Span,
    allowed,
    convert,
    detect_scheme,
    in_roles,
    spans,
    tags_of,
    to_tags,
)
from bptt.errors import InputError


def read(text: str) -> Examples[Words, Words]:
    return read_conll(Document("d", text))


TABS = "-DOCSTART-\tO\n\n我\tO\n爱\tO\n\t\n \nNew York\tB-LOC\n#\tO\n\n\n"


def test_sentences_stand_between_lines_of_nothing_but_white_space() -> None:
    found = read(TABS)
    assert found.inputs == (("我", "爱"), ("New York", "#"))
    assert found.targets == (("O", "O"), ("B-LOC", "O"))
    assert [row.place for row in found.rows] == ["d:3", "d:7"]


def test_the_last_sentence_needs_no_blank_line() -> None:
    assert read("a O").inputs == (("a",),)


def test_between_spaces_the_first_column_is_the_word_and_the_last_the_tag() -> None:
    found = read("# NN I-NP O\nEU NNP I-NP I-ORG\n\n-DOCSTART- -X- O O\na\u3000b  DT I-NP O\n")
    assert found.inputs == (("#", "EU"), ("a\u3000b",))
    assert found.targets == (("O", "I-ORG"), ("O",))


def test_words_that_all_begin_with_a_hash_are_words() -> None:
    assert read("#a O\n#b B-X\n").targets == (("O", "B-X"),)
    assert not read("#a\n#b\n").has_targets


def test_between_tabs_a_line_of_a_hash_and_no_tab_is_a_comment() -> None:
    assert read("# text = a #\na\tO\n#\tO\n#b c\n").inputs == (("a", "#"),)


def test_one_column_has_no_tags() -> None:
    found = read("a\nb\n\n#c\n")
    assert found.inputs == (("a", "b"), ("#c",))
    assert not found.has_targets


def test_conll_u_gives_the_parts_of_speech_of_words() -> None:
    rest = "\t_" * 6
    lines = [f"1-2\tdu\t_\t_{rest}", f"1\tde\tof\tADP{rest}", f"1.1\tx\tx\tX{rest}", f"2\tle\tle\tDET{rest}"]
    found = read("# sent_id = 1\n" + "\n".join(lines) + "\n")
    assert (found.inputs, found.targets) == ((("de", "le"),), (("ADP", "DET"),))


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("a\tO\n" * 16 + "broken\n", "d:17: must have 2 columns as d:1 has, got 1: 'broken'"),
        ("a O\nb c O\n", "d:2: must have 2 columns"),
        ("\na\tO\nb\t\n", r"d:3: must have a word and a tag"),
        ("a\tO\n\tO\n", r"d:2: must have a word and a tag"),
        ("a\nb\tO\n", "d:2: must have 1 columns"),
        ("-DOCSTART- O\n", "d: must hold at least one example"),
    ],
)
def test_a_broken_line_is_named(text: str, fault: str) -> None:
    with pytest.raises(InputError, match=fault):
        read(text)


def test_joined_tags_are_said_aloud() -> None:
    notes = read("a\tO\n\nb\tB-x-y,B-z\n").notes
    assert len(notes) == 1
    assert "B-x-y,B-z" in notes[0]
    assert "1 sentences, the first at d:3" in notes[0]


def test_what_is_written_is_read_again() -> None:
    found = read(TABS)
    predicted = [("O", "B-X"), ("O", "O")]
    text = write_conll(found.inputs, found.targets, predicted)
    assert text == "我\tO\tO\n爱\tO\tB-X\n\nNew York\tB-LOC\tO\n#\tO\tO\n\n"
    assert read(text).inputs == found.inputs
    assert list(read(text).targets) == predicted


def test_plain_text_is_cut_at_white_space_and_keeps_its_lines() -> None:
    assert read_words(Document("d", "New  York\n\n我 爱\n"), Cutting("whitespace")).inputs == (
        ("New", "York"),
        (),
        ("我", "爱"),
    )


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        (TABS, True),
        ("a\nb\n\nc\n", True),
        ("EU I-ORG\nis O\n\nx O\n", True),
        ("New York is big\n", False),
        ("one sentence\n\ntwo words\n", False),
        ("一\n二\n", False),
    ],
)
def test_columns_are_told_from_plain_text(text: str, wanted: bool) -> None:
    assert looks_like_conll(Document("d", text)) is wanted


def test_columns_are_also_known_by_tags_that_are_known() -> None:
    text = Document("d", "the DT\nrun NN\n\nfast RB\n")
    assert not looks_like_conll(text)
    assert looks_like_conll(text, ("DT", "NN", "RB", "VB"))
    assert not looks_like_conll(text, ("DT", "NN"))


# The same entities in every scheme: two of one type that touch, two of different types, single and long.
ENTITIES = (Span(0, 1, "X"), Span(1, 4, "X"), Span(4, 6, "Y"), Span(7, 8, "X"))
SPELLED = {
    "IOB1": "I-X B-X I-X I-X I-Y I-Y O I-X",
    "BIO": "B-X B-X I-X I-X B-Y I-Y O B-X",
    "BIOES": "S-X B-X I-X E-X B-Y E-Y O S-X",
    "BMES": "S-X B-X M-X E-X B-Y E-Y O S-X",
    "BMEWO": "W-X B-X M-X E-X B-Y E-Y O W-X",
    "BILOU": "U-X B-X I-X L-X B-Y L-Y O U-X",
}


@pytest.mark.parametrize("name", SCHEMES)
def test_a_scheme_spells_entities_and_is_found_by_its_tags(name: str) -> None:
    tags = tuple(SPELLED[name].split())
    assert to_tags(ENTITIES, 8, SCHEMES[name]) == tags
    assert spans(tags) == ENTITIES
    found = detect_scheme([tags, ("O",)])
    assert found.scheme == SCHEMES[name]
    assert found.reason.startswith(f"{name}: ")


def all_entities(length: int) -> list[tuple[Span, ...]]:
    """Every way to mark up so many words with entities of two types."""
    found = []
    for cuts in product([False, True], repeat=length - 1):
        ends = [0, *(i + 1 for i, cut in enumerate(cuts) if cut), length]
        pieces = list(pairwise(ends))
        for kinds in product(["", "X", "Y-Z"], repeat=len(pieces)):
            marked = [Span(*piece, kind) for piece, kind in zip(pieces, kinds, strict=True) if kind]
            found.append(tuple(marked))
    return found


@pytest.mark.parametrize("name", SCHEMES)
def test_every_markup_comes_back_from_every_scheme(name: str) -> None:
    for entities in all_entities(5):
        tags = to_tags(entities, 5, SCHEMES[name])
        assert spans(tags) == entities
        for other in SCHEMES.values():
            assert convert(tags, other) == to_tags(entities, 5, other)


def conlleval(tags: tuple[str, ...]) -> tuple[Span, ...]:
    """startOfChunk and endOfChunk of the script of the CoNLL-2000 shared task, condition by condition."""
    found, start = [], 0
    before, type_before = "O", ""
    for i, tag in enumerate([*tags, "O"]):
        letter, _, kind = tag.partition("-")
        ends = (before + letter) in {"BB", "BS", "BO", "IB", "IS", "IO"} or before in ("E", "S")
        ends = ends or (before != "O" and type_before != kind)
        starts = letter in ("B", "S") or (before + letter) in {"EE", "EI", "SE", "SI", "OE", "OI"}
        starts = starts or (letter != "O" and type_before != kind)
        if ends:
            found.append(Span(start, i, type_before))
        if starts:
            start = i
        before, type_before = letter, kind
    return tuple(found)


def test_tags_that_break_every_rule_are_read_as_conlleval_reads_them() -> None:
    alphabet = ["O", *(f"{letter}-{kind}" for letter in "BIES" for kind in "XY")]
    for tags in product(alphabet, repeat=4):
        assert spans(tags) == conlleval(tags), tags


def test_which_scheme_when_b_and_i_alone_are_there() -> None:
    assert detect_scheme([["O", "I-X", "I-X"]]).scheme == IOB1
    assert detect_scheme([["O", "B-X"]]).scheme == BIO
    assert detect_scheme([["O", "O"]]).scheme == BIO
    assert detect_scheme([["I-X", "B-X"], ["I-Y"]]).scheme == IOB1
    assert detect_scheme([["O", "I", "I"], ["B"]]).reason.startswith("BIO, which 1 tags break")
    mostly = detect_scheme([["B-X", "O"], ["B-X", "O"], ["O", "I-X"]])
    assert mostly.scheme == BIO
    assert "which 1 tags break" in mostly.reason


@pytest.mark.parametrize("tags", [["NN", "O"], ["B-X", "DET"], ["B-X", "M-X", "I-X"], ["PRP$", ","]])
def test_tags_of_no_scheme_spell_no_entities(tags: list[str]) -> None:
    assert detect_scheme([tags]).scheme is None


def test_letters_alone_cut_words() -> None:
    assert detect_scheme([list("BMESBE")]).scheme == SCHEMES["BMES"]
    assert spans(list("BMESBE")) == (Span(0, 3, ""), Span(3, 4, ""), Span(4, 6, ""))
    assert convert(list("BMESBE"), BIO) == tuple("BIIBBI")
    assert convert(list("BIOB"), IOB1) == tuple("IIOI")


def test_faults_in_tags_and_entities_are_named() -> None:
    with pytest.raises(InputError, match="tag NN: is O, or one of"):
        spans(["NN"])
    for wrong in combinations([Span(0, 2, "X"), Span(1, 3, "X"), Span(1, 2, "Y")], 2):
        with pytest.raises(InputError, match="must lie apart within 3 words"):
            to_tags(wrong, 3, BIO)
    with pytest.raises(InputError, match="must lie apart"):
        to_tags([Span(2, 4, "X")], 3, BIO)


@pytest.mark.parametrize("scheme", SCHEMES.values(), ids=SCHEMES)
def test_tags_may_follow_each_other_where_they_do_in_some_sentence(scheme: Scheme) -> None:
    """What is allowed is what occurs in the tags of all sets of entities in five words."""
    tags = (OUTSIDE, *tags_of(("X", "Y"), scheme))
    sentences = [seen for seen in product(tags, repeat=5) if convert(seen, scheme) == seen]
    found = allowed(tags, scheme)
    assert {tag for tag, yes in zip(tags, found.starts, strict=True) if yes} == {
        seen[0] for seen in sentences
    }
    assert {tag for tag, yes in zip(tags, found.ends, strict=True) if yes} == {seen[-1] for seen in sentences}
    pairs = {(tags[j], tags[k]) for j, row in enumerate(found.pairs) for k, yes in enumerate(row) if yes}
    assert pairs == {pair for seen in sentences for pair in pairwise(seen)}
    assert {tag for seen in sentences for tag in seen} == set(tags)


def test_letters_of_any_scheme_are_told_by_their_roles() -> None:
    assert in_roles(["O", "B-X", "M-X", "L-X", "U-Y", "W", "I", "E-B-C"]) == (
        ("O", "B-X", "I-X", "E-X", "S-Y", "S", "I", "E-B-C")
    )


@pytest.mark.parametrize("number", ["9" * 5000, "1²", "①"])
def test_numbers_without_measure_do_not_count_words(number: str) -> None:
    found = read_conll(Document("d", f"1\ta\tO\n{number}\tb\tO\n\n"))
    assert found.inputs == (("1", number),)
