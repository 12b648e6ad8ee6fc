"""Which steps of a text have a property, written out by hand."""

from __future__ import annotations

import pytest
import torch

from bptt.errors import InputError
from bptt.probe import PROPERTIES, Property, find_property


@pytest.mark.parametrize(
    ("name", "text", "stretches"),
    [
        ("quotes", 'He said "no" and “we «go»” („Ja“, 「是」).', ['"no', "“we «go»", "„Ja", "「是"]),
        ("quotes", '5" of rain.\n\nA "word\nor two" ', ['"word\nor two']),
        ("brackets", "f(a[1], g(x), y) ] （是） (", ["(a[1], g(x), y", "（是"]),
        ("url", "see https://a.org/b?c=1, or（www.a.cn）。", ["https://a.org/b?c=1,", "www.a.cn"]),
        ("digits", "room 101, 第３章", ["101", "３"]),
        ("capitals", "Ein Übel, Жук и Я", ["E", "Ü", "Ж", "Я"]),
        ("indentation", "if x:\n    y  z\n\tz", ["    ", "\t"]),
    ],
)
def test_named_properties_mark_what_they_say(name: str, text: str, stretches: list[str]) -> None:
    found = find_property(name).of(list(text))
    assert found.dtype == torch.bool
    marked = "".join(letter if mark else "\0" for letter, mark in zip(text, found, strict=True))
    assert [stretch for stretch in marked.split("\0") if stretch] == stretches


@pytest.mark.parametrize(
    ("name", "numbers"),
    [
        ("line-position", [1, 2, 3, 4, 5, 6, 0, 1, 2, 3]),
        ("line-length", [6, 6, 6, 6, 6, 6, 0, 3, 3, 3]),
        ("sentence-position", [1, 2, 0, 1, 2, 3, 4, 5, 0, 1]),
        ("word-position", [1, 2, 0, 0, 1, 2, 0, 1, 0, 1]),
    ],
)
def test_positions_count_the_characters_read(name: str, numbers: list[int]) -> None:
    found = find_property(name).of(list("So. 你们\n好。a"))
    assert found.dtype == torch.float64
    assert found.tolist() == numbers


def test_a_step_has_what_the_characters_of_its_token_have() -> None:
    pieces = ["", "The", ' "', "old", ' man"', " sat", ".", "\n", "He"]
    assert find_property("quotes").of(pieces).tolist() == [0, 0, 1, 1, 1, 0, 0, 0, 0]
    assert find_property("line-position").of(pieces).tolist() == [0, 3, 5, 8, 13, 17, 18, 0, 2]
    assert find_property("digits").of([]).shape == (0,)


def test_what_has_no_name_is_a_pattern_whose_groups_are_meant() -> None:
    assert find_property("a+") == Property("a+", "a+", "inside")
    assert find_property("^b").of(list("ab\nb")).tolist() == [False, False, False, True]
    assert find_property("x(a)|y(b)").of(list("xayb")).tolist() == [False, True, False, True]


def test_names_are_told_apart() -> None:
    assert len({p.name for p in PROPERTIES}) == len(PROPERTIES)


@pytest.mark.parametrize(("pattern", "fault"), [("a(b", "at position 1"), ("a{99999999999}", "too large")])
def test_a_pattern_that_is_none_is_refused_with_the_place(pattern: str, fault: str) -> None:
    with pytest.raises(InputError, match=f"regular expression.*{fault}"):
        find_property(pattern)
