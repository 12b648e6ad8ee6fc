"""Values of options as callers give them: numbers of other libraries, names of files, and what is none."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pytest
import torch

from bptt.errors import InputError
from bptt.options.field import check_fields, option
from bptt.options.option_set import OptionSet
from bptt.options.recipe import read_recipe


@dataclass(frozen=True)
class Sizes:
    """Options of every type."""

    count: int = option(1, "A count.", flags="n count", least=1)
    shift: int = option(0, "A shift.")
    rate: float = option(0.5, "A rate.")
    share: float = option(0.0, "A share.", share=True)
    both: bool = option(False, "A flag.")
    kind: Literal["a", "b"] = option("a", "A kind.")
    name: str = option("", "A name.")
    file: Path | None = option(None, "A file.")
    files: tuple[Path, ...] = option((), "Files.")
    widths: tuple[int, ...] = option((), "Widths.")

    def __post_init__(self) -> None:
        check_fields(self)


SIZES = OptionSet({"sizes": Sizes})


@pytest.mark.parametrize(
    ("name", "given", "read"),
    [
        ("count", np.int32(3), 3),
        ("count", torch.tensor(3), 3),
        ("count", np.array(3), 3),
        ("rate", np.float32(0.25), 0.25),
        ("rate", np.int64(2), 2.0),
        ("both", np.bool_(True), True),
        ("kind", np.str_("b"), "b"),
        ("widths", [np.int64(2), 3], (2, 3)),
        ("files", ["a", Path("b")], (Path("a"), Path("b"))),
    ],
)
def test_values_of_other_libraries_become_those_of_python(name: str, given: Any, read: Any) -> None:
    found = SIZES.read({name: given})[name]
    assert found == read and type(found) is type(read)
    assert SIZES.make(Sizes, {name: found}) == Sizes(**{name: read})


@pytest.mark.parametrize(
    ("name", "given", "words"),
    [
        ("count", 0, "count: is a whole number of at least 1, got 0"),
        ("count", np.int64(0), "count: is a whole number of at least 1, got 0"),
        ("count", np.array([1, 2]), "count: is a whole number of at least 1, got array([1, 2])"),
        ("count", 2**63, "count: is a whole number below 2**63, got 9223372036854775808"),
        ("shift", 0.5, "shift: is a whole number, got 0.5"),
        ("rate", float("inf"), "rate: is a finite number, got inf"),
        ("rate", 10**400, "rate: is a finite number, got an int"),
        pytest.param(
            "rate", 10**5000, "rate: is a finite number, got an int", id="more digits than are written"
        ),
        ("rate", "0.5", "rate: is a finite number, got '0.5'"),
        ("share", 10**400, "share: is at least 0 and below 1, got an int"),
        ("kind", np.array(["a"]), "kind: is one of a, b, got array(['a'], dtype='<U1')"),
        ("name", np.zeros(500), "name: is a text, got a ndarray"),
        ("file", "", "file: is the name of a file or a folder, got ''. Give '.' for the current folder"),
        ("file", "a\0b", r"file: is the name of a file or a folder, got 'a\x00b'."),
        ("file", Path("a\0b"), r"file: is the name of a file or a folder, got 'a\x00b'."),
        ("file", "\ud800", r"file: is the name of a file or a folder, got '\ud800'."),
        ("file", "a text " * 50, "file: is the name of a file or a folder, got a str."),
        ("file", np.zeros(2), "file: is the name of a file or a folder, got array([0., 0.])."),
        ("file", b"a", "file: is the name of a file or a folder, got b'a'."),
        ("files", ["a", ""], "files: is the name of a file or a folder, got ''."),
    ],
)
def test_a_value_that_is_none_is_refused_in_words(name: str, given: Any, words: str) -> None:
    with pytest.raises(InputError) as error:
        SIZES.make(Sizes, SIZES.read({name: given}))
    assert str(error.value).startswith(words)


def test_an_option_given_under_two_names_is_refused_with_both() -> None:
    with pytest.raises(InputError, match=r"^count: is given once, got also as n$"):
        SIZES.read({"n": 1, "count": 1})
    with pytest.raises(InputError, match=r"^r\.toml: sizes\.count: is given once, got also as n$"):
        read_recipe(b"n = 1\n[sizes]\ncount = 1\n", "r.toml", SIZES, "x")
