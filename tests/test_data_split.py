"""Examples: what they hold, and how they are cut so that equal inputs stay together."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest

from bptt.data.examples import Example, Examples, gather, note_repeats
from bptt.data.split import fold_numbers, split_groups, split_indices
from bptt.errors import InputError
from bptt.jobs.options import ExampleOptions
from bptt.jobs.supervised import hold_out, set_aside


def drawn(count: int, seed: int) -> tuple[list[str], list[str]]:
    """Keys that repeat, a few with two labels, and labels of very unequal frequency."""
    draw = np.random.default_rng(seed)
    keys = [f"名{i}" for i in draw.integers(0, count // 2, count)]
    labels = ["abc"[min(2, int(key[1:]) % 13)] for key in keys]
    return keys, ["z" if draw.random() < 0.02 else label for label in labels]


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("held_out", [0.05, 0.2, 0.5])
def test_each_example_is_on_one_side_and_equal_inputs_on_the_same(held_out: float, seed: int) -> None:
    keys, labels = drawn(1000, seed)
    learned, held = split_indices(keys, labels, held_out, seed)
    assert sorted(learned + held) == list(range(1000))
    assert learned == sorted(learned)
    assert held == sorted(held)
    assert {keys[i] for i in learned}.isdisjoint(keys[i] for i in held)


@pytest.mark.parametrize("seed", range(5))
def test_each_label_and_the_whole_have_their_share(seed: int) -> None:
    keys, labels = drawn(1000, seed)
    largest = max(Counter(keys).values())
    _, held = split_indices(keys, labels, 0.2, seed)
    # What is owed to the labels before, at most half a group, and half a group of its own.
    assert abs(len(held) - 200) <= largest
    mixed = Counter(labels[i] for i in range(1000) if len({labels[j] for j in at(keys, i)}) > 1)
    for label, count in Counter(labels).items():
        share = sum(labels[i] == label for i in held)
        assert abs(share - 0.2 * count) <= largest + mixed.total() * (label == "z" or mixed[label] > 0)


def at(keys: list[str], i: int) -> list[int]:
    return [j for j, key in enumerate(keys) if key == keys[i]]


def test_without_repeats_each_share_is_exact_to_one_example() -> None:
    labels = ["a"] * 101 + ["b"] * 50 + ["c"] * 9
    _, held = split_indices(list(range(160)), labels, 0.25, 0)
    counts = Counter(labels[i] for i in held)
    assert len(held) == 40
    assert all(abs(counts[label] - 0.25 * labels.count(label)) <= 1 for label in "abc")


def test_many_rare_labels_share_what_none_of_them_can_give_alone() -> None:
    labels = [f"{i // 3}" for i in range(300)]
    learned, held = split_indices(list(range(300)), labels, 0.1, 0)
    assert len(held) == 30
    assert {labels[i] for i in learned} == set(labels)


def test_a_label_with_one_input_is_learned() -> None:
    for seed in range(10):
        learned, _ = split_indices([0, 0, 0, *range(1, 40)], ["rare"] * 3 + ["usual"] * 39, 0.5, seed)
        assert {0, 1, 2} <= set(learned)


def test_the_seed_decides_and_nothing_else_does() -> None:
    keys, labels = drawn(300, 1)
    assert split_indices(keys, labels, 0.2, 7) == split_indices(keys, labels, 0.2, 7)
    assert split_indices(keys, labels, 0.2, 7) != split_indices(keys, labels, 0.2, 8)
    assert split_indices(keys, None, 0.2, 7) != split_indices(keys, None, 0.2, 8)


@pytest.mark.parametrize(("keys", "held_out"), [(["a"] * 9, 0.5), (["a", "b"], 0.0), ([], 0.1)])
def test_a_part_without_examples_is_an_error(keys: list[str], held_out: float) -> None:
    with pytest.raises(InputError, match="must leave examples in both parts"):
        split_indices(keys, None, held_out, 0)


def test_folds_are_even_keep_labels_and_do_not_cut_groups() -> None:
    keys, labels = drawn(1000, 3)
    folds = fold_numbers(keys, labels, 10, 0)
    assert len({(key, fold) for key, fold in zip(keys, folds, strict=True)}) == len(set(keys))
    sizes = Counter(folds)
    assert len(sizes) == 10
    assert max(sizes.values()) - min(sizes.values()) <= max(Counter(keys).values())
    share = Counter(fold for fold, label in zip(folds, labels, strict=True) if label == "c")
    assert max(share.values()) < 1.5 * min(share.values())
    assert folds == fold_numbers(keys, labels, 10, 0) != fold_numbers(keys, labels, 10, 1)


def test_as_many_folds_as_inputs_leave_one_out() -> None:
    assert sorted(fold_numbers(list("abcd"), list("xyxy"), 4, 0)) == [0, 1, 2, 3]
    assert sorted(fold_numbers(list("abcd"), None, 2, 0)) == [0, 0, 1, 1]
    with pytest.raises(InputError, match="is a number from 2 to 2"):
        fold_numbers(list("aabb"), None, 3, 0)


def examples(*pairs: tuple[object, str | None]) -> Examples[object, str]:
    return gather("f", [Example(x, y, f"f:{i}") for i, (x, y) in enumerate(pairs, 1)])


def test_examples_are_taken_by_number() -> None:
    found = examples(("a", "x"), ("b", "y"), ("c", "x")).take([2, 0])
    assert (found.inputs, found.targets) == (("c", "a"), ("x", "x"))
    assert [row.place for row in found.rows] == ["f:3", "f:1"]


def test_all_have_a_target_or_none() -> None:
    assert not examples(("a", None), ("b", None)).has_targets
    with pytest.raises(InputError, match=r"f:1: an example to learn from has a label"):
        _ = examples(("a", None)).targets
    with pytest.raises(InputError, match=r"f:2: must have a label, as 2 other examples"):
        examples(("a", "x"), ("b", None), ("c", "x"))
    with pytest.raises(InputError, match="f: must hold at least one example"):
        examples()


def test_repeats_and_contradictions_are_counted() -> None:
    series = np.arange(6, dtype=np.float32)
    found = examples((series.reshape(2, 3), "x"), (series.reshape(3, 2), "x"), (series.reshape(2, 3), "y"))
    assert len(set(found.keys)) == 2
    assert note_repeats(found) == ("inputs with more than one label: 1",)
    found = examples(("a", "x"), ("a", "x"), ("b", "x"), ("a", "x"))
    assert note_repeats(found) == ("examples that repeat an earlier one: 2",)


def test_whole_groups_are_held_out_and_at_least_one() -> None:
    # Five subjects of 20 recordings: a tenth is less than half of any of them.
    groups = [f"subject {i % 5}" for i in range(100)]
    learned, held = split_groups(groups, 0.1, seed=0)
    assert sorted(learned + held) == list(range(100))
    assert len(held) == 20 and len({groups[i] for i in held}) == 1


def test_groups_come_as_near_to_the_share_as_they_allow() -> None:
    groups = [f"speaker {i // 7}" for i in range(700)]
    for seed in range(5):
        learned, held = split_groups(groups, 0.1, seed)
        assert len(held) == 70 and not {groups[i] for i in held} & {groups[i] for i in learned}


def test_one_group_leaves_nothing_to_hold_out() -> None:
    with pytest.raises(InputError, match=r"needs two groups.*`held_out` 0"):
        split_groups(["alone"] * 9, 0.5, seed=0)


def test_one_group_is_learned_whole_if_none_is_held_out() -> None:
    """The second cure that the error names is one."""
    rows = of_parts(*[("alone", "")] * 9)
    with pytest.raises(InputError, match="needs two groups"):
        hold_out(rows, rows.targets, ExampleOptions())
    assert hold_out(rows, rows.targets, ExampleOptions(held_out=0)) == (list(range(9)), [])


def of_parts(*rows: tuple[str, str]) -> Examples[str, str]:
    """Examples of a group and a part each."""
    made = [Example(f"x{n}", "ab"[n % 2], f"f:{n}", "", *each) for n, each in enumerate(rows, 1)]
    return gather("f", made)


def test_parts_that_the_data_name_are_kept() -> None:
    rows = of_parts(*[("p", "train")] * 8, ("q", "Validation"), ("r", "test_1"))
    assert hold_out(rows, rows.targets, ExampleOptions()) == (list(range(8)), [8])
    # Without a part to hold out it is cut from what is learned, never from the test.
    rows = of_parts(*[("p", "trn"), ("q", "trn")] * 4, ("r", "tst"))
    learned, held = hold_out(rows, rows.targets, ExampleOptions())
    assert sorted(learned + held) == list(range(8))
    assert {rows.rows[i].group for i in learned}.isdisjoint(rows.rows[i].group for i in held)
    assert hold_out(rows, rows.targets, ExampleOptions(held_out=0)) == (list(range(8)), [])
    assert set_aside(rows) == ("test: 1 example set aside, which `bptt evaluate` measures",)


def test_groups_are_held_out_by_their_names() -> None:
    rows = of_parts(("p", ""), ("q", ""), ("r", ""), ("q", ""))
    assert hold_out(rows, rows.targets, ExampleOptions(held_out_groups=("q, r",))) == ([0], [1, 2, 3])
    assert hold_out(rows, None, ExampleOptions(held_out_groups=("p", "r"))) == ([1, 3], [0, 2])
    with pytest.raises(InputError, match="held_out_groups: are groups of the examples: p, q, r, got s"):
        hold_out(rows, None, ExampleOptions(held_out_groups=("q", "s")))
    with pytest.raises(InputError, match="must leave some to learn from"):
        hold_out(rows, None, ExampleOptions(held_out_groups=("p,q,r",)))
    bare = of_parts(("", ""), ("", ""))
    with pytest.raises(InputError, match="needs examples that name their group"):
        hold_out(bare, None, ExampleOptions(held_out_groups=("p",)))


@pytest.mark.parametrize("part", ["", "first", "train or test"])
def test_a_part_that_is_not_understood_is_refused(part: str) -> None:
    rows = of_parts(("p", "train"), ("q", part))
    with pytest.raises(InputError, match="f:2: must be of a part train, dev or test") as caught:
        hold_out(rows, None, ExampleOptions())
    assert "held_out_groups" in caught.value.cure
