"""The group, the part and the label of examples, from columns and from patterns."""

from __future__ import annotations

from pathlib import Path

import pytest

from bptt.data.naming import check_patterns
from bptt.data.readers.forms import read_examples
from bptt.data.readers.grid import Columns, Naming
from bptt.errors import InputError


def table(folder: Path) -> Path:
    path = folder / "reviews.csv"
    path.write_text("text,label,author,set\ngood,a,ann,train\nbad,b,bob,test\nfine,a,ann,train\n")
    return path


def test_columns_of_group_and_part(tmp_path: Path) -> None:
    found = read_examples(table(tmp_path), "columns", Columns(naming=Naming("author", "set")))
    assert [(row.input, row.target, row.group, row.part) for row in found.rows] == [
        ("good", "a", "ann", "train"),
        ("bad", "b", "bob", "test"),
        ("fine", "a", "ann", "train"),
    ]
    with pytest.raises(InputError, match="must have a column writer"):
        read_examples(table(tmp_path), "columns", Columns(naming=Naming("writer")))
    # Texts to be answered need none.
    asked = read_examples(table(tmp_path), "columns", Columns(naming=Naming("writer"), labelled=False))
    assert [row.group for row in asked.rows] == ["", "", ""]


def test_columns_that_look_like_part_and_group_are_named_if_nobody_uses_them(tmp_path: Path) -> None:
    path = tmp_path / "a.csv"
    rows = [f"text {n},{'ab'[n % 2]},{'train' if n < 4 else 'TEST'},p{n // 2},{n}" for n in range(6)]
    path.write_text("\n".join(["text,label,Split,actor,take", *rows]))
    split = 'column "Split" says train 4, TEST 2, and is not used: `split_column` Split does'
    actor = (
        'column "actor" has 3 values, and is not used: `group_column` actor keeps the examples of each '
        "together, `held_out_groups` p0 holds one out"
    )

    def said(**more: object) -> list[str]:
        found = read_examples(path, "columns", Columns(**more))  # type: ignore[arg-type]
        return [note for note in found.notes if "is not used" in note]

    # A take of its own for each example groups nothing.
    assert said() == [split, actor]
    assert said(naming=Naming(part="Split")) == [actor]
    assert said(naming=Naming("actor")) == said(naming=Naming(group_pattern="p")) == [split]
    assert said(labelled=False) == said(learned=("text", "label")) == []
    path.write_text(path.read_text().replace("TEST", "p"))
    assert said() == [actor]


def test_patterns_search_the_names_of_files(tmp_path: Path) -> None:
    for name in ("s1_walk_a", "s2_run_b", "s1_run_c"):
        (tmp_path / "all").mkdir(exist_ok=True)
        (tmp_path / "all" / f"{name}.txt").write_text(f"a text {name}")
    naming = Naming(group_pattern=r"s\d", label_pattern=r"_(?P<label>[a-z]+)_")
    found = read_examples(tmp_path, "class-folders", Columns(naming=naming))
    assert sorted((row.group, row.target) for row in found.rows) == [
        ("s1", "run"),
        ("s1", "walk"),
        ("s2", "run"),
    ]
    (tmp_path / "all" / "walk.txt").write_text("no subject")
    with pytest.raises(InputError, match=r"walk.txt: must have a group in its name, by `group_pattern` s\\d"):
        read_examples(tmp_path, "class-folders", Columns(naming=naming))
    asked = read_examples(tmp_path, "class-folders", Columns(naming=naming, labelled=False))
    assert len(asked.rows) == 4


def test_what_a_form_does_not_have_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "a.txt"
    path.write_text("__label__a one\n__label__b two\n")
    with pytest.raises(InputError, match="must be in a form with columns that have names"):
        read_examples(path, "fasttext", Columns(naming=Naming("author")))
    with pytest.raises(InputError, match="group_pattern: must be a regular expression"):
        check_patterns(Naming(group_pattern="("))
