"""Examples as they were read: an input, what is wanted for it, and the place that errors name."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Generic, TypeGuard, TypeVar

import numpy as np
import numpy.typing as npt

from bptt.errors import InputError

if TYPE_CHECKING:
    from bptt.data.stored_rows import StoredRows

R = TypeVar("R")
S = TypeVar("S")
X = TypeVar("X")
Y = TypeVar("Y")

Array = npt.NDArray[np.float32]
Words = tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Example(Generic[X, Y]):
    """`input` is a text, a tuple of words, the letters of a sequence, or an array: (T, D) for a series,
    (D,) for a row of a table; or, `Stored`, where it is. `target` is a class, a tag for each word, or a
    translation; None if the file has none. `place` is file:line; `name` the example's own, "" if it has none.
    `group` names what a split must not cut, such as the speaker of a sound or the subject of a clip, and
    `part` the part of the data that the file puts it in, such as train or test; "" if unknown.
    """

    input: X
    target: Y | None
    place: str
    name: str = ""
    group: str = ""
    part: str = ""


@dataclass(frozen=True, eq=False)
class Examples(Generic[X, Y]):
    """Examples that all have a target, or none. `columns` names the D numbers of a step or a row, () if there
    are none. `notes` say what was decided and what was left out, a line each. `found` names the columns that
    texts and their targets were read from, () if they had no names. `quantities`: the file says that its
    targets are numbers to be predicted, not classes. `unlabelled` describes how such a file has labels, if it
    has none. The rows of a file too large for memory stay in it (`StoredRows`): each is made when it is asked
    for.
    """

    rows: Sequence[Example[X, Y]]
    columns: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    found: tuple[str, ...] = ()
    quantities: bool = False
    unlabelled: str = ""

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def inputs(self) -> Sequence[X]:
        """The input of each example."""
        return column(self.rows, "input")

    @property
    def places(self) -> Sequence[str]:
        """The place of each example, file:line."""
        return column(self.rows, "place")

    @property
    def has_targets(self) -> bool:
        """Whether the file says what is wanted."""
        return self.rows[0].target is not None

    @property
    def targets(self) -> Sequence[Y]:
        """The target of each example. Raises InputError if the file has none."""
        targets = column(self.rows, "target")
        if in_file(self.rows) and len(self):
            # A reader has seen to it that all rows have one, or none.
            lacks = not self.has_targets
        else:
            lacks = any(target is None for target in targets)
        if lacks:
            rule = "an example to learn from has a label"
            if not self.unlabelled:
                rule += ", a tag for each word, or a translation"
            raise InputError(self.rows[0].place, rule, "none", self.unlabelled)
        return targets

    @property
    def keys(self) -> Sequence[Hashable] | npt.NDArray[Any]:
        """Equal for equal inputs."""
        if in_file(self.rows):
            return self.rows.keys
        return [key_of(row.input) for row in self.rows]

    @property
    def groups(self) -> Sequence[Hashable] | npt.NDArray[Any]:
        """The group of each example, which a split must not cut; the key of an example without one."""
        if not self.has_groups:
            return self.keys
        return [group or key for group, key in zip(column(self.rows, "group"), self.keys, strict=True)]

    @property
    def has_groups(self) -> bool:
        """Whether any example names its group."""
        return any(column(self.rows, "group"))

    @property
    def parts(self) -> Sequence[str]:
        """The part of the data that each example is of, "" where the data do not say."""
        return column(self.rows, "part")

    def take(self, indices: Iterable[int]) -> Examples[X, Y]:
        """Return the examples of these numbers, in this order."""
        return replace(self, rows=some(self.rows, indices))

    def change(self, make: Callable[[Example[X, Y]], Example[X, Y]]) -> Examples[X, Y]:
        """Return the examples that `make` makes of these."""
        rows = mapped(self.rows, self.places, lambda row, _: make(row))
        return replace(self, rows=kept(rows, lambda _: True)[0])


def gather(
    where: str,
    rows: Sequence[Example[X, Y]],
    columns: tuple[str, ...] = (),
    notes: tuple[str, ...] = (),
    labelled: bool = True,
) -> Examples[X, Y]:
    """Make examples of the records that a reader found in `where`; without `labelled`, for examples to be
    answered, the targets count only if all have one. Raises InputError if nothing was found, or, with
    `labelled`, if only some have a target.
    """
    if not rows:
        raise InputError(where, "must hold at least one example that is not empty", "none")
    with_target = sum(target is not None for target in column(rows, "target"))
    if not labelled and with_target < len(rows):
        rows = [replace(row, target=None) for row in rows]
    elif 0 < with_target < len(rows):
        bare = next(row for row in rows if row.target is None)
        rule = f"must have a label, as {with_target} other examples of the file have"
        raise InputError(bare.place, rule, "none", "Add the label, or remove the example")
    if in_file(rows):
        return Examples(rows, columns, (*rows.notes, *notes))
    return Examples(tuple(rows), columns, notes)


def in_file(rows: Sequence[R]) -> TypeGuard[StoredRows[R]]:
    """Return whether rows stay in their file: those in memory are a list or a tuple."""
    return not isinstance(rows, list | tuple)


def mapped(rows: Sequence[R], places: Sequence[str], make: Callable[[R, str], S]) -> Sequence[S]:
    """Return what `make` makes of rows and their places; of rows in a file when it is asked for."""
    return rows.map(make) if in_file(rows) else list(map(make, rows, places))


def some(rows: Sequence[R], numbers: Iterable[int]) -> Sequence[R]:
    """Return the rows of these numbers, in this order."""
    return rows.take(numbers) if in_file(rows) else tuple(rows[i] for i in numbers)


def kept(
    rows: Sequence[Example[X, Y]], keep: Callable[[Example[X, Y]], bool]
) -> tuple[Sequence[Example[X, Y]], Sequence[str]]:
    """Return the examples to keep, and the places of the others. Each row is read once."""
    if in_file(rows):
        return rows.surveyed(keep)
    chosen = [keep(row) for row in rows]
    pairs = list(zip(rows, chosen, strict=True))
    return [row for row, is_kept in pairs if is_kept], [row.place for row, is_kept in pairs if not is_kept]


def numbered(count: int) -> tuple[str, ...]:
    """Return names for columns that have none: 1, 2, and so on."""
    return tuple(str(column) for column in range(1, count + 1))


def note_left_out(places: Sequence[str], why: str) -> tuple[str, ...]:
    """Return a note that the examples at `places` were left out; none if there are no such examples."""
    if not places:
        return ()
    return (f"examples left out, as they {why}: {len(places):,}, the first at {places[0]}",)


def note_empty(places: Sequence[str]) -> tuple[str, ...]:
    """Return a note that the examples at `places` are empty, and answered all the same; none if there are
    none.
    """
    if not places:
        return ()
    return (f"empty texts, answered as such: {len(places):,}, the first at {places[0]}",)


def note_repeats(examples: Examples[X, str]) -> tuple[str, ...]:
    """Return how many labelled examples are duplicates, and how many inputs have several labels."""
    counts = Counter(zip(examples.keys, examples.targets, strict=True))
    repeated = len(examples) - len(counts)
    several = sum(count > 1 for count in Counter(key for key, _ in counts).values())
    found = (("examples that repeat an earlier one", repeated), ("inputs with more than one label", several))
    return tuple(f"{what}: {count:,}" for what, count in found if count)


def key_of(value: object) -> Hashable:
    """Return what is equal for equal inputs."""
    if isinstance(value, np.ndarray):
        return value.shape, value.tobytes()
    # That of an input which stays in its file: see `bptt.data.stored.Stored`.
    digest: Hashable = getattr(value, "digest", None)
    if digest is not None:
        return digest
    assert isinstance(value, Hashable)
    return value


def column(rows: Sequence[Example[Any, Any]], name: str) -> Sequence[Any]:
    """Return an attribute of each example."""
    return rows.column(name) if in_file(rows) else tuple(getattr(row, name) for row in rows)
