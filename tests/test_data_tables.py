"""Columns of a table that are no numbers to learn from, and numbers that are spelt otherwise."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from conftest import Command

from bptt.data.examples import Array, Examples
from bptt.data.readers.asked import Said, read_asked
from bptt.data.readers.detect import detect
from bptt.data.readers.document import Document
from bptt.data.readers.forms import read_examples
from bptt.data.readers.grid import Columns
from bptt.errors import InputError

ROWS = [(f"{n % 7}.5", f"{n % 5}.25", "ab"[n >= 6]) for n in range(12)]
IDS = [str(n) for n in range(1, 13)]


def spell(names: tuple[str, ...], columns: list[tuple[str, ...]], mark: str = ",") -> Document:
    rows = [*([names] if names else []), *columns]
    return Document("d", "".join(mark.join(row) + "\n" for row in rows))


def learn(document: Document) -> Examples[Array, str]:
    """As `bptt train classify` reads a table."""
    assert detect(document, Columns()).form == "table"
    found = read_examples(document, "table", Columns())
    assert all(isinstance(each, np.ndarray) for each in found.inputs)
    return found  # type: ignore[return-value]


def model_of(found: Examples[Array, str], labelled: bool = False) -> Columns:
    return Columns(features=found.columns, learned=found.found, classes=("a", "b"), labelled=labelled)


def answer(document: Document, found: Examples[Array, str], labelled: bool = False) -> Examples[Array, str]:
    """As `bptt predict` reads a table for a model that learned from what was found."""
    asked = read_asked(document, "table", model_of(found, labelled), Said())
    return asked  # type: ignore[return-value]


def inputs(found: Examples[Array, str]) -> list[list[float]]:
    return [row.tolist() for row in found.inputs]


WANTED = [[float(x), float(y)] for x, y, _ in ROWS]


@pytest.mark.parametrize(
    "name",
    [
        "Id",
        "index",
        "",
        "Unnamed: 0",
        "Nr",
        "No.",
        "PassengerId",
        "patient_id",
        "Sample ID",
        "RowNumber",
        "编号",
    ],
)
@pytest.mark.parametrize("place", [0, 2, 3], ids=["first", "before the label", "last"])
def test_a_column_that_names_the_rows_is_no_feature(name: str, place: int) -> None:
    def with_ids(ids: list[str]) -> Document:
        table = [("x", "y2", "kind"), *ROWS]
        wide = [(*row[:place], cell, *row[place:]) for cell, row in zip([name, *ids], table, strict=True)]
        return spell((), wide)

    found = learn(with_ids(IDS))
    assert (found.columns, inputs(found), found.targets) == (("x", "y2"), WANTED, tuple(r[2] for r in ROWS))
    said = f'"{name}"' if name else str(place + 1)
    assert found.notes == (f"column {said} names the rows: it is no feature (another name makes it one)",)
    assert [row.name for row in found.rows] == IDS
    named = answer(with_ids(IDS[::-1]), found)
    assert (inputs(named), [row.name for row in named.rows]) == (WANTED, IDS[::-1])
    bare = answer(spell(("x", "y2"), [row[:2] for row in ROWS]), found)
    assert (inputs(bare), bare.has_targets, bare.rows[0].name) == (WANTED, False, "")


@pytest.mark.parametrize("start", [0, 1])
@pytest.mark.parametrize("leads", [False, True], ids=["label last", "label behind the number"])
def test_a_first_column_that_counts_the_rows_is_no_feature(start: int, leads: bool) -> None:
    kept = [(label, x, y) if leads else (x, y, label) for x, y, label in ROWS]
    wide = [(str(start + n), *row) for n, row in enumerate(kept)]
    found = learn(spell((), wide))
    assert (inputs(found), found.targets) == (WANTED, tuple(row[2] for row in ROWS))
    assert found.notes[0] == "column 1 names the rows: it is no feature (a header makes it one)"
    again = answer(spell((), wide), found)
    assert (inputs(again), again.rows[3].name) == (WANTED, str(start + 3))
    for some, name in ((slice(None), ""), (slice(2, 3), "")):
        nameless = answer(spell((), kept[some]), found)
        assert (inputs(nameless), nameless.rows[0].name) == (WANTED[some], name)
    unlabelled = answer(spell((), [(n, *row[:2]) for n, row in zip(IDS, ROWS, strict=True)]), found)
    assert (inputs(unlabelled), unlabelled.has_targets, unlabelled.rows[1].name) == (WANTED, False, "2")
    bare = answer(spell((), [row[:2] for row in ROWS]), found)
    assert (inputs(bare), bare.has_targets) == (WANTED, False)


def test_a_row_that_may_lack_its_number_or_its_label_is_asked_about() -> None:
    rows = [(str(n), x, y, str(n // 6)) for n, (x, y, _) in enumerate(ROWS, 1)]
    found = learn(spell((), rows))
    model = Columns(features=found.columns, learned=found.found, classes=("0", "1", "2"), labelled=False)
    for text in ("1,0.5,1\n", "1.5,0.5,7\n"):
        with pytest.raises(InputError, match=r"d:1: must have 2 columns of numbers, or also .*got 3 columns"):
            read_examples(Document("d", text), "table", model)


@pytest.mark.parametrize(
    ("names", "columns", "features"),
    [
        (("id", "x", "kind"), [("1", "0.5", "a"), ("1", "2", "b")], ("id", "x")),
        (("id", "x", "kind"), [("1.5", "0.5", "a"), ("2", "2", "b")], ("id", "x")),
        (("age", "x", "kind"), [("1", "0.5", "a"), ("2", "2", "b")], ("age", "x")),
        (("humid", "x", "kind"), [("1", "0.5", "a"), ("2", "2", "b")], ("humid", "x")),
        (("ACID", "x", "kind"), [("1", "0.5", "a"), ("2", "2", "b")], ("ACID", "x")),
        (("id", "kind"), [("1", "a"), ("2", "b")], ("id",)),
        ((), [("2", "0.5", "a"), ("1", "2", "b"), ("3", "1", "a"), ("4", "1", "b")], ("1", "2")),
        ((), [("1", "0.5", "a"), ("2", "2", "b"), ("3", "1", "a")], ("1", "2")),
    ],
    ids="repeats fractions age humid ACID alone unordered few".split(),
)
def test_a_column_of_numbers_is_a_feature(names, columns, features: tuple[str, ...]) -> None:
    found = learn(spell(names, columns))
    assert (found.columns, found.notes) == (features, ())


def test_names_that_are_words_name_the_rows_too() -> None:
    words = [(f"r{n}", *row) for n, row in enumerate(ROWS)]
    found = learn(spell(("id", "x", "y2", "class"), words))
    assert (found.columns, found.rows[2].name, inputs(found)) == (("x", "y2"), "r2", WANTED)


def test_a_model_of_an_id_column_reads_it_as_before() -> None:
    old = Columns(features=("Id", "x"), labelled=False)
    found = read_examples(Document("d", "Id,x,kind\n1,0.5,a\n2,3,b\n"), "table", old)
    assert [list(row.input) for row in found.rows] == [[1, 0.5], [2, 3]]
    assert (found.targets, found.rows[0].name) == (("a", "b"), "")


@pytest.mark.parametrize("form", ["table", "long"])
def test_a_number_under_a_usual_name_is_no_label_of_a_model_that_learned_it(form: str) -> None:
    model = Columns(features=("x", "y"), learned=("", "label"), labelled=False)
    found = read_examples(Document("d", "id,time,x,y\n1,0,1,2\n1,1,2,5\n"), form, model)
    assert not found.has_targets
    for labels, wanted in (("", False), ("a", True)):
        text = f"id,time,x,y,label\n1,0,1,2,{labels}\n1,1,2,5,{labels}\n"
        assert read_examples(Document("d", text), form, model).has_targets is wanted
    with pytest.raises(InputError, match="d:2: must have a label, got an empty cell"):
        read_examples(Document("d", "id,time,x,y,label\n1,0,1,2,\n"), form, Columns(features=("x", "y")))


@pytest.mark.parametrize(
    ("cell", "cure"),
    [
        ("1,5", "Write a point for the decimal comma: 1.5 for 1,5"),
        ("-0,25", "Write a point for the decimal comma"),
        ("1,100", "A comma is no part of a number: write 1100, or 1.1, for 1,100"),
        ("1,100.5", "Leave out the thousands separators"),
        ("1.100,5", "Write 1100.5 for 1.100,5"),
        ("1 100", "Leave out what separates thousands"),
        ("12 %", "Leave out the percent sign"),
        ("True", "Write 1 for true and 0 for false"),
        ("false", "Write 1 for true and 0 for false"),
    ],
)
@pytest.mark.parametrize("names", [("Länge", "Breite", "Klasse"), ()], ids=["header", "no header"])
def test_a_number_that_is_spelt_otherwise_is_refused_with_its_cure(cell: str, cure: str, names) -> None:
    document = spell(names, [(cell, "2", "a"), (cell, "3", "b")] * 4, ";")
    with pytest.raises(InputError) as fault:
        learn(document)
    column = names[0] if names else "1"
    assert str(fault.value).startswith(
        f"d:{1 + bool(names)}: column {column} must be a number, got {cell!r}. {cure}"
    )


def test_truth_values_may_be_labels() -> None:
    rows = [(x, y, str(n % 2 > 0)) for n, (x, y, _) in enumerate(ROWS)]
    assert set(learn(spell(("a", "b", "rain"), rows)).targets) == {"True", "False"}
    assert set(learn(spell((), rows)).targets) == {"True", "False"}


def test_the_columns_are_said_and_the_rows_named(tmp_path: Path, command: Command) -> None:
    rows = [(f"{n}", *row) for n, row in enumerate(ROWS, 1)]
    (tmp_path / "t.csv").write_text(spell(("Id", "x", "y2", "Species"), rows).text, encoding="utf-8")
    (tmp_path / "new.csv").write_text("x,y2,Id\n0.5,2.25,77\n", encoding="utf-8")
    small = "--epochs", 1, "--feed-forward", 4, "--hidden", 4, "--layers", 1
    ended = command("train", "classify", tmp_path / "t.csv", "-o", tmp_path / "run", *small)
    assert ended.code == 0, ended.err
    assert "columns: numbers x, y2; label Species" in ended.err
    assert 'column "Id" names the rows: it is no feature' in ended.err
    out = command("predict", tmp_path / "run", tmp_path / "new.csv").out
    assert [line.split("\t")[2] for line in out.splitlines()] == ["77"]
    out = command("predict", tmp_path / "run", "x,y2\n0.5,2.25").out
    assert len(out.splitlines()) == 1
    assert command("evaluate", tmp_path / "run", tmp_path / "t.csv").code == 0
