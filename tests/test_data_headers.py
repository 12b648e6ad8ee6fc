"""Which first rows are headers, which separator is one, and which texts are JSON: one rule for all."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from bptt.data.examples import Examples
from bptt.data.readers.asked import Said, read_asked
from bptt.data.readers.delimited import delimiter, read_delimited
from bptt.data.readers.detect import detect
from bptt.data.readers.document import Document
from bptt.data.readers.forms import read_examples, read_grid
from bptt.data.readers.grid import Columns
from bptt.data.readers.labelled import read_labelled
from bptt.data.readers.minimal_pairs import holds_minimal_pairs, read_minimal_pairs
from bptt.data.readers.objects import is_json, read_objects
from bptt.data.readers.pairs import read_pairs
from bptt.data.readers.translations import detect_translated, read_translations
from bptt.errors import InputError


def doc(text: str) -> Document:
    return Document("d", text)


def learn(text: str, columns: Columns = Columns()) -> Examples[str, str]:  # noqa: B008
    """As `bptt train classify` reads a text: by the form that it shows."""
    assert detect(doc(text), columns).form == "columns"
    found = read_examples(doc(text), "columns", columns)
    return found  # type: ignore[return-value]


FOUR = "很好\t正\n不好\t负\n好看\t正\n难看\t负\n"
STARS = "good one,5\nbad one,1\nfine,5\nawful,2\n"


@pytest.mark.parametrize(
    ("header", "rows", "labels"),
    [
        ("文本\t标签\n", FOUR, ("正", "负", "正", "负")),
        ("comment,stars\n", STARS, ("5", "1", "5", "2")),
        ("Review Text,Rating\n", STARS, ("5", "1", "5", "2")),
        ("出处\t好坏\n", FOUR, ("正", "负", "正", "负")),
        ("utterance_body,cluster\n", "a b,c1\nd e,c2\nf g,c1\nh i,c3\n", ("c1", "c2", "c1", "c3")),
        ('"What they said";"Mood"\n', '"a, b";"+"\n"c";"-"\n"d";"+"\n"e";"-"\n', ("+", "-", "+", "-")),
    ],
)
def test_a_header_of_any_words_is_no_example(header: str, rows: str, labels: tuple[str, ...]) -> None:
    found = learn(header + rows)
    assert found.targets == labels
    assert found.rows[0].place == "d:2"
    assert any("header" in note or "columns" in note for note in found.notes)
    # Without the header the same examples are found.
    assert learn(rows, Columns(header=False)).targets == labels


@pytest.mark.parametrize(
    "text",
    [
        "Is this a question?\tquestion\nRun!\torder\nWhere?\tquestion\nGo!\torder\n",
        "good\tpos\nbad\tneg\n",
        "one film\trare\ntwo\tpos\nthree, and more.\tneg\n",
        "Good film, really.\tonly once\nb\tpos\nc\tpos\nd\tneg\ne\tneg\n",
        "first,second\nthird,fourth\n",
    ],
)
def test_a_first_example_is_no_header(text: str) -> None:
    assert len(learn(text)) == text.count("\n")


def test_the_user_has_the_last_word() -> None:
    text = "comment,stars\n" + STARS
    assert len(learn(text, Columns(header=False))) == 5
    assert learn("so,la\nxy,da\nzw,da\n", Columns(header=True)).inputs == ("xy", "zw")
    assert read_examples(doc("1,2,a\n3,4,b\n"), "table", Columns(header=True)).columns == ("1", "2")
    assert len(read_examples(doc("x,z,a\n3,4,b\n"), "table", Columns(header=None))) == 1
    named = learn("a b,pos\nc,neg\n", Columns("1", "2"))
    assert (named.inputs, named.targets) == (("a b", "c"), ("pos", "neg"))


def test_an_empty_cell_is_no_name_that_was_learned() -> None:
    found = learn("\tpos\na film\tneg\nb film\tpos\n", Columns(learned=("", "")))
    assert found.inputs == ("a film", "b film")
    assert "1, the first at d:1" in found.notes[-1]


def test_the_cure_names_the_option() -> None:
    with pytest.raises(InputError, match=r"got no header\. If the first row is one, give `header`"):
        learn("a b,pos\nc,neg\n", Columns("comment"))
    with pytest.raises(InputError, match=r"which column is the text, got a1, b1, label\. .*`input_column`"):
        learn("a1,b1,label\nx,y,z\n")
    with pytest.raises(InputError, match=r"two columns, got 3\. .*`input_column` 1"):
        learn("x y,z,w\nx,z,w\n")


@pytest.mark.parametrize("header", ["text,label", "en,zh", "English,Chinese", "英文,中文", "source,target"])
def test_a_header_of_pairs_is_no_pair(header: str) -> None:
    text = f"{header}\nHi.,嗨。\nRun!,快跑！\n"
    assert detect_translated(doc(text), Columns()).form == "text"
    found = read_translations(doc(text), None, "text", Columns())
    assert (found.inputs, found.targets) == (("Hi.", "Run!"), ("嗨。", "快跑！"))


SENTENCES = (
    ("Go home!", "回家！"),
    ("We walk.", "我们走。"),
    ("Come in.", "进来。"),
    ("Sit down.", "坐下。"),
)
PHRASES = (("go home", "geh heim"), ("we walk", "wir gehen"), ("come in", "komm herein"), ("sit", "sitz"))


@pytest.mark.parametrize(
    "header",
    [
        "Deutsch;Englisch",
        "\ufeffDeutsch;Englisch\r",
        "Français\tAnglais",
        "Franc\u0327ais\tAnglais",
        '"English","Chinese (simplified)"',
        "English words/sentences,French words/sentences",
        "en_US,zh-CN",
        "日本語\t英語",
        "русский;английский",
        "source_en;target_de",
        "text;deutsch",
    ],
)
def test_names_of_languages_are_a_header(header: str) -> None:
    mark = next(mark for mark in "\t;," if mark in header)
    text = header + "\n" + "".join(f"{e}{mark}{d}\n" for e, d in PHRASES[:2])
    for rows in (text, text.replace("\n", "\r\n").replace("\r\r", "\r")):
        document = doc(rows.removeprefix("\ufeff").replace("\r\n", "\n"))
        found = read_pairs(read_delimited(document), Columns())
        assert found.inputs == ("go home", "we walk")
        assert found.notes[0].startswith("columns: source") or "`no_header`" in found.notes[0]
    assert len(read_pairs(read_delimited(document), Columns(header=False))) == 3


@pytest.mark.parametrize(
    ("header", "rows"),
    [
        ("Original\tRendering", SENTENCES),
        ("Phrase\tÜbersetzung", SENTENCES),
        ("Original\tRendering", tuple((e, c) for (e, _), (_, c) in zip(PHRASES, SENTENCES, strict=True))),
        ("上句\t下句", PHRASES),
        ("Satz\tBedeutung", tuple((e, f"{d}?") for (e, _), (d, _) in zip(SENTENCES, PHRASES, strict=True))),
    ],
    ids=["sentences", "umlaut", "another script", "Chinese names", "questions"],
)
def test_names_above_sentences_are_a_header(header: str, rows: tuple[tuple[str, str], ...]) -> None:
    text = header + "\n" + "".join(f"{a}\t{b}\n" for a, b in rows)
    found = read_pairs(read_delimited(doc(text)), Columns())
    assert (found.inputs, found.targets) == tuple(zip(*rows, strict=True))
    assert "`no_header` if it is an example" in found.notes[0]
    # Without the header no row is taken for one.
    body = text.split("\n", 1)[1]
    assert len(read_pairs(read_delimited(doc(body)), Columns())) == len(rows)


@pytest.mark.parametrize(
    "text",
    [
        "English\t英语\nFrench\t法语\nGerman\t德语\n",
        "Wow\t哇\nGo on\t继续\nTom ran.\t汤姆跑了。\nRun!\t快跑！\nHi.\t嗨。\n",
        "Polish\t擦亮\nrub\t擦\n",
        "12\ttwelve\n3\tthree\n4\tfour\n5\tfive\n6\tsix\n",
        "1,2\n3,4\n5,6\n7,8\n9,1\n",
        "Hi, you\nWell, I said.\nNo, he did.\nYes, it is.\nOh, we are.\n",
    ],
    ids=["languages", "short pairs", "one language", "numbers", "only numbers", "texts"],
)
def test_a_first_pair_is_no_header(text: str) -> None:
    assert len(read_pairs(read_delimited(doc(text)), Columns())) == text.count("\n")


def test_words_of_a_dictionary_are_pairs() -> None:
    text = "question\t问题\nsource\t来源\nde\t的\n"
    found = read_pairs(read_delimited(doc(text)), Columns())
    assert found.inputs == ("question", "source", "de")
    with pytest.raises(InputError, match=r"must have a column source, got id, body, lang.*`source_column`"):
        read_pairs(read_delimited(doc("id,body,lang\n1,a,b\n2,c,d\n3,e,f\n4,g,h\n")), Columns())


@pytest.mark.parametrize(
    ("text", "mark", "labels"),
    [
        ("a film, yes;pos\nb film, no;neg\n", ";", ("pos", "neg")),
        ('"a\tb",pos\n"c\td",neg\n', ",", ("pos", "neg")),
        ('"a;b",pos\n"c;d",neg\n', ",", ("pos", "neg")),
        ('pos;"one; two"\nneg;three, four\npos;a, b\n', ";", ("pos", "neg", "pos")),
        ("a, b\tpos\nc, d\tneg\n", "\t", ("pos", "neg")),
        ("a, b|pos\nc, d|neg\n", "|", ("pos", "neg")),
        ('"quoted" text\tpos\nso; "la\tneg\n', "\t", ("pos", "neg")),
        ("text;label\na, b;pos\nc, d;neg\n", ";", ("pos", "neg")),
        ('很好；真的，"是",正\n不好；真的，"否",负\n', ",", ("正", "负")),
    ],
)
def test_the_separator_cuts_all_rows_alike(text: str, mark: str, labels: tuple[str, ...]) -> None:
    assert delimiter(doc(text)) == mark
    assert learn(text).targets == labels


def test_cells_may_be_of_any_length() -> None:
    limit = csv.field_size_limit()
    long = "x" * (limit + 1)
    found = read_labelled(read_delimited(doc(f'text,label\n"{long}",a\nb,c\n')), Columns())
    assert found.inputs[0] == long
    assert csv.field_size_limit() == limit


ROWS = [{"text": "好", "label": "p", "id": 7}, {"label": "n", "text": "b\nc", "id": 8}]


@pytest.mark.parametrize("indent", [None, 2])
def test_a_list_of_objects_is_read_as_lines_of_them_are(indent: int | None) -> None:
    text = json.dumps(ROWS, ensure_ascii=False, indent=indent)
    found = learn(text)
    assert (found.inputs, found.targets) == (("好", "b\nc"), ("p", "n"))
    assert [row.place for row in found.rows] == ["d: entry 1", "d: entry 2"]
    assert [row.name for row in found.rows] == ["7", "8"]
    lines = learn("\n".join(json.dumps(row) for row in ROWS))
    assert (lines.inputs, lines.targets) == (found.inputs, found.targets)


def test_one_object_over_several_lines_is_a_row() -> None:
    assert read_grid(doc('{\n  "text": "a",\n  "label": "p"\n}\n')).rows == (("a", "p"),)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ('["a", "b"]', "d: entry 1: must be a list of JSON objects"),
        ('[{"text": "a", "label": "b"}, 3]', "d: entry 2: must be a list of JSON objects, got 3"),
        ('[{"text": "a"', "d: must be a list of JSON objects, got Expecting"),
        (
            '{\n  "text": "a"\n}\n{\n  "text": "b"\n}\n',
            "d:1: must be one JSON object a line.*on a line of its own",
        ),
        ('["a", "b"]\n["c", "d"]\n', 'd:1: must be one JSON object a line, got \\["a", "b"\\]'),
        ("[]", "d: must hold JSON objects"),
        ("[" * 100_000, "d: must have a column text, got no header"),
    ],
)
def test_other_json_is_refused(text: str, fault: str) -> None:
    with pytest.raises(InputError, match=fault):
        read_grid(doc(text)).find("text", ())


@pytest.mark.parametrize(
    "text",
    ["{name} one cat", "{user} fine\tpos\nb\tneg", "[Applause] Yes.", "{}{}", '{"quoted"} x', "{", "["],
)
def test_a_text_may_begin_with_a_bracket(text: str) -> None:
    assert is_json(doc(text)) is (text == "{")


def test_a_column_that_is_missing_in_the_first_object_is_one() -> None:
    found = learn('{"text": "a", "label": "x"}\n{"text": "b", "label": "y", "id": "r2"}\n')
    assert [row.name for row in found.rows] == ["", "r2"]
    with pytest.raises(InputError, match="d:1: must have a label"):
        learn('{"text": "a"}\n{"text": "b", "label": "y"}\n')


def test_what_is_no_text_is_refused_where_it_is_asked_for(tmp_path: Path) -> None:
    for value, kind in ((["a"], "list"), ({"a": 1}, "dict")):
        lines = doc(
            json.dumps({"text": "a", "label": "x"}) + "\n" + json.dumps({"text": value, "label": "y"})
        )
        with pytest.raises(InputError, match=f'd:2: "text" must be a text or a number, got {kind}'):
            read_labelled(read_grid(lines), Columns())
    pyarrow = pytest.importorskip("pyarrow")
    pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "a"
    for column, kind in (([b"a", b"b"], "bytes"), ([["a"], ["b"]], "list"), ([None, {"a": 1}], "dict")):
        table = pyarrow.table({"text": column, "label": ["x", "y"], "n": [1, 2]})
        pyarrow.parquet.write_table(table, path)
        row = 2 if column[0] is None else 1
        with pytest.raises(InputError, match=f'a: row {row}: "text" must be a text or a number, got {kind}'):
            read_labelled(read_grid(path), Columns())
    table = pyarrow.table({"text": ["a", None, "c"], "label": ["x", "y", "x"], "tokens": [["a"], [], ["c"]]})
    pyarrow.parquet.write_table(table, path)
    found = read_labelled(read_grid(path), Columns())
    assert (found.inputs, found.notes[-1].split(":")[1]) == (("a", "c"), " 1, the first at " + str(path))
    kept = read_labelled(read_grid(path), Columns(labelled=False))
    assert (kept.inputs, kept.targets) == (("a", "", "c"), ("x", "y", "x"))
    assert kept.notes[-1] == f"empty texts, answered as such: 1, the first at {path}: row 2"


def test_minimal_pairs_come_in_a_list_too() -> None:
    pairs = [{"sentence_good": "a b", "sentence_bad": "b a", "UID": "u"}]
    assert holds_minimal_pairs(doc(json.dumps(pairs)))
    assert read_minimal_pairs(doc(json.dumps(pairs, indent=1)))[0].place == "d: entry 1"
    assert not holds_minimal_pairs(doc('{"text": "sentence_good"}\n'))
    assert [place for place, _ in read_objects(doc('{"a": 1}\n\n{"b": 2}'))] == ["d:1", "d:3"]


def test_minimal_pairs_come_in_columns_too() -> None:
    text = 'sentence_good,sentence_bad,UID,dependency_length\n"a, b","b, a",u,3\nc d,d c,u,\n'
    assert holds_minimal_pairs(doc(text))
    first, second = read_minimal_pairs(doc(text))
    assert (first.good, first.bad, first.distance, first.place) == ("a, b", "b, a", 3, "d:2")
    assert (second.good, second.distance) == ("c d", None)
    with pytest.raises(InputError, match='d:2: "sentence_bad" must be a text, got None'):
        read_minimal_pairs(doc("sentence_good\tsentence_bad\tUID\na b\t\tu\n"))


def test_sources_of_pairs_are_named() -> None:
    asked = Columns(labelled=False)
    found = read_pairs(read_delimited(doc("id,source\nr1,go\nr2,\n")), asked)
    assert [(row.input, row.name) for row in found.rows] == [("go", "r1"), ("", "r2")]
    said = 'columns: source "source"', "empty texts, answered as such: 1, the first at d:3"
    assert found.notes == said


def test_words_with_the_tags_of_entities_are_no_examples_with_labels() -> None:
    with pytest.raises(InputError, match=r"words with the tags of entities\. Learn them by `bptt train tag`"):
        detect(doc("Ada\tB-PER\nran\tO\n\nRome\tB-LOC\n"), Columns())
    assert detect(doc("a film\tO\n\nb film\tB\n"), Columns()).form == "columns"


def test_texts_to_be_answered_need_no_label_and_none_is_dropped() -> None:
    asked = Columns(labelled=False, classes=("neg", "pos"))
    found = read_labelled(read_delimited(doc("id,text,label\na,one,pos\nb,,neg\nc,three,\n")), asked)
    assert found.inputs == ("one", "", "three")
    assert not found.has_targets
    assert [row.name for row in found.rows] == ["a", "b", "c"]
    # One row says nothing about which column has fewer cells: the labels that are known do.
    assert read_labelled(read_delimited(doc("pos\tneg film\n")), asked).inputs == ("neg film",)


def test_a_column_of_texts_to_be_answered_is_not_guessed() -> None:
    asked = Columns(labelled=False, classes=("neg", "pos"))
    with pytest.raises(InputError, match=r"which column is the text, got a, c\. Name it \(`input_column`\)"):
        read_labelled(read_grid(doc('{"a": "b", "c": "d"}\n{"a": "e", "c": "f"}\n')), asked)
    with pytest.raises(InputError, match="which column is the text, got 2 columns without a header"):
        read_labelled(read_delimited(doc("a\tb\nc\td\n")), asked)
    found = read_labelled(read_grid(doc('{"a": "b", "c": "pos"}\n')), asked)
    assert (found.inputs, found.targets) == (("b",), ("pos",))


@pytest.mark.parametrize(
    ("text", "form"), [(">s1\nACGT\n", "fasta"), ("1,2,3\n4,5,6\n", "table"), ("@data\n1,2:a\n", "ts")]
)
def test_a_file_of_another_kind_is_not_answered_as_lines(text: str, form: str) -> None:
    asked = Columns(labelled=False)
    with pytest.raises(InputError, match=f"d: must be texts, got {form}, for .*`form` lines"):
        read_asked(doc(text), "columns", asked, Said())
    assert len(read_asked(doc(text), "columns", asked, Said(form="lines"))) == text.count("\n")
    assert len(read_asked(Document("text", text, typed=True), "columns", asked, Said())) == text.count("\n")


@pytest.mark.parametrize(
    "text",
    [
        "sentence_good,sentence_bad\na b,b a\n",
        "UID,sentence_good,sentence_bad\n,a b,b a\n",
        '{"sentence_good": "a b", "sentence_bad": "b a"}\n',
        '{"sentence_good": "a b", "sentence_bad": "b a", "UID": null}\n',
    ],
    ids=["no column", "an empty cell", "no key", "null"],
)
def test_minimal_pairs_need_no_paradigm(text: str) -> None:
    (pair,) = read_minimal_pairs(doc(text))
    assert (pair.good, pair.bad, pair.paradigm) == ("a b", "b a", "all")


def test_a_paradigm_is_a_text() -> None:
    with pytest.raises(InputError, match='d:1: "UID" must be a text, got 3'):
        read_minimal_pairs(Document("d", '{"sentence_good": "a b", "sentence_bad": "b a", "UID": 3}\n'))


def test_the_number_of_a_column_is_no_name_in_the_first_row() -> None:
    rows = "".join(f"{'pn'[n % 2]};{n};x;a b {n}\n" for n in range(1, 9))
    found = learn(rows, Columns("4", "1"))
    assert (len(found), found.inputs[0], found.targets[0]) == (8, "a b 1", "n")
    for labelled in (True, False):
        asked = Columns(learned=("4", "1"), classes=("n", "p"), labelled=labelled)
        answered = read_asked(doc(rows), "columns", asked, Said())
        assert (answered.inputs, answered.targets) == (found.inputs, found.targets)
    named = learn("Stimmung;Nr;Quelle;Satz\n" + rows, Columns("Satz", "Stimmung"))
    assert (len(named), named.inputs, named.targets) == (8, found.inputs, found.targets)


@pytest.mark.parametrize("text", "文本 内容 评论 句子 文本内容 正文".split())
@pytest.mark.parametrize("label", "标签 类别 情感 分类 目标".split())
def test_chinese_names_of_texts_and_labels_are_those_of_columns(text: str, label: str) -> None:
    # Of two rows no other rule can tell that the first is a header; in JSON the order says nothing.
    found = learn(f"{label}\t{text}\n正\t很好\n负\t不好\n")
    assert (found.inputs, found.targets) == (("很好", "不好"), ("正", "负"))
    objects = learn(
        json.dumps([{label: "正", text: "很好"}, {label: "负", text: "不好"}], ensure_ascii=False)
    )
    assert (objects.inputs, objects.targets) == (("很好", "不好"), ("正", "负"))


@pytest.mark.parametrize(
    ("source", "target"),
    [("原文", "译文"), ("源", "目标"), ("源文", "目标文"), ("英文", "中文"), ("英文句子", "中文译文")],
)
def test_chinese_names_of_pairs_are_those_of_columns(source: str, target: str) -> None:
    found = read_pairs(read_grid(doc(f"{source}\t{target}\nhi\t你好\nrun\t跑\n")), Columns())
    assert (found.inputs, found.targets) == (("hi", "run"), ("你好", "跑"))
    rows = json.dumps([{target: "你好", source: "hi"}, {target: "跑", source: "run"}], ensure_ascii=False)
    if (source, target) != ("英文", "中文") and "句子" not in source:
        # Of two languages the order of the columns says which one is translated.
        assert read_pairs(read_grid(doc(rows)), Columns()).inputs == ("hi", "run")


def test_chinese_names_of_tables_and_series_are_those_of_columns() -> None:
    table = "类别,长,宽\nb,1,2\na,3,4\n"
    assert detect(doc(table), Columns()).form == "table"
    assert read_examples(doc(table), "table", Columns()).targets == ("b", "a")
    series = "编号,时间,值,标签\n1,0,5,a\n1,1,6,a\n2,0,7,b\n2,1,8,b\n"
    assert detect(doc(series), Columns()).form == "long"
    found = read_examples(doc(series), "long", Columns())
    assert found.targets == ("a", "b")
