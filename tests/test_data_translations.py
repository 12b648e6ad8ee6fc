"""What is translated, of every kind: pairs, lines beside lines, and numbers with a line each."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bptt.data.readers.document import Document
from bptt.data.readers.grid import Columns
from bptt.data.readers.translations import (
    detect_translated,
    kind_of,
    read_translations,
    read_untranslated,
)
from bptt.errors import InputError

SERIES = "@dimensions 2\n@classLabel true\n@data\n1,2,3:4,5,6:three 三\n1:0:one\n"


def doc(text: str) -> Document:
    return Document("d", text)


@pytest.mark.parametrize(
    ("text", "form"),
    [
        ("Hi.\t嗨。\nRun!\t快跑！\n", "text"),
        ("Hi there, you.\nRun!\n", "text"),
        ('{"source": "Hi.", "target": "嗨。"}\n', "text"),
        ("source\ttarget\nHi.\t嗨。\n", "text"),
        (SERIES, "ts"),
        ("x,y,target\n1,2,a b\n3,4,c\n", "table"),
        (">one\nACGT\n", "fasta"),
    ],
)
def test_the_form_is_told_from_the_file(text: str, form: str) -> None:
    assert detect_translated(doc(text), Columns()).form == form


@pytest.mark.parametrize(
    ("form", "kind"),
    [("text", "text"), ("class", "class"), ("ts", "series"), ("table", "table"), ("uci", "dna")],
)
def test_the_kind_of_a_form(form: str, kind: str) -> None:
    assert kind_of(form) == kind


@pytest.mark.parametrize("form", ["text", "class"])
def test_pairs_and_parallel_lines_are_the_same(form: str) -> None:
    pairs = read_translations(doc("a b\t一\nc\t二 三\n"), None, form, Columns())
    lines = read_translations(doc("a b\nc\n"), doc("一\n二 三\n"), form, Columns())
    assert pairs.inputs == lines.inputs == ("a b", "c")
    assert pairs.targets == lines.targets == ("一", "二 三")


def test_numbers_have_their_text_as_a_label_or_as_a_line() -> None:
    labelled = read_translations(doc(SERIES), None, "ts", Columns())
    assert labelled.targets == ("three 三", "one")
    assert labelled.columns == ("1", "2")
    np.testing.assert_array_equal(labelled.inputs[0], [[1, 4], [2, 5], [3, 6]])
    lines = read_translations(doc(SERIES), doc("drei\n eins \n"), "ts", Columns())
    assert lines.targets == ("drei", "eins")
    assert lines.inputs[1] is not None


def test_faults_have_their_place() -> None:
    with pytest.raises(InputError, match="must have a line for each of the 2 examples of the source, got 1"):
        read_translations(doc(SERIES), doc("drei\n"), "ts", Columns())
    broken = '{"source": "a", "target": "b"}\n{"source": "a", "target": "b\\nc"}\n'
    with pytest.raises(InputError, match=r"d:2: what is wanted is one line, got 'b\\nc'"):
        read_translations(doc(broken), None, "text", Columns())
    with pytest.raises(InputError, match=r"d: must have as many lines as d"):
        read_translations(doc("a\nb\n"), doc("c\n"), "text", Columns())
    with pytest.raises(InputError, match="an example to learn from has a label"):
        read_translations(doc("@dimensions 1\n@data\n1,2\n"), None, "ts", Columns())


@pytest.mark.parametrize(
    ("text", "inputs"),
    [
        ("a b\n\nc\n", ("a b", "", "c")),
        ("a b\t一\nc\t二\n", ("a b", "c")),
        ("source\ttarget\na b\t一\n", ("a b",)),
        ('{"source": "a b", "target": "一"}\n', ("a b",)),
        ("a\tb\nno tab\n", ("a\tb", "no tab")),
        ("source\na, b\nc\n", ("a, b", "c")),
        ('source\n"a, b"\nc\n', ("a, b", "c")),
        ("sources say\na, b\n", ("sources say", "a, b")),
        ("id,source\n1,a b\n", ("a b",)),
    ],
)
def test_what_is_to_be_translated_is_lines_or_the_sources_of_pairs(text: str, inputs: tuple[str]) -> None:
    assert read_untranslated(doc(text), "text", Columns()).inputs == inputs


def test_numbers_to_be_translated_need_no_text(tmp_path: Path) -> None:
    np.savez(tmp_path / "x.npz", X=np.zeros((2, 3, 4), np.float32))
    found = read_untranslated(tmp_path / "x.npz", "npz", Columns())
    assert (len(found), found.columns, found.has_targets) == (2, ("1", "2", "3", "4"), False)
