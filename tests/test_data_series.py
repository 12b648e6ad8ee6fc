"""Series and tables of numbers: every form, missing numbers, and faults by line and column."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from bptt.data.examples import Array, Examples, numbered
from bptt.data.readers import parquet
from bptt.data.readers.arrays import read_npz
from bptt.data.readers.delimited import read_delimited
from bptt.data.readers.detect import detect
from bptt.data.readers.document import Document
from bptt.data.readers.forms import read_examples, read_grid
from bptt.data.readers.grid import Columns, Grid
from bptt.data.readers.series import read_ts, read_ucr
from bptt.data.readers.tables import read_long, read_table
from bptt.errors import InputError

HEADER = "# on the data\n@problemName P\n@dimensions 2\n@classLabel true a b\n@data\n"


def values(found: Examples[Array, str]) -> list[list[list[float]]]:
    assert all(array.dtype == np.float32 for array in found.inputs)
    return [array.tolist() for array in found.inputs]


def test_ts_has_time_first_and_lengths_of_its_own() -> None:
    found = read_ts(Document("d", HEADER.replace("true", "True") + "1,2,3:4,5,6: a \n\n7:-8e0:b \n"))
    assert values(found) == [[[1, 4], [2, 5], [3, 6]], [[7, -8]]]
    assert found.targets == ("a", "b")
    assert [row.place for row in found.rows] == ["d:6", "d:8"]


def test_ts_without_labels_with_missing_numbers_or_with_a_number_as_target() -> None:
    found = read_ts(Document("d", "@classLabel false\n@DATA\n1,?,3\n?,2\n"))
    assert np.isnan(found.inputs[0][1, 0])
    assert found.inputs[0].shape == (3, 1)
    assert not found.has_targets
    assert found.notes == ("missing: 2 numbers, read as NaN, the first at d:3",)
    assert read_ts(Document("d", "@targetLabel true\n@data\n1,2:0.5\n")).targets == ("0.5",)


def test_comments_in_ts_may_be_anywhere_and_of_either_sign() -> None:
    text = "% about\n%# too\n" + HEADER + "% between\n1,2,3:4,5,6:a\n  # indented\n7:-8:b\n%\n"
    found = read_ts(Document("d", text))
    assert values(found) == [[[1, 4], [2, 5], [3, 6]], [[7, -8]]]
    assert [row.place for row in found.rows] == ["d:9", "d:11"]


@pytest.mark.parametrize(
    "mark", ["\t", ",", "  ", "\t ", ", "], ids=["tab", "comma", "spaces", "tab and space", "comma and space"]
)
def test_ucr_has_its_label_first_between_any_marks(mark: str) -> None:
    lines = [["1", "0.5", "-2e0"], ["-1", "1", "3"]]
    found = read_ucr(Document("d", "".join(mark.join(line) + "\n" for line in lines)))
    assert values(found) == [[[0.5], [-2]], [[1], [3]]]
    assert found.targets == ("1", "-1")


def test_ucr_of_before_2015_writes_labels_as_floats() -> None:
    text = "   1.0000000e+00   5.0000000e-01  -2.0000000e+00\n  -1.0000000e+00   1.0e0   3.0e0\n"
    found = read_ucr(Document("d", text))
    assert found.targets == ("1", "-1")
    assert values(found) == [[[0.5], [-2]], [[1], [3]]]
    assert read_ucr(Document("d", "e\t1\t2\n1.5\t1\t2\n")).targets == ("e", "1.5")


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (HEADER + "1:2:c\n", "d:6: ends in one of the labels a, b, got 'c'"),
        (HEADER + "1:2:3:a\n", "d:6: must have 2 dimensions as the header says, got 3"),
        (HEADER + "1,2:3:a\n", r"d:6: all dimensions of a series have one length, got \[1, 2\]"),
        (HEADER + "1,x:3,4:a\n", "d:6: number 2 must be a number, got 'x'"),
        (HEADER + "1:inf:a\n", "d:6: must be a finite number of float32, got inf"),
        (HEADER + "1:1e39:a\n", "d:6: must be a finite number of float32, got 1e39"),
        (HEADER.replace("2", "?") + "1:1:a\n", "d:6: must have . dimensions"),
        ("@data\n1:2\n1\n", "d:3: must have 2 dimensions as the first, got 1"),
        ("1,2\n@data\n", "d:1: a line before @data is @KEY VALUES"),
        ("@ x\n@data\n1,2\n", "d:1: a line before @data is @KEY VALUES"),
        ("@classLabel true\n@data\na\n", "d:3: must be values and their label, between colons, got 'a'"),
        ("@timeStamps true\n@data\n(0,1)\n", "d: values must have no time stamps"),
        ("@problemName P\n", "d: must have a line @data"),
        ("@problemName P\n@data\n", "d: must hold at least one example"),
    ],
)
def test_a_fault_in_ts_is_named(text: str, fault: str) -> None:
    with pytest.raises(InputError, match=fault):
        read_ts(Document("d", text))


def test_ucr_cuts_the_nan_behind_a_shorter_series() -> None:
    found = read_ucr(Document("d", " 1\t0.5\t2\tNaN\tNaN\n\n-1\t1\tNaN\t3\t4\n"))
    assert values(Examples(found.rows[:1])) == [[[0.5], [2]]]
    assert found.inputs[1].shape == (4, 1)
    assert found.targets == ("1", "-1")
    assert found.notes == ("missing: 1 numbers, read as NaN, the first at d:3",)
    for line in ("1\tNaN\tNaN", "1", "\t1\t2"):
        with pytest.raises(InputError, match="d:2: must be"):
            read_ucr(Document("d", f"1\t2\n{line}\n"))


def long(text: str, **named: str) -> Examples[Array, str]:
    return read_long(read_delimited(Document("d", text)), Columns(**named))


LONG = "t,id,x,label,y\n2,b,5,neg,6\n10,a,3,pos,4\n9,a,1,pos,2\n"


def test_long_tables_are_sorted_by_time_within_a_series() -> None:
    found = long(LONG)
    assert values(found) == [[[5, 6]], [[1, 2], [3, 4]]]
    assert (found.targets, found.columns) == (("neg", "pos"), ("x", "y"))
    assert [(row.name, row.place) for row in found.rows] == [("b", "d:2"), ("a", "d:3")]
    dates = "case\ttime\tx\na\t2026-01-10\t2\na\t2026-01-09\t1\n"
    assert values(long(dates)) == [[[1], [2]]]
    assert not long(dates).has_targets


@pytest.mark.parametrize(
    "times",
    [
        ("2:30", "10:30"),
        ("9:05:01.5", "10:00"),
        ("11:59 am", "12:01 PM"),
        ("12:10am", "1:00am"),
        ("2026-9-30", "2026-10-01"),
        ("2026-01-31T23:59", "2026-02-01"),
        ("2026/01/31 9:00", "2026/01/31 10:00"),
        ("2026-01-31T10:00:00+02:00", "2026-01-31T09:00:00Z"),
        ("1999-12", "2000-01"),
        ("-1e3", "9"),
        ("9", "10"),
    ],
    ids=lambda times: times[0],
)
def test_steps_are_in_the_order_of_time_not_of_text(times: tuple[str, str]) -> None:
    for first, second in ((0, 1), (1, 0)):
        text = f"id\tt\tx\na\t{times[first]}\t{first}\na\t{times[second]}\t{second}\n"
        assert values(long(text)) == [[[0], [1]]]


@pytest.mark.parametrize(
    "cells",
    [
        ("2:30", "150"),
        ("31/01/2026", "01/02/2026"),
        ("2026-01-31", "2026-02-30"),
        ("2026-01-31", "2026-01-31T10:00Z"),
        ("step 9", "step 10"),
        ("10:30", "10:60"),
        ("13:00 pm", "1:00 pm"),
        ("一月", "二月"),
    ],
    ids=lambda cells: cells[0],
)
def test_times_of_several_or_unknown_kinds_are_refused(cells: tuple[str, str]) -> None:
    with pytest.raises(InputError, match=r"d:[23]: times are all numbers, all clock times .* or all dates"):
        long(f"id\tt\tx\na\t{cells[0]}\t1\na\t{cells[1]}\t2\n")


def test_a_model_gets_its_columns_in_its_order() -> None:
    found = read_long(read_delimited(Document("d", LONG)), Columns(features=("y", "x")))
    assert values(found) == [[[6, 5]], [[2, 1], [4, 3]]]
    with pytest.raises(InputError, match="d: must have a column z"):
        read_long(read_delimited(Document("d", LONG)), Columns(features=("x", "z")))


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("id,t,x\na,1,2\na,1.0,3\n", "d:3: a series has one row for each time, got 1.0"),
        ("id,t,x\na,1,2\na,2,many\n", "d:3: column x must be a number, got 'many'"),
        ("id,t,x,label\na,1,2,p\na,2,2,n\n", "d:3: all rows of a series have one label, p at d:2, got 'n'"),
        ("id,t,x,label\na,1,2,\n", "d:2: must have a label"),
        ("id,t,x\na,1,2\na,null,2\n", "d:3: must have a time"),
        ("id,x\na,1\n", "d: must have a column id and a column t, got id, x"),
        ("id,t\na,1\n", "d: must have a column of numbers"),
        ("id,t,x\na,1\n", "d:2: must have 3 columns"),
    ],
)
def test_a_fault_in_a_long_table_is_named(text: str, fault: str) -> None:
    with pytest.raises(InputError, match=fault):
        long(text)


def table(text: str, *features: str, target: str | None = None) -> Examples[Array, str]:
    return read_table(read_delimited(Document("d", text)), Columns(None, target, features))


@pytest.mark.parametrize(
    ("text", "columns"),
    [
        ("5.1,3.5,setosa\n\n4,NA,virginica\n", ("1", "2")),
        ("a,b,kind\n5.1,3.5,setosa\n4,,virginica\n", ("a", "b")),
        ("a; Class;b\n5.1; setosa ;3.5\n4;virginica;?\n", ("a", "b")),
    ],
    ids=["no header", "last column", "named column"],
)
def test_the_label_of_a_table(text: str, columns: tuple[str, ...]) -> None:
    found = table(text)
    assert found.inputs[0].tolist() == np.float32([5.1, 3.5]).tolist()
    assert np.isnan(found.inputs[1][1])
    assert (found.targets, found.columns) == (("setosa", "virginica"), columns)
    assert len(found.notes) == 1


CLASSES_FIRST = [(str(1 + n % 2), f"{n}.5", str(9 - n)) for n in range(6)]


def rows_of(cells: list[tuple[str, ...]], mark: str = ",") -> str:
    return "".join(mark.join(row) + "\n" for row in cells)


@pytest.mark.parametrize(
    "cells",
    [
        CLASSES_FIRST,
        [(f"{float(first):.7e}", *rest) for first, *rest in CLASSES_FIRST],
        [("a" if first == "1" else "b", *rest) for first, *rest in CLASSES_FIRST],
        [(first, *rest, f"{n}.25") for n, (first, *rest) in enumerate(CLASSES_FIRST)],
    ],
    ids=["whole numbers", "as floats", "words", "fractions behind"],
)
def test_a_table_may_have_its_label_first(cells: list[tuple[str, ...]]) -> None:
    document = Document("d", rows_of(cells))
    assert detect(document, Columns()).form == "table"
    found = read_examples(document, "table", Columns())
    assert found.targets == tuple(row[0] for row in cells)
    assert found.columns == numbered(len(cells[0]))[1:]
    assert found.notes == ("no header: column 1 is the label (`target_column` says otherwise)",)
    model = Columns(features=found.columns)
    for text, targets in ((rows_of(cells), found.targets), (rows_of([row[1:] for row in cells]), None)):
        again = read_table(read_delimited(Document("d", text)), model)
        assert values(again) == values(found)
        assert (again.targets if again.has_targets else None) == targets


def test_a_table_with_classes_first_and_last_asks() -> None:
    cells = [(first, rest[0], str(n % 2)) for n, (first, *rest) in enumerate(CLASSES_FIRST)]
    fault = "d: must show which column is the label, got column 1 with 2 .*_column` 1, or `target_column` 3"
    with pytest.raises(InputError, match=fault):
        table(rows_of(cells))
    assert table(rows_of(cells), target="1").targets == ("1", "2") * 3
    assert table(rows_of(cells), target="3").targets == ("0", "1") * 3


def test_a_table_whose_columns_cannot_be_read_has_no_numbers() -> None:
    for text in ('[{"a": []}, {"a": []}]', "[{}, {}]", "1\n2\n"):
        with pytest.raises(InputError, match=r"^d:"):
            read_examples(Document("d", text), "table", Columns())


def test_ages_before_two_classes_are_no_label() -> None:
    assert table(rows_of([(str(20 + n % 40), "1.5", str(n % 2)) for n in range(200)])).targets[:2] == (
        "0",
        "1",
    )


@pytest.mark.parametrize(("mark", "form"), [("\t", "ucr"), ("  ", "ucr"), (",", "table")])
def test_series_of_ucr_are_seen_between_tabs_and_spaces(mark: str, form: str) -> None:
    document = Document("d", rows_of(CLASSES_FIRST, mark))
    assert detect(document, Columns()).form == form
    assert detect(document, Columns(), labelled=False).form == ("lines" if mark == "  " else form)
    assert read_examples(document, form, Columns()).targets == ("1", "2") * 3
    behind = Document("d", rows_of([row[::-1] for row in CLASSES_FIRST], mark))
    assert detect(behind, Columns()).form == ("lines" if mark == "  " else "table")


def test_twenty_thousand_columns_take_no_longer_than_their_cells() -> None:
    """Counted, not timed: each name is looked at a few times, not once for every other one."""
    looks = 0

    class Name(str):
        def casefold(self) -> str:
            nonlocal looks
            looks += 1
            return super().casefold()

    names = tuple(Name(f"c{i}") for i in range(20_000))
    rows = (("1",) * len(names), ("2",) * len(names))
    found = read_table(Grid("d", names, rows, ("d:1", "d:2")), Columns(features=names[:-1]))
    assert found.inputs[0].shape == (19_999,)
    assert looks < 20 * len(names)


def test_a_table_for_a_model_has_its_columns_and_perhaps_a_label() -> None:
    assert table("b,a\n1,2\n", "a", "b").inputs[0].tolist() == [2, 1]
    assert not table("b,a\n1,2\n", "a", "b").has_targets
    assert not table("1,2\n", "1", "2").has_targets
    assert table("1,2,3\n", "1", "2").targets == ("3",)
    assert table("n,a\n1,2\n", target="n").targets == ("1",)
    for text, fault in [
        ("a,b,y\n1,two,x\n", "d:2: column b must be a number, got 'two'. Code categories as numbers"),
        ("a,y\n1,\n", "d:2: must have a label"),
        ("1,2\n1\n", "d:2: must have 2 columns"),
        ("1\n2\n", "d: must have a column of numbers"),
    ]:
        with pytest.raises(InputError, match=fault):
            table(text)


def save(path: Path, **arrays: object) -> Path:
    np.savez(path, **{name: np.asarray(array) for name, array in arrays.items()})
    return path


def test_npz(tmp_path: Path) -> None:
    x = np.arange(12.0).reshape(2, 3, 2)
    path = save(tmp_path / "a.npz", X=x, y=[1, 0], lengths=[3, 2])
    found = read_npz(path)
    assert values(found) == [x[0].tolist(), x[1, :2].tolist()]
    assert found.targets == ("1", "0")
    assert found.rows[1].place == f"{path}: X[1]"
    x[1, 1:] = np.nan
    x[0, 1] = np.nan
    found = read_npz(save(tmp_path / "b.npz", X=x))
    assert [len(series) for series in found.inputs] == [3, 1]
    assert not found.has_targets
    assert found.notes == (f"missing: 2 numbers, read as NaN, the first at {tmp_path / 'b.npz'}: X[0]",)
    assert read_npz(save(tmp_path / "c.npz", X=[[1, 2], [3, 4]])).inputs[1].tolist() == [[3], [4]]


@pytest.mark.parametrize(
    ("arrays", "fault"),
    [
        ({"x": [1]}, "must hold an array X, got x"),
        ({"X": [1.0]}, r"X must be numbers, \(N, T, D\) or \(N, T\), got \(1,\) of float64"),
        ({"X": [["a"]]}, r"X must be numbers"),
        ({"X": np.zeros((0, 2))}, r"X must be numbers"),
        ({"X": [[1.0]], "y": [1, 2]}, r"y must be \(1,\), a label a series, got \(2,\)"),
        ({"X": [[1.0]], "lengths": [2]}, r"X\[0\]: must have 1 to 1 steps, got 2"),
        ({"X": [[1.0]], "lengths": [1.0]}, r"lengths must be \(1,\) whole numbers"),
        ({"X": [[1.0], [np.nan]]}, r"X\[1\]: must have 1 to 1 steps, got 0"),
        ({"X": [[1e39]]}, r"X\[0\]: must hold finite numbers of float32"),
    ],
)
def test_a_fault_in_npz_is_named(tmp_path: Path, arrays: dict[str, object], fault: str) -> None:
    with pytest.raises(InputError, match=fault):
        read_npz(save(tmp_path / "a.npz", **arrays))


def test_what_is_no_npz_is_an_error_and_no_pickle_is_loaded(tmp_path: Path) -> None:
    path = tmp_path / "a.npz"
    np.savez(path, X=np.array([[1], [1, 2]], dtype=object))
    whole = path.read_bytes()
    for data in (whole, whole[:-30], b"PK\x03\x04", b"text", b""):
        path.write_bytes(data)
        with pytest.raises(InputError, match=r"a\.npz: must be an \.npz file"):
            read_npz(path)
    np.save(tmp_path / "b.npz.npy", np.zeros(3))
    with pytest.raises(InputError, match=r"must be an \.npz file"):
        read_npz(tmp_path / "b.npz.npy")
    with pytest.raises(InputError, match="must be a file"):
        read_npz(tmp_path / "absent.npz")


def test_parquet_is_read_as_any_columns(tmp_path: Path) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    pytest.importorskip("pyarrow.parquet")
    path = tmp_path / "a.parquet"
    columns = {"id": ["a", "a"], "t": [2, 1], "x": [0.1, None], "label": ["p", "p"]}
    pyarrow.parquet.write_table(pyarrow.table(columns), path)
    found = read_long(read_grid(path), Columns())
    assert found.inputs[0][1, 0] == np.float32(0.1)
    assert np.isnan(found.inputs[0][0, 0])
    assert (found.targets, found.columns) == (("p",), ("x",))
    assert found.rows[0].place == f"{path}: row 1"
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(InputError, match="must be a Parquet file"):
        read_grid(path)


def test_without_pyarrow_the_cure_is_said(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(parquet, "pyarrow", None)
    (tmp_path / "a").write_bytes(b"PAR1")
    with pytest.raises(InputError, match=r"needs pyarrow.*pip install 'bptt\[parquet\]'"):
        read_grid(tmp_path / "a")


@pytest.mark.parametrize("header", [HEADER, "@targetLabel true\n@data\n", "@classLabel true\n@data\n"])
def test_an_unknown_label_in_ts_is_none_to_be_answered_and_refused_to_learn_from(header: str) -> None:
    given = Document("d", f"{header}1:2:?\n3:4:?\n")
    found = read_ts(given, Columns(labelled=False))
    assert (values(found), found.has_targets) == ([[[1, 2]], [[3, 4]]], False)
    line = header.count("\n") + 1
    with pytest.raises(
        InputError, match=rf"d:{line}: must have a label, got \?. Add it, or remove the series"
    ):
        read_ts(given)


def test_a_series_without_a_label_among_others_is_answered_like_them() -> None:
    given = Document("d", f"{HEADER}1:2:a\n3:4:?\n")
    assert not read_ts(given, Columns(labelled=False)).has_targets
    with pytest.raises(InputError, match="d:7: must have a label"):
        read_ts(given)
    named = Document("d", "@classLabel true ? a\n@data\n1:?\n2:a\n")
    assert read_ts(named).targets == ("?", "a")
