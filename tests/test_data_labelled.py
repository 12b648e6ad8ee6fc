"""Texts with labels, in every form that they come in, and the errors that name their faults."""

from __future__ import annotations

import gzip
from dataclasses import replace
from pathlib import Path

import pytest

from bptt.data.examples import Examples
from bptt.data.readers.asked import Said, read_asked
from bptt.data.readers.delimited import read_delimited
from bptt.data.readers.document import Document, read_document
from bptt.data.readers.folders import holds_class_folders, read_class_files, read_class_folders
from bptt.data.readers.forms import read_examples
from bptt.data.readers.grid import Columns
from bptt.data.readers.labelled import read_fasttext, read_labelled, read_lines
from bptt.data.readers.objects import read_json
from bptt.errors import InputError


def read(text: str, **named: str) -> Examples[str, str]:
    return read_labelled(read_delimited(Document("d", text)), Columns(**named))


def pairs(found: Examples[str, str]) -> list[tuple[str, str]]:
    return list(zip(found.inputs, found.targets, strict=True))


WANTED = [("很好，真的", "pos"), ("so, so", "neg")]


@pytest.mark.parametrize(
    "text",
    [
        "text\tlabel\n很好，真的\tpos\nso, so\tneg\n",
        'Label , Sentence\n pos,很好，真的\nneg,"so, so"\n',
        "id\tcategory\tcontent\n7\tpos\t很好，真的\n\n8\tneg\tso, so\n",
        "body;class\n很好，真的;pos\nso, so;neg\n",
    ],
    ids=["tsv", "csv", "third column and blank line", "the only other column"],
)
def test_a_header_names_the_columns(text: str) -> None:
    assert pairs(read(text)) == WANTED


def test_columns_are_named_by_the_user() -> None:
    text = "a\tb\tc\n1\t2\t3\n"
    assert pairs(read(text, input="C", target="a")) == [("3", "1")]
    assert not read("a\tb\n1\t2\n", input="a").has_targets
    with pytest.raises(InputError, match=r"d: must have a column e, got no header"):
        read(text, input="e")
    with pytest.raises(InputError, match=r"d: must have a column e, got a, b, c"):
        read(text, input="a", target="e")


def test_without_a_header_the_label_is_the_column_of_fewer_cells() -> None:
    found = read("pos\tone\nneg\ttwo\n pos\tthree\n")
    assert pairs(found) == [("one", "pos"), ("two", "neg"), ("three", "pos")]
    assert found.notes == ("no header: column 1 is the label (2 different cells against 3)",)
    assert pairs(read("one\tpos\ntwo\tneg\n")) == [("one", "pos"), ("two", "neg")]


def test_places_are_lines_also_behind_quoted_line_ends_and_blank_lines() -> None:
    found = read('text,label\n"two\nlines ""quoted""",a\n\nthird,b\n')
    assert found.inputs[0] == 'two\nlines "quoted"'
    assert [row.place for row in found.rows] == ["d:2", "d:5"]


def test_between_tabs_a_quote_is_a_character() -> None:
    assert read('text\tlabel\n"so\tb\n').inputs == ('"so',)


def test_characters_that_end_lines_elsewhere_are_kept() -> None:
    assert read("text,label\na\u2028b\x85c,x\n").inputs == ("a\u2028b\x85c",)


def test_examples_without_text_are_left_out_and_counted() -> None:
    found = read("text\tlabel\n \tx\nb\ty\n\tx\n")
    assert found.inputs == ("b",)
    assert found.notes[1:] == ("examples left out, as they hold no text: 2, the first at d:2",)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("text\tlabel\na\tb\nbroken\n", "d:3: must have 2 columns as the first row, got 1"),
        ("text\tlabel\na\t \n", "d:2: must have a label"),
        ('text,label\nx,a\n"a"b,c\n', r"d:3: must be CSV.*Double the quotes"),
        ('text,label\na,b\n"open,c\n', "d:3: must be CSV"),
        ("a\tb\tc\nd\te\tf\n", "d:1: a file without a header has two columns, got 3"),
        ("label\ta\tb\nx\ty\tz\n", "d: must say which column is the text, got label, a, b"),
        ("text\tlabel\tLabel\na\tb\tc\n", "d: each column has a name of its own, got label"),
        ("text\tlabel\n", "d: must hold rows"),
        (";\n", "d: must hold rows"),
        ("text\tlabel\n\tx\n", "d: must hold at least one example that is not empty"),
    ],
)
def test_a_fault_is_named_with_its_line(text: str, fault: str) -> None:
    with pytest.raises(InputError, match=fault):
        read(text)


def test_json_lines() -> None:
    text = '{"meta": [1], "text": "好\\n", "label": true}\n\n{"label": 3, "text": "b", "more": {}}\n'
    found = read_labelled(read_json(Document("d", text)), Columns())
    assert pairs(found) == [("好\n", "true"), ("b", "3")]
    assert [row.place for row in found.rows] == ["d:1", "d:3"]


@pytest.mark.parametrize(
    ("line", "fault"),
    [
        ('{"text": "a"', "d:2: must be one JSON object a line"),
        ("[1]", "d:2: must be one JSON object a line, got \\[1\\]"),
        ('{"text": ["a"], "label": "x"}', 'd:2: "text" must be a text or a number, got list'),
        ('{"text": "a", "label": null}', "d:2: must have a label"),
        ('{"text": "a"}', "d:2: must have a label"),
    ],
)
def test_a_fault_in_json_lines_is_named(line: str, fault: str) -> None:
    with pytest.raises(InputError, match=fault):
        read_labelled(read_json(Document("d", f'{{"text": "a", "label": "x"}}\n{line}\n')), Columns())


def test_fasttext() -> None:
    found = read_fasttext(Document("d", "__label__pos  很好\n\n__label__neg\n__label__neg so __label__\n"))
    assert pairs(found) == [("很好", "pos"), ("so __label__", "neg")]
    assert "d:3" in found.notes[0]
    for line in ("no label", "__label__a __label__b text"):
        with pytest.raises(InputError, match="d:2: must begin with one __label__CLASS"):
            read_fasttext(Document("d", f"__label__a b\n{line}\n"))


def test_lines_keep_their_number() -> None:
    found = read_lines(Document("d", "a\n\nb, c\n"))
    assert found.inputs == ("a", "", "b, c")
    assert not found.has_targets


def write(path: Path, text: str) -> None:
    path.parent.mkdir(exist_ok=True)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())


def test_one_file_for_each_class(tmp_path: Path) -> None:
    write(tmp_path / "Greek.txt", "Νίκος\n\nAnna\r\n")
    write(tmp_path / "e.coli.txt.gz", "x\n")
    for note in ("README.md", "LICENSE", "SOURCE.txt", ".DS_Store"):
        write(tmp_path / note, "not a name\n")
    found = read_class_files(tmp_path)
    assert pairs(found) == [("Νίκος", "Greek"), ("Anna", "Greek"), ("x", "e.coli")]
    assert found.rows[1].place == f"{tmp_path / 'Greek.txt'}:3"
    assert found.notes == ("left out: LICENSE, README.md, SOURCE.txt",)
    (tmp_path / ".git").mkdir()
    assert not holds_class_folders(tmp_path)
    write(tmp_path / "Greek.csv", "b\n")
    with pytest.raises(InputError, match="must hold one file for each class"):
        read_class_files(tmp_path)


def test_one_folder_for_each_class(tmp_path: Path) -> None:
    write(tmp_path / "pos" / "1.txt", "好\nvery\n")
    write(tmp_path / "neg" / "2.txt", "bad")
    write(tmp_path / "neg" / "empty.txt", " \n")
    write(tmp_path / "README", "about")
    found = read_class_folders(tmp_path)
    assert pairs(found) == [("bad", "neg"), ("好\nvery", "pos")]
    assert found.rows[0].place == str(tmp_path / "neg" / "2.txt")
    assert "empty.txt" in found.notes[0]


def test_a_document_is_a_files_text_by_the_rules_of_all_texts(tmp_path: Path) -> None:
    write(tmp_path / "a.txt.gz", "\ufeff一\r\n二\n")
    document = read_document(tmp_path / "a.txt.gz")
    assert document.lines == ["一", "二"]
    assert [place for place, _ in document.numbered()] == [f"{tmp_path / 'a.txt.gz'}:{n}" for n in (1, 2)]


@pytest.mark.parametrize(
    ("form", "text", "cure"),
    [
        (
            "columns",
            "text,airline_sentiment\na b,sad\nc d,fun\n",
            r"`target_column`\), of text, airline_sentiment",
        ),
        ("columns", "id,headline\n1,a b\n2,c d\n", r"`target_column`\), of id, headline"),
        ("columns", '{"text": "a"}\n{"text": "b"}\n', r"`target_column`\), of text"),
        ("lines", "a b\nc d\n", "a tab and its label"),
        ("fasta", ">s1\nACGT\n>s2\nACGA\n", "label=LABEL behind each name"),
    ],
)
def test_where_labels_are_looked_for_is_said(form: str, text: str, cure: str) -> None:
    found = read_examples(Document("d", text), form, Columns())
    with pytest.raises(InputError, match=f"an example to learn from has a label, got none.*{cure}"):
        found.targets  # noqa: B018


WIDE = "7;x;a b;pos\n9;y;c d;neg\n11;z;e f;pos\n"


def test_numbers_of_columns_are_remembered() -> None:
    learned = Columns(learned=("3", "4"), classes=("neg", "pos"))
    for columns in (Columns("3", "4"), learned, replace(learned, labelled=False)):
        found = read_labelled(read_delimited(Document("d", WIDE)), columns)
        assert (found.inputs, found.targets) == (("a b", "c d", "e f"), ("pos", "neg", "pos"))
    asked = read_asked(Document("d.csv", WIDE), "columns", replace(learned, labelled=False), Said())
    assert asked.inputs == ("a b", "c d", "e f")
    # A file of fewer columns is another one.
    two = read_labelled(read_delimited(Document("d", "a b;pos\nc d;neg\n")), learned)
    assert two.inputs == ("a b", "c d")
    # Under a header, the numbers say nothing.
    named = read_labelled(read_delimited(Document("d", "text;n;m;label\n" + "a;1;2;pos\n")), learned)
    assert named.inputs == ("a",)


def test_the_column_that_is_missing_is_named() -> None:
    grid = read_delimited(Document("d", WIDE))
    with pytest.raises(InputError, match=r"two columns, got 4\. .*`input_column` 1 `target_column` 2"):
        read_labelled(grid, Columns())
    with pytest.raises(InputError, match=r"is the label, got 4 columns .*number \(`target_column` 4\)"):
        read_labelled(grid, Columns("3"))
    with pytest.raises(InputError, match=r"is the text, got 4 columns .*number \(`input_column` 4\)"):
        read_labelled(grid, Columns(target="4"))
    # To be answered, texts need no label.
    assert read_labelled(grid, Columns("3", labelled=False)).inputs == ("a b", "c d", "e f")


def test_the_name_of_a_record_is_no_text() -> None:
    found = read_labelled(
        read_delimited(Document("d", "id,headline\n1,a b\n2,c d\n")), Columns(labelled=False)
    )
    assert [(row.input, row.name) for row in found.rows] == [("a b", "1"), ("c d", "2")]
