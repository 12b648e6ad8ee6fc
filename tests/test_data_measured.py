"""Numbers as targets, read from every form that holds examples; what is wrong is named by its place."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bptt.data.readers.document import Document
from bptt.data.readers.forms import Source
from bptt.data.readers.grid import Columns
from bptt.data.readers.measured import Measured, read_measured
from bptt.errors import InputError

LONG = "id,t,x,y\na,2,3,6\na,1,2,4\nb,1,5,10\n"


def read(form: str, text: str, *targets: str, **known: object) -> Measured:
    return read_measured(Document("d.csv", text), form, Columns(**known), targets)  # type: ignore[arg-type]


def values(found: Measured) -> list[object]:
    return [target.tolist() for target in found.targets]


@pytest.mark.parametrize(
    ("form", "text", "wanted"),
    [
        ("columns", "text,score\nfein 片,1.5\ngrob,-2\n", [[1.5], [-2]]),
        ("columns", "what,much\nfein 片,1.5\ngrob,-2\nso,3\nla,4\n", [[1.5], [-2], [3], [4]]),
        ("columns", "fein 片\t1.5\ngrob\t-2\n", [[1.5], [-2]]),
        ("columns", '{"text": "fein", "price": 16777217}\n{"text": "grob", "price": 2}\n', [[16777217], [2]]),
        ("table", "a,b,y\n1,2,3\n4,5,6.25\n", [[3], [6.25]]),
        ("table", "1,2,3\n4,5,6.25\n", [[3], [6.25]]),
        ("table", "y,a,b\n3,1,2\n6.25,4,5\n", [[3], [6.25]]),
        ("fasta", ">a label=0.5\nACGT\n>b label=1e3\nAC\n", [[0.5], [1000]]),
        ("fasttext", "__label__2.5 fein\n__label__3 grob\n", [[2.5], [3]]),
        ("ucr", "1.2345678901e+02\t1\t2\n2.0000000e+00\t3\t4\n", [[123.45678901], [2]]),
        ("ts", "@targetLabel true\n@data\n1,2,3:4.5\n1,2:-3\n", [[4.5], [-3]]),
    ],
)
def test_one_number_for_each_example(form: str, text: str, wanted: list[object]) -> None:
    assert values(read(form, text)) == wanted


def test_several_columns_are_the_targets() -> None:
    found = read("table", "a,high,b,low\n1,2,3,4\n5,6,7,8\n", "low", "high")
    assert values(found) == [[4, 2], [8, 6]]
    assert (found.columns, found.found) == (("a", "b"), ("", "low", "high"))
    texts = read("columns", "text,joy,fear\nhm,1,2\nha,3,4\n", "joy", "fear")
    assert (texts.inputs, values(texts), texts.found) == (
        ("hm", "ha"),
        [[1, 2], [3, 4]],
        ("text", "joy", "fear"),
    )


def test_a_long_table_has_targets_at_each_step_where_they_change() -> None:
    found = read("long", LONG)
    assert values(found) == [[[4], [6]], [[10]]]
    assert [row.tolist() for row in found.inputs] == [[[2], [3]], [[5]]]
    one = read("long", LONG.replace("2,3,6", "2,3,4"))
    assert values(one) == [[4], [10]]


def test_steps_without_a_target_are_kept_and_counted() -> None:
    found = read("long", LONG.replace("2,3,6", "2,3,"), "y")
    again = read_measured(
        Document("d", LONG.replace("2,3,6", "2,3,")), "long", Columns(), ("y",), every_step=True
    )
    assert values(found) == [[4], [10]]
    assert np.isnan(again.targets[0][1, 0])
    assert "steps without a target, not learned from: 1" in again.notes


@pytest.mark.parametrize(
    ("form", "text", "targets", "words"),
    [
        ("table", "a,y\n1,2\n3,\n", (), "d.csv:3: must have a number as its target y"),
        ("table", "a,y\n1,2\n3,nan\n", (), "d.csv:3: must have a number as its target y"),
        ("table", "a,y\n1,2\n3,inf\n", (), "d.csv:3: must be a finite number"),
        ("table", "a,y\n1,2\n3,much\n", (), "d.csv:3: the target y must be a number, got 'much'"),
        ("table", "a,y\n1,2\n3,'1,5'\n".replace("'", '"'), (), "Write a point for the decimal comma"),
        ("table", "a,y\n1,2\n3,4\n", ("z",), "must have a column z"),
        ("table", "a,y\n1,2\n3,4\n", ("y", "y"), "each target is named once"),
        ("table", "y\n1\n2\n", (), "beside the target"),
        ("columns", "text,mood\nhm,gut\nha,schlecht\n", (), "must show which column is the target"),
        ("columns", "text,label\nhm,gut\nha,schlecht\n", (), "d.csv:2: the target label must be a number"),
        ("long", "id,t,x\na,1,2\n", (), "must show which column is the target"),
        ("long", LONG.replace("5,10", "5,"), (), "d.csv:4: a series to learn from has a number"),
        ("ts", "@targetLabel true\n@data\n1,2,3:?\n", (), "d.csv:3: must have a label"),
        ("lines", "hm\n", (), "d.csv:1: an example to learn from has a number as its target"),
    ],
)
def test_a_target_that_is_none_is_named(form: str, text: str, targets: tuple[str, ...], words: str) -> None:
    with pytest.raises(InputError) as error:
        read(form, text, *targets)
    assert words in str(error.value)


def test_a_series_with_two_targets_is_none_for_one_target_a_series() -> None:
    with pytest.raises(InputError, match="all rows of a series have one target, got 4 and 6"):
        read_measured(Document("d", LONG), "long", Columns(), (), every_step=False)


def test_what_is_to_be_answered_needs_no_targets() -> None:
    known = {"features": ("a", "b"), "learned": ("", "y"), "labelled": False}
    assert not read("table", "a,b\n1,2\n", **known).has_targets
    assert not read("table", "a,b,y\n1,2,\n3,4,5\n", **known).has_targets
    assert values(read("table", "a,b,y\n1,2,7\n", **known)) == [[7]]
    assert not read("long", "id,t,x\na,1,2\n", features=("x",), learned=("", "y"), labelled=False).has_targets


def saved(tmp_path: Path, **arrays: object) -> Source:
    path = tmp_path / "d.npz"
    np.savez(path, **arrays)  # type: ignore[arg-type]
    return path


def test_arrays_of_targets(tmp_path: Path) -> None:
    x = np.arange(12.0).reshape(2, 3, 2)
    for y, wanted in (
        (np.array([0.5, 2]), [[0.5], [2]]),
        (np.array([[1, 2], [3, 4]]), [[1, 2], [3, 4]]),
        (np.arange(6.0).reshape(2, 3), [[[0], [1], [2]], [[3], [4], [5]]]),
    ):
        assert values(read_measured(saved(tmp_path, X=x, y=y), "npz", Columns(), ())) == wanted


@pytest.mark.parametrize(
    ("y", "words"),
    [
        (np.array([1.0, np.nan]), r"y\[1\]: must be finite numbers"),
        (np.array([1.0]), "y: must be numbers"),
        (np.array(["a", "b"]), "y: must be numbers"),
        (np.zeros((2, 4, 1)), r"must be \(2, 3, M\) for each step"),
    ],
)
def test_arrays_that_are_no_targets(tmp_path: Path, y: object, words: str) -> None:
    with pytest.raises(InputError, match=words):
        read_measured(saved(tmp_path, X=np.zeros((2, 3, 2)), y=y), "npz", Columns(), ())
