"""Translations, minimal pairs and n-best lists: texts that belong together."""

from __future__ import annotations

import gzip
import json
from pathlib import Path

import pytest

from bptt.data.examples import Examples
from bptt.data.nbest import ScoredHypothesis, Utterance
from bptt.data.readers.delimited import read_delimited
from bptt.data.readers.document import Document, read_document
from bptt.data.readers.grid import Columns
from bptt.data.readers.minimal_pairs import Prefix, read_minimal_pairs
from bptt.data.readers.nbest import (
    detect_nbest,
    read_espnet,
    read_hyporadise,
    read_kaldi,
    read_nbest,
    read_references,
    read_rnnlm,
)
from bptt.data.readers.objects import read_json
from bptt.data.readers.pairs import read_pairs, read_parallel
from bptt.data.readers.translations import read_untranslated
from bptt.errors import InputError


def read(text: str, **named: str) -> Examples[str, str]:
    return read_pairs(read_delimited(Document("d", text)), Columns(**named))


def test_parallel_files() -> None:
    found = read_parallel(Document("t.en", "Hi.\n\nRun. \n"), Document("t.zh", "嗨。\n空\n跑。\n"))
    assert (found.inputs, found.targets) == (("Hi.", "Run."), ("嗨。", "跑。"))
    assert found.rows[1].place == "t.en:3"
    assert found.notes == ("examples left out, as they are empty on one side: 1, the first at t.en:2",)


def test_parallel_files_of_unequal_length_are_an_error_with_both_counts() -> None:
    with pytest.raises(InputError, match=r"b: must have as many lines as a, which has 3, got 2"):
        read_parallel(Document("a", "1\n2\n\n"), Document("b", "1\n2\n"))


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("Hi. \t嗨。 \nI, too.\t我也是。\n", "source 1, target 2 (no header)"),
        ('SRC,TGT\nHi.,嗨。\n"I, too.",我也是。\n', 'source "SRC", target "TGT"'),
        ("target\tn\tsource\n嗨。\t1\tHi.\n我也是。\t2\tI, too.\n", 'source "source", target "target"'),
        ("Hi.\t嗨。\tCC-BY\nI, too.\t我也是。\tCC-BY\n", "source 1, target 2 (no header)"),
        ("Hi. ||| 嗨。\nI, too. ||| 我也是。\n", "source 1, target 2 (no header)"),
    ],
    ids=["tsv", "csv", "header", "third column", "three bars"],
)
def test_columns_of_pairs(text: str, said: str) -> None:
    found = read(text)
    assert (found.inputs, found.targets) == (("Hi.", "I, too."), ("嗨。", "我也是。"))
    more = ("not read: 1 more columns",) if "CC-BY" in text else ()
    assert found.notes == (f"columns: {said}", *more)


ENGLISH = ("go home", "we walk", "come in", "sit down", "be quiet")
CHINESE = ("回家", "我们走", "进来", "坐下", "安静")


@pytest.mark.parametrize(
    ("form", "said", "found"),
    [
        ("{n}\t{e}\t{m}\t{c}", "source 2, target 4 (no header)", ("2", "4")),
        ("{m}\t{e}\t{n}\t{c}\t2010-01-01", "source 2, target 4 (no header)", ("2", "4")),
        ("{n},{e},{c}", "source 2, target 3 (no header)", ("2", "3")),
        ("eng\t{e}\tcmn\t{c}", "source 2, target 4 (no header)", ("2", "4")),
        ("{e}\t{c}\t{n}", "source 1, target 2 (no header)", ()),
    ],
    ids=["Tatoeba", "ids that repeat", "index", "codes of languages", "numbers behind"],
)
def test_numbers_of_records_are_no_sentences(form: str, said: str, found: tuple[str, ...]) -> None:
    lines = [
        form.format(n=n, m=n // 2 + 7, e=e, c=c)
        for n, (e, c) in enumerate(zip(ENGLISH, CHINESE, strict=True), 1)
    ]
    pairs = read("\n".join(lines))
    assert (pairs.inputs, pairs.targets) == (ENGLISH, CHINESE)
    assert f"columns: {said}" in pairs.notes
    assert pairs.found == found
    # The columns that were learned are those that are asked about.
    asked = Columns(learned=found, labelled=False)
    assert read_pairs(read_delimited(Document("d", "\n".join(lines))), asked).inputs == ENGLISH


def test_numbers_may_be_translated() -> None:
    text = "1\tone\n2\ttwo\n3\tthree\n4\tfour\n5\tfive\n"
    assert read(text).inputs == ("1", "2", "3", "4", "5")
    asked = Columns(labelled=False)
    assert read_pairs(read_delimited(Document("d", text)), asked).inputs == ("1", "2", "3", "4", "5")


@pytest.mark.parametrize(
    "header",
    [
        ",en,fr",
        "Unnamed: 0,anglais,français",
        "id,English sentence,French sentence",
        "编号,英文,法语",
        "Nr,eins,zwei",
    ],
)
def test_a_column_of_record_names_is_no_source(header: str) -> None:
    pairs = read(header + "\n" + "".join(f"{n},{e},{e} x\n" for n, e in enumerate(ENGLISH)))
    assert pairs.inputs == ENGLISH
    assert pairs.targets[0] == "go home x"
    names = header.split(",")
    assert f'columns: source "{names[1]}", target "{names[2]}"' in pairs.notes
    asked = Columns(learned=pairs.found, labelled=False)
    found = read_pairs(read_delimited(Document("d", header + "\n7,go home,\n")), asked)
    assert [(row.input, row.name) for row in found.rows] == [("go home", "7")]


def test_the_only_text_beside_a_name_is_asked_about() -> None:
    asked = Columns(labelled=False)
    found = read_pairs(read_delimited(Document("d", "id,en\n7,go home\n8,we walk\n")), asked)
    assert found.inputs == ("go home", "we walk")
    with pytest.raises(InputError, match="must have a column source, got id, en"):
        read("id,en\n7,go home\n8,we walk\n")


def test_columns_without_sentences_are_named() -> None:
    rows = [{"instruction": "add", "input": "", "output": "sum"}] * 3
    with pytest.raises(InputError, match=r'3 of 3 empty in "input", 0 in "output"\. .*`source_column`'):
        read_pairs(read_json(Document("d", "\n".join(map(json.dumps, rows)))), Columns())


def test_columns_of_pairs_named_by_the_user_or_in_json_lines() -> None:
    assert read("zh\ten\n嗨\tHi\n", input="en", target="zh").inputs == ("Hi",)
    lines = Document("d", '{"source": "Hi", "translation": "嗨"}\n')
    assert read_pairs(read_json(lines), Columns()).targets == ("嗨",)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("a\tb\nno tab\n", "d:2: must have a sentence and its translation"),
        ("source\tx\na\tb\n", "d: must have a column target, got source, x"),
        ("\tb\n", "d: must hold at least one example"),
    ],
)
def test_a_fault_in_pairs_is_named(text: str, fault: str) -> None:
    with pytest.raises(InputError, match=fault):
        read(text)


GOOD = {"sentence_good": "The cats sleep.", "sentence_bad": "The cats sleeps.", "UID": "agreement"}


def test_minimal_pairs() -> None:
    prefix = {
        "one_prefix_prefix": "The cats",
        "one_prefix_word_good": "sleep",
        "one_prefix_word_bad": "sleeps",
        "dependency_length": 2,
    }
    lines = [json.dumps(GOOD), "", json.dumps({**GOOD, **prefix})]
    plain, full = read_minimal_pairs(Document("d", "\n".join(lines)))
    assert (plain.good, plain.bad, plain.paradigm) == tuple(GOOD.values())
    assert (plain.distance, plain.prefix) == (None, None)
    assert (full.distance, full.prefix) == (2, Prefix("The cats", "sleep", "sleeps"))
    assert full.place == "d:3"


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ({"sentence_bad": None}, '"sentence_bad" must be a text, got None'),
        ({"sentence_bad": GOOD["sentence_good"]}, "the two sentences must differ"),
        ({"dependency_length": "5"}, '"dependency_length" must be a whole number'),
        ({"one_prefix_prefix": "The cats"}, '"one_prefix_word_good" must be a text'),
    ],
)
def test_a_fault_in_minimal_pairs_is_named(change: dict[str, object], fault: str) -> None:
    with pytest.raises(InputError, match=f"d:2: {fault}"):
        read_minimal_pairs(Document("d", f"{json.dumps(GOOD)}\n{json.dumps({**GOOD, **change})}\n"))


HEARD = (
    Utterance("u-1", (ScoredHypothesis("好 a", -1.5), ScoredHypothesis("", -20.0))),
    Utterance("u-2", (ScoredHypothesis("b", -3.0),)),
)
WORDS = "u-1-10 b \nu-1-9\t好 a\nu-2-1 c\n"


def test_kaldi_costs_are_negative_logarithms_and_ranks_are_numbers() -> None:
    graph = Document("lm", "u-1-9 1.5\nu-1-10 2\nu-2-1 3e0\n")
    acoustic = Document("ac", "u-1-9 -0.5\nu-1-10 0\nu-2-1 1\n")
    found = read_kaldi(Document("w", WORDS), [graph, acoustic])
    assert [(each.name, each.hypotheses) for each in found.utterances] == [
        ("u-1", (ScoredHypothesis("好 a", -1.0), ScoredHypothesis("b", -2.0))),
        ("u-2", (ScoredHypothesis("c", -4.0),)),
    ]
    assert found.notes == ()
    bare = read_kaldi(Document("w", WORDS), [])
    assert bare.notes == ("no scores: each hypothesis has the score 0",)


@pytest.mark.parametrize(
    ("words", "costs", "fault"),
    [
        ("u-1 a\nu b\n", "u-1 1\nu 1\n", "w:2: a key must end in the rank"),
        ("u-1 a\nu-2 b\n", "u-1 1\n", "w:2: must have a score in c, got none for u-2"),
        ("u-1 a\nu-1 b\n", "u-1 1\n", "w:2: each key occurs once, got u-1, also at w:1"),
        ("u-1 a\n", "u-1 one\n", "c:1: a score is a finite number, got 'one'"),
        ("u-1 a\n", "u-1 inf\n", "c:1: a score is a finite number"),
    ],
)
def test_a_fault_in_kaldi_archives_is_named(words: str, costs: str, fault: str) -> None:
    with pytest.raises(InputError, match=fault):
        read_kaldi(Document("w", words), [Document("c", costs)])


def espnet(folder: Path, part: str, rank: int, text: str, score: str) -> None:
    place = folder / "logdir" / part / f"{rank}best_recog"
    place.mkdir(parents=True)
    (place / "text").write_text(text, encoding="utf-8")
    (place / "score").write_bytes(gzip.compress(score.encode()))


def test_espnet_folders_are_joined(tmp_path: Path) -> None:
    espnet(tmp_path, "output.2", 1, "u-2 b\n", "u-2 -3\n")
    espnet(tmp_path, "output.1", 1, "u-1 好 a\n", "u-1 tensor(-1.5000)\n")
    espnet(tmp_path, "output.1", 10, "u-1 \n", "u-1 tensor(-20., device='cuda:0')\n")
    assert read_nbest(tmp_path).utterances == HEARD
    espnet(tmp_path, "output.3", 1, "u-1 x\n", "u-1 1\n")
    with pytest.raises(InputError, match=r"output.3.*text:1: u-1 must occur once among the 1best_recog"):
        read_espnet(tmp_path)


def test_a_folder_without_lists_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="must hold folders Nbest_recog"):
        read_nbest(tmp_path)
    espnet(tmp_path, "output.1", 1, "u a\nv b\n", "u 1\n")
    with pytest.raises(InputError, match=r"text:2: must have a score in .*score, got none for v"):
        read_nbest(tmp_path)


def test_hyporadise(tmp_path: Path) -> None:
    path = tmp_path / "h.json"
    entries = [
        {"input": ["好 a", "b"], "output": "好", "am_score": [-1.5, "-2"], "id": "u"},
        {"input": ["c"]},
    ]
    path.write_text(json.dumps(entries), encoding="utf-8")
    found = read_nbest(path)
    assert found.utterances == (
        Utterance("u", (ScoredHypothesis("好 a", -1.5), ScoredHypothesis("b", -2.0)), "好"),
        Utterance("1", (ScoredHypothesis("c", 0.0),)),
    )
    assert found.notes == ()


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("[1]", "d: entry 1: must be an object, got int"),
        ('[{"input": []}]', 'd: entry 1: "input" must be a list of texts'),
        ('[{"input": ["a"], "output": 1}]', 'd: entry 1: "output" must be a text'),
        ('[{"input": ["a"], "am_score": [1, 2]}]', 'd: entry 1: "am_score" must be a list of 1 numbers'),
        ('[{"input": ["a"], "am_score": [null]}]', "d: entry 1: a score is a finite number"),
        ("[]", "d: must hold at least one utterance"),
        ("{}", "d: must be a JSON list, got dict"),
        ("[", "d: must be a JSON list, got "),
    ],
)
def test_a_fault_in_hyporadise_is_named(text: str, fault: str) -> None:
    with pytest.raises(InputError, match=fault):
        read_hyporadise(Document("d", text))


def test_rnnlm_lists_begin_with_the_utterance() -> None:
    found = read_rnnlm(Document("d", "u 好 a \nv b\nu\n"))
    assert [(each.name, [h.text for h in each.hypotheses]) for each in found.utterances] == [
        ("u", ["好 a", ""]),
        ("v", ["b"]),
    ]
    assert found.notes == ("no scores: each hypothesis has the score 0",)


@pytest.mark.parametrize(
    ("text", "form"),
    [
        (WORDS, "kaldi"),
        ("u-1 a\nu-1 b\n", "rnnlm"),
        ("u a\nv b\n", "rnnlm"),
        (' [{"input": ["a"]}]', "hyporadise"),
    ],
)
def test_lists_are_told_apart(tmp_path: Path, text: str, form: str) -> None:
    path = tmp_path / "n"
    path.write_text(text, encoding="utf-8")
    assert detect_nbest(path) == form
    assert read_nbest(path).utterances


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('{"input": ["a"]}\n', "n:1: must be n-best lists of .*, got JSON objects, which are no list"),
        (
            "0 ||| a cat ||| -1.5 ||| -7\n0 ||| the cat ||| -2\n",
            "n:1: must be .*, got |||, as in .* Moses",
        ),
        ("u\ta cat\t-1.5\nu\tthe cat\t-2\n", "n:1: must be .*, got 3 columns between tabs"),
        (
            "u 1 0.00 0.25 the 0.9\nu 1 0.25 0.5 cat 0.8\n",
            "n:1: must be .*, got a number behind each key",
        ),
        ("u -1.5 a cat\nu -2 the cat\n", "n:1: must be .*, got a number behind each key, such as -1.5"),
        ("the cat sat\na dog\nthe end\n", "n:3: hypotheses of an utterance follow each other, got the again"),
    ],
    ids=["JSON lines", "Moses", "TSV", "CTM", "scores inside", "sentences"],
)
def test_lists_of_an_unknown_form_are_refused(tmp_path: Path, text: str, fault: str) -> None:
    (tmp_path / "n").write_text(text, encoding="utf-8")
    with pytest.raises(InputError, match=fault.replace("|", "[|]")):
        read_nbest(tmp_path / "n")


def test_ranks_of_kaldi_are_numbers_that_occur_once() -> None:
    for words, fault in [
        ("u-1 a\nu-01 b\n", "w:2: u has one hypothesis of rank 1, got a second, u-01"),
        (f"u-{'9' * 5000} a\n", "w:1: a key must end in the rank"),
        ("u-² a\n", "w:1: a key must end in the rank"),
    ]:
        with pytest.raises(InputError, match=fault):
            read_kaldi(Document("w", words), [])


@pytest.mark.parametrize(
    "score", ["tensor(" + ", " * 40_000, "tensor(" + "1" * 99 + ")", "9" * 5000, "1e999", "-"]
)
def test_a_score_is_a_short_finite_number(score: str) -> None:
    """Forty thousand commas took the square of their number of steps to be found none."""
    with pytest.raises(InputError, match="c:1: a score is a finite number"):
        read_kaldi(Document("w", "u-1 a\n"), [Document("c", f"u-1 {score}\n")])


def test_references_are_joined(tmp_path: Path) -> None:
    (tmp_path / "text").write_text("u-2 b c\nu-1 好\nmore\n", encoding="utf-8")
    references = read_references(read_document(tmp_path / "text"))
    found = read_kaldi(Document("w", WORDS), []).with_references(references, "text")
    assert [each.reference for each in found.utterances] == ["好", "b c"]
    with pytest.raises(InputError, match=r"text: must have a reference.* w, got none for 1, the first u-2"):
        found.with_references({"u-1": "a"}, "text")


@pytest.mark.parametrize(
    ("name", "text", "came"),
    [
        (
            "lists",
            "id,hyp,score,ref\nu0,the cat sees,0,the cat sees\nu0,the cat sea,-1,the cat sees\n",
            "id, hyp",
        ),
        ("lists", "text;label\n我 喜欢;pos\n不好;neg\n", "text, label"),
        ("lists", '"u0","the cat"\n"u0","a cat"\n', "u0, the cat"),
        ("lists", "id\ttext\nu0\tthe cat\nu0\ta cat\n", "id, text"),
        ("lists.csv", "a good film,pos\na bad film,neg\n", "a good film, pos"),
        ("lists.tsv", "u0\tthe cat\nu0\ta cat\n", "u0, the cat"),
    ],
    ids=["header", "semicolons", "quotes", "tabs below names", "named csv", "named tsv"],
)
def test_a_table_is_no_nbest_list(tmp_path: Path, name: str, text: str, came: str) -> None:
    path = tmp_path / name
    path.write_text(text, encoding="utf-8")
    with pytest.raises(
        InputError, match=rf"{name}:1: must be n-best lists .*columns: {came}.*a line for each"
    ):
        read_nbest(path)


def test_commas_in_the_words_of_a_list_are_no_columns(tmp_path: Path) -> None:
    path = tmp_path / "lists"
    path.write_text("u0 well, yes\nu0 well, yet\nu1\tno, never\n", encoding="utf-8")
    assert [each.name for each in read_nbest(path).utterances] == ["u0", "u1"]


def test_the_place_of_an_entry_counts_from_one() -> None:
    with pytest.raises(InputError, match="d: entry 2: must be an object"):
        read_hyporadise(Document("d", '[{"input": ["a"]}, 1]'))


def test_a_csv_without_a_header_is_asked_about_by_the_numbers_that_were_learned() -> None:
    text = "".join(f"{n},{e},{c}\n" for n, (e, c) in enumerate(zip(ENGLISH, CHINESE, strict=True)))
    learned = read(text).found
    asked = read_untranslated(Document("d.csv", text), "text", Columns(learned=learned))
    assert asked.inputs == ENGLISH
    # A file of fewer columns is another one: its lines are texts.
    other = read_untranslated(Document("d", "go, home\nwe, walk\n"), "text", Columns(learned=learned))
    assert other.inputs == ("go, home", "we, walk")
