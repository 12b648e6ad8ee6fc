"""Groups: the fixed parts into which the rows of each batch are cut, whatever processes compute them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Group:
    """Group `number` of `count`; `own` are the groups that this process computes, in rising order.

    The rows of a group depend on the number of groups alone, so that any division of the groups among
    processes computes the same numbers.
    """

    number: int
    count: int
    own: range

    def cut(self, rows: int) -> slice:
        """Return which of the `rows` of a batch are in this group: as many in each, the first ones having one
        more where that does not come out even.
        """
        each, more = divmod(rows, self.count)
        first = self.number * each + min(self.number, more)
        return slice(first, first + each + (self.number < more))

    def following(self, batches: Iterable[tuple[int, list[int]]]) -> Iterator[tuple[int, list[int]]]:
        """Yield the parts of `batches`, epochs and rows, that this process reads from this group on."""
        numbers = range(self.number, self.own.stop)
        for epoch, rows in batches:
            for number in numbers:
                if part := rows[Group(number, self.count, self.own).cut(len(rows))]:
                    yield epoch, part
            numbers = self.own


# All rows, in one process.
WHOLE = Group(0, 1, range(1))


def groups_of(count: int, rank: int, size: int) -> list[Group]:
    """Return the groups that process `rank` of `size` computes; `size` divides `count`."""
    each = count // size
    own = range(rank * each, (rank + 1) * each)
    return [Group(number, count, own) for number in own]
