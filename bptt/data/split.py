"""Examples cut into a part to learn from and a part to be tested on, or into folds.

Equal inputs fall on one side, so that nothing tested was learned; each class has its share on both.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np
import numpy.typing as npt

from bptt.data.readers.grid import part_of
from bptt.errors import InputError

Numbers = npt.NDArray[np.int64]
# An array of whole numbers takes no more memory than they do: of examples that stay in their file.
Keys = Sequence[Hashable] | Numbers

# Names of groups that an error lists.
_SHOWN = 20


def split_indices(keys: Keys, labels: Sequence[str] | None, held_out: float, seed: int) -> tuple[Any, Any]:
    """Return the numbers of the examples to learn from, and of those held out; each in rising order, as an
    array if the keys are one.

    Examples with equal `keys` form a group, which is not cut. Of each label, and of the whole, the
    share held out is `held_out`, as near as groups allow; at least one group of each label is learned.
    A group with several labels counts as one of its most frequent label. Raises InputError unless both
    parts hold something.
    """
    is_held = np.zeros(len(keys), bool)
    # The share that one label cannot be given exactly is owed to the next.
    owed, chosen = 0.0, 0
    for groups in _strata(keys, labels, seed):
        owed += held_out * groups.rows
        for group in islice(groups, 1, None):
            if chosen + len(group) / 2 <= owed:
                is_held[group] = True
                chosen += len(group)
    if not 0 < chosen < len(keys):
        rule = f"a held-out part of {held_out:g} must leave examples in both parts"
        raise InputError("examples", rule, f"{len(set(keys))} different ones", "Give more examples")
    learned, held = (np.flatnonzero(part) for part in (~is_held, is_held))
    return (learned, held) if isinstance(keys, np.ndarray) else (learned.tolist(), held.tolist())


def split_groups(groups: Keys, held_out: float, seed: int) -> tuple[list[int], list[int]]:
    """Return the numbers of the examples to learn from, and of those held out, by whole groups.

    The share held out is `held_out`, as near as groups allow, and at least one group is on each side: with
    few speakers or subjects none could be held out otherwise. Raises InputError if there is a single group.
    """
    (drawn,) = _strata(groups, None, seed)
    if len(drawn) < 2:
        rule = "needs two groups, such as speakers, subjects or pieces, to hold one out"
        cure = "Give the held-out examples in a file of their own: `dev`; or hold out none: `held_out` 0"
        raise InputError("examples", rule, "one", cure)
    held, wanted = drawn[0].tolist(), held_out * len(groups)
    for group in islice(drawn, 1, len(drawn) - 1):
        if len(held) + len(group) / 2 <= wanted:
            held += group.tolist()
    chosen = set(held)
    return [i for i in range(len(groups)) if i not in chosen], sorted(held)


def part_indices(
    parts: Sequence[str], groups: Keys, held_out: Sequence[str], places: Sequence[str]
) -> dict[str, Sequence[int]]:
    """Return the numbers of the examples of each part, train, dev and test, as the data name them.

    The groups `held_out` are the part dev, whatever the data say; with them, or if no example names its part,
    all others are train. Raises InputError for a group that does not occur, for an example that names no part
    where others do, or none that is understood, and if nothing is left to learn from.
    """
    if not held_out and not any(parts):
        return {"train": range(len(parts)), "dev": [], "test": []}
    unknown = sorted(set(held_out) - set(groups)) if held_out else ()
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
    return {**found}


def some_indices(keys: Keys, labels: Sequence[str] | None, share: float, seed: int) -> list[int]:
    """Return the numbers of a share of the examples, with groups and labels as in `split_indices`.

    At least one group of each label is taken; a larger share holds all of a smaller one.
    """
    taken: list[int] = []
    for groups in _strata(keys, labels, seed):
        wanted, found = share * groups.rows, 0
        for group in groups:
            if found and found + len(group) / 2 > wanted:
                break
            taken += group.tolist()
            found += len(group)
    return sorted(taken)


def fold_numbers(keys: Keys, labels: Sequence[str] | None, folds: int, seed: int) -> list[int]:
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
            for i in group.tolist():
                numbers[i] = fold
    return numbers


class _Groups(Sequence[Numbers]):
    """Groups `chosen` of those whose rows lie one behind the other in `order`, each beginning at one of
    `bounds`, which end with its length.
    """

    def __init__(self, order: Numbers, bounds: Numbers, chosen: Numbers) -> None:
        self._order, self._bounds, self._chosen = order, bounds, chosen
        self.rows = int((bounds[chosen + 1] - bounds[chosen]).sum())

    def __len__(self) -> int:
        return len(self._chosen)

    def __getitem__(self, index: Any) -> Any:
        group = self._chosen[index]
        return self._order[self._bounds[group] : self._bounds[group + 1]]


def _strata(keys: Keys, labels: Sequence[str] | None, seed: int) -> Iterator[_Groups]:
    """Yield for each label in sorted order its groups of equal inputs, in an order drawn from `seed`."""
    groups = _numbered(keys)
    order = np.argsort(groups, kind="stable")
    bounds = np.concatenate([[0], np.cumsum(np.bincount(groups))])
    known: dict[str, int] = {}
    if labels is not None:
        codes = np.fromiter((known.setdefault(label, len(known)) for label in labels), np.int64, len(keys))
        strata = codes[order[bounds[:-1]]]
        for group in np.flatnonzero(np.diff(bounds) > 1):
            found = Counter(codes[order[bounds[group] : bounds[group + 1]]].tolist())
            strata[group] = found.most_common(1)[0][0]
    else:
        known, strata = {"": 0}, np.zeros(len(bounds) - 1, np.int64)
    draw = np.random.default_rng(seed)
    for label in sorted(known):
        members = np.flatnonzero(strata == known[label])
        if len(members):
            yield _Groups(order, bounds, members[draw.permutation(len(members))])


def _numbered(keys: Keys) -> Numbers:
    """Return the group (N,) of each key: 0 of the first and of all that equal it, and so on."""
    if not isinstance(keys, np.ndarray):
        known: dict[Hashable, int] = {}
        return np.fromiter((known.setdefault(key, len(known)) for key in keys), np.int64, len(keys))
    _, first, found = np.unique(keys, return_index=True, return_inverse=True)
    ranks = np.empty(len(first), np.int64)
    ranks[np.argsort(first)] = np.arange(len(first))
    return ranks[found]
