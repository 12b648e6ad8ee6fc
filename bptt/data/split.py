"""Examples cut into a part to learn from and a part to be tested on, or into folds.

Equal inputs fall on one side, so that nothing tested was learned; each class has its share on both.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Hashable, Iterator, Sequence

import numpy as np

from bptt.data.readers.grid import part_of
from bptt.errors import InputError

# Names of groups that an error lists.
_SHOWN = 20


def split_indices(
    keys: Sequence[Hashable], labels: Sequence[str] | None, held_out: float, seed: int
) -> tuple[list[int], list[int]]:
    """Return the numbers of the examples to learn from, and of those held out; each in rising order.

    Examples with equal `keys` form a group, which is not cut. Of each label, and of the whole, the
    share held out is `held_out`, as near as groups allow; at least one group of each label is learned.
    A group with several labels counts as one of its most frequent label. Raises InputError unless both
    parts hold something.
    """
    chosen: list[int] = []
    # The share that one label cannot be given exactly is owed to the next.
    owed = 0.0
    for groups in _strata(keys, labels, seed):
        owed += held_out * sum(len(group) for group in groups)
        for group in groups[1:]:
            if len(chosen) + len(group) / 2 <= owed:
                chosen += group
    held = set(chosen)
    learned = [i for i in range(len(keys)) if i not in held]
    if not held or not learned:
        rule = f"a held-out part of {held_out:g} must leave examples in both parts"
        raise InputError("examples", rule, f"{len(set(keys))} different ones", "Give more examples")
    return learned, sorted(held)


def split_groups(groups: Sequence[Hashable], held_out: float, seed: int) -> tuple[list[int], list[int]]:
    """Return the numbers of the examples to learn from, and of those held out, by whole groups.

    The share held out is `held_out`, as near as groups allow, and at least one group is on each side: with
    few speakers or subjects none could be held out otherwise. Raises InputError if there is a single group.
    """
    (drawn,) = _strata(groups, None, seed)
    if len(drawn) < 2:
        rule = "needs two groups, such as speakers, subjects or pieces, to hold one out"
        cure = "Give the held-out examples in a file of their own: `dev`; or hold out none: `held_out` 0"
        raise InputError("examples", rule, "one", cure)
    held, wanted = list(drawn[0]), held_out * len(groups)
    for group in drawn[1:-1]:
        if len(held) + len(group) / 2 <= wanted:
            held += group
    chosen = set(held)
    return [i for i in range(len(groups)) if i not in chosen], sorted(held)


def part_indices(
    parts: Sequence[str], groups: Sequence[Hashable], held_out: Sequence[str], places: Sequence[str]
) -> dict[str, list[int]]:
    """Return the numbers of the examples of each part, train, dev and test, as the data name them.

    The groups `held_out` are the part dev, whatever the data say; with them, or if no example names its part,
    all others are train. Raises InputError for a group that does not occur, for an example that names no part
    where others do, or none that is understood, and if nothing is left to learn from.
    """
    unknown = sorted(set(held_out) - set(groups))
    if unknown:
        known = ", ".join(sorted({str(group) for group in groups})[:_SHOWN])
        raise InputError("held_out_groups", f"are groups of the examples: {known}", ", ".join(unknown))
    named = any(parts)
    found: dict[str, list[int]] = {"train": [], "dev": [], "test": []}
    for i, (part, group, place) in enumerate(zip(parts, groups, places, strict=True)):
        understood = part_of(part) if named else "train"
        if not understood:
            cure = "Call the parts so, or hold groups out: `group_column`, `held_out_groups`"
            raise InputError(place, "must be of a part train, dev or test", repr(part), cure)
        if held_out:
            understood = "dev" if group in held_out else "train" if understood == "dev" else understood
        found[understood].append(i)
    if not found["train"]:
        raise InputError("examples", "must leave some to learn from", "none of the part train")
    return found


def some_indices(
    keys: Sequence[Hashable], labels: Sequence[str] | None, share: float, seed: int
) -> list[int]:
    """Return the numbers of a share of the examples, with groups and labels as in `split_indices`.

    At least one group of each label is taken; a larger share holds all of a smaller one.
    """
    taken: list[int] = []
    for groups in _strata(keys, labels, seed):
        wanted, found = share * sum(map(len, groups)), 0
        for group in groups:
            if found and found + len(group) / 2 > wanted:
                break
            taken += group
            found += len(group)
    return sorted(taken)


def fold_numbers(keys: Sequence[Hashable], labels: Sequence[str] | None, folds: int, seed: int) -> list[int]:
    """Return the fold of each example, 0 to `folds` - 1, for cross-validation: groups and labels as in
    `split_indices`, dealt out one after the other, each to the fold that has the fewest examples.

    Raises InputError if there are fewer groups than folds.
    """
    if not 2 <= folds <= len(set(keys)):
        raise InputError("folds", f"is a number from 2 to {len(set(keys))}, the different inputs", folds)
    numbers, sizes = [0] * len(keys), [0] * folds
    for groups in _strata(keys, labels, seed):
        for group in groups:
            fold = sizes.index(min(sizes))
            sizes[fold] += len(group)
            for i in group:
                numbers[i] = fold
    return numbers


def _strata(keys: Sequence[Hashable], labels: Sequence[str] | None, seed: int) -> Iterator[list[list[int]]]:
    """Return for each label in sorted order its groups of equal inputs, in an order drawn from `seed`."""
    groups: defaultdict[Hashable, list[int]] = defaultdict(list)
    for i, key in enumerate(keys):
        groups[key].append(i)
    strata: defaultdict[str, list[list[int]]] = defaultdict(list)
    for group in groups.values():
        counts = Counter("" if labels is None else labels[i] for i in group)
        strata[counts.most_common(1)[0][0]].append(group)
    draw = np.random.default_rng(seed)
    for label in sorted(strata):
        yield [strata[label][i] for i in draw.permutation(len(strata[label]))]
