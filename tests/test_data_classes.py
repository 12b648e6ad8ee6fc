"""Numbers as targets: names of classes are learned, quantities are refused as scikit-learn refuses them."""

from __future__ import annotations

import random
from dataclasses import replace

import pytest
from sklearn.utils.multiclass import check_classification_targets

from bptt.data.classes import check_classes
from bptt.data.examples import Example, Examples
from bptt.data.readers.document import Document
from bptt.data.readers.series import read_ts
from bptt.errors import InputError

DRAW = random.Random(0)


def examples(targets: list[str]) -> Examples[str, str]:
    return Examples(tuple(Example("x", target, f"f:{i}") for i, target in enumerate(targets, 1)))


@pytest.mark.parametrize(
    "targets",
    [
        ["0", "1"] * 9,
        ["1.0", "0.0", "2.0"],
        [str(n) for n in range(500)],
        [str(900 + 7 * n) for n in range(20)],
        [str(DRAW.choice((101, 2002, 30303, *range(1000, 90000, 777)))) for _ in range(4000)],
        ["12", "13", "many"],
        ["1-2", "3.1.4", "5th"],
        ["nan", "1.5"],
        ["一", "二"],
    ],
    ids="binary floats consecutive few codes words versions missing Chinese".split(),
)
def test_names_of_classes(targets: list[str]) -> None:
    check_classes(examples(targets))


@pytest.mark.parametrize(
    "targets",
    [
        ["0.5", "1.5", "0.5", "1.5"],
        ["1", "2", "2.5"],
        [str(1000 * DRAW.randrange(15, 60)) for _ in range(150)],
        [str(DRAW.randrange(10**6)) for _ in range(25)],
        [f"${DRAW.randrange(10**6):,}" for _ in range(25)],
        [f"{n}.5 %" for n in range(3)],
        ["-1e-3", ".5", "7."],
        ["٠.٥", "١.٥"],
        [f"{DRAW.randrange(10**6)} 元" for _ in range(25)],
    ],
    ids="halves fraction prices counts money shares exponents Arabic yuan".split(),
)
def test_quantities(targets: list[str]) -> None:
    rule = "f:1: a target must be a class, got continuous numbers, .* such as .*train classify learns classes"
    with pytest.raises(InputError, match=rule):
        check_classes(examples(targets))


@pytest.mark.parametrize("numbers", [[0.5, 1.5], [1.0, 2.0, 2.5], [1, 2, 3], [0.0, 1.0]])
def test_fractions_are_refused_where_scikit_learn_refuses_them(numbers: list[float]) -> None:
    refused = []
    for check, given in (
        (check_classification_targets, numbers),
        (check_classes, examples([str(number) for number in numbers])),
    ):
        try:
            check(given)
        except ValueError:
            refused.append(check)
    assert len(refused) in (0, 2)


def test_what_the_file_calls_a_number_is_none_of_the_classes() -> None:
    found = read_ts(Document("d", "@targetLabel true\n@data\n1,2:73.0\n3,4:74.0\n"))
    with pytest.raises(InputError, match="d:3: a target must be a class, got a number, as @targetLabel"):
        check_classes(found)
    check_classes(replace(found, quantities=False))
    check_classes(read_ts(Document("d", "@targetLabel false\n@classLabel true 1 2\n@data\n1,2:1\n3,4:2\n")))
