"""What form a file has: told from its content, and read by the reader of that form."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bptt.data.readers.detect import Detected, detect
from bptt.data.readers.document import Document
from bptt.data.readers.forms import FORMS, read_examples
from bptt.data.readers.grid import Columns
from bptt.errors import InputError

UCI = "EI,  ATRINS-1,   CCAGCTGCATCACAGGAGGC\n\nN, B, ACGTNNNNNNNN\n"

TEXTS = {
    "text\tlabel\n好，的\tpos\n": "columns",
    "id,label,body\n1,a,x y\n": "columns",
    '"Text","label"\n"a, b","x"\n': "columns",
    "好\tpos\n坏\tneg\n": "columns",
    "very good,pos\nbad,neg\n": "columns",
    '{"text": "a", "label": "x"}\n': "columns",
    "__label__a text\n": "fasttext",
    "Only text, with commas.\nNone here.\n": "lines",
    "床前明月光\n": "lines",
    ">s1 pos\nACGT\n": "fasta",
    "@s1\nACGT\n+\n!!!!\n": "fastq",
    "@home, everywhere\nACGT\n": "lines",
    UCI: "uci",
    "# about\n@classLabel true a\n@data\n1,2:a\n": "ts",
    "1\t0.5\t2\tNaN\n-1\t1\t3\t4\n": "ucr",
    "id,t,x,label\na,1,2,p\n": "long",
    "case\ttime\tx\na\t1\t2\n": "long",
    '{"id": "a", "t": 1, "x": 2}\n': "long",
    "5.1,3.5,setosa\n4.9,3.0,setosa\n": "table",
    "a,b,kind\n5.1,3.5,setosa\n": "table",
    "target\ta\tb\n0\t1\t2\n": "table",
    "id,a,label\n1,2,x\n": "table",
    "time,a,label\n1,2,x\n": "table",
    '{"a": 1, "b": 2, "kind": "x"}\n': "table",
}


@pytest.mark.parametrize(("text", "form"), TEXTS.items())
def test_the_form_of_a_text(text: str, form: str) -> None:
    document = Document("d", text)
    found = detect(document, Columns())
    assert found.form == form, found.reason
    if form != "columns" or "body" not in text:
        assert len(read_examples(document, form, Columns())) >= 1


@pytest.mark.parametrize("text", ["I like it, really\n", "a, b\nc, d\n", '"Hello," he said.\n'])
def test_without_labels_commas_are_those_of_a_text(text: str) -> None:
    assert detect(Document("d", text), Columns(), labelled=False).form == "lines"
    assert detect(Document("d", "text,n\na,b\n"), Columns(), labelled=False).form == "columns"


def test_what_the_user_names_is_a_column() -> None:
    text = Document("d", "review_body,stars\nfine,3\n")
    assert detect(text, Columns("review_body", "stars")).form == "columns"
    numbers = Document("d", "code,y\n12,3\n")
    assert detect(numbers, Columns()).form == "table"
    assert detect(numbers, Columns("code")).form == "columns"


def test_folders_and_binary_files(tmp_path: Path) -> None:
    np.savez(tmp_path / "a", X=np.zeros((2, 3, 1)))
    assert detect(tmp_path / "a.npz", Columns()).form == "npz"
    (tmp_path / "files").mkdir()
    (tmp_path / "files" / "x.txt").write_text("a\n", encoding="utf-8")
    assert detect(tmp_path / "files", Columns()).form == "class-files"
    (tmp_path / "folders" / "x").mkdir(parents=True)
    (tmp_path / "folders" / "README").write_text("a\n", encoding="utf-8")
    assert detect(tmp_path / "folders", Columns()).form == "class-folders"
    with pytest.raises(InputError, match="must be a file"):
        detect(tmp_path / "absent", Columns())
    with pytest.raises(InputError, match="typed: must be a file or a folder, got a text"):
        read_examples(Document("typed", "x"), "npz", Columns())


def test_parquet_is_told_by_its_columns(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    pytest.importorskip("pyarrow.parquet")
    for columns, form in [
        ({"text": ["a"], "label": ["x"]}, "columns"),
        ({"id": ["a"], "t": [1], "x": [0.5]}, "long"),
        ({"a": [1.0], "label": ["x"]}, "table"),
    ]:
        pyarrow.parquet.write_table(pyarrow.table(columns), tmp_path / "a")
        assert detect(tmp_path / "a", Columns()).form == form
        assert len(read_examples(tmp_path / "a", form, Columns())) == 1


def test_a_form_can_be_forced_and_has_a_kind() -> None:
    numbers = Document("d", "1\t2\t3\n4\t5\t6\n")
    assert detect(numbers, Columns()) == Detected("ucr", "its lines are a label and numbers, between tabs")
    assert read_examples(numbers, "table", Columns()).targets == ("3", "6")
    kinds = {"text", "dna", "series", "table", "sound", "clips", "skeleton"}
    assert {Detected(form, "").kind for form in FORMS} == kinds
    with pytest.raises(InputError, match=r"input: is one of lines, columns, .*got 'xml'"):
        read_examples(numbers, "xml", Columns())
