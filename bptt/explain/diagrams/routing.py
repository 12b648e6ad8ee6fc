"""The horizontal pieces of the wires between two layers: one track each, with few crossings."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from math import inf

ROUNDS = 20


@dataclass(frozen=True)
class Piece:
    """A wire between two layers, joined to columns below and above it.

    `joint` is the column at which the two pieces of a wire meet, if it had to be split; `upper` says whether
    this is the upper one.
    """

    net: int
    below: tuple[int, ...]
    above: tuple[int, ...]
    left: bool = False
    right: bool = False
    joint: int | None = None
    upper: bool = False

    @property
    def lows(self) -> tuple[int, ...]:
        """The columns of all verticals below the track, the joint included."""
        return (*self.below, self.joint) if self.joint is not None and self.upper else self.below

    @property
    def highs(self) -> tuple[int, ...]:
        """The columns of all verticals above the track, the joint included."""
        return (*self.above, self.joint) if self.joint is not None and not self.upper else self.above

    @property
    def ends(self) -> tuple[float, float]:
        """The first and last column of the track."""
        columns = (*self.lows, *self.highs)
        return (-inf if self.left else min(columns)), (inf if self.right else max(columns))

    @property
    def is_straight(self) -> bool:
        """Whether the wire needs no track."""
        return not (self.left or self.right) and self.lows == self.highs and len(self.lows) == 1


def tracks(pieces: Sequence[Piece]) -> list[tuple[Piece, int]]:
    """Return each piece with its track, from 0 at the bottom; a straight piece has track -1."""
    straight = [piece for piece in pieces if piece.is_straight]
    taken = {x for piece in pieces for x in (*piece.below, *piece.above)}
    ordered = _ordered([piece for piece in pieces if not piece.is_straight], taken)
    _swap(ordered)
    found: list[tuple[Piece, int]] = []
    for piece in ordered:
        lower = [track for other, track in found if _meet(piece, other)]
        found.append((piece, 1 + max(lower, default=-1)))
    return [*((piece, -1) for piece in straight), *found]


def _meet(one: Piece, other: Piece) -> bool:
    """Return whether two pieces may not share a track, nor change their order where they share a column."""
    (a, b), (c, d) = one.ends, other.ends
    return a <= d + 1 and c <= b + 1


def _under(one: Piece, other: Piece) -> bool:
    """Return whether `one` must be below `other`: in a column it comes from below, the other from above."""
    joined = one.net == other.net and one.joint is not None and not one.upper and other.upper
    return joined or (one.net != other.net and bool({*one.lows} & {*other.highs}))


def _ordered(pieces: list[Piece], taken: set[int]) -> list[Piece]:
    """Order the pieces from below; a wire that would have to be below itself is split."""
    left, ordered = list(pieces), []
    while left:
        free = [p for p in left if not any(_under(q, p) for q in left if q is not p)]
        if free:
            ordered.append(min(free, key=lambda p: (p.ends[1] - p.ends[0], p.net)))
            left.remove(ordered[-1])
        else:
            stuck = next(p for p in left if p.joint is None)
            left.remove(stuck)
            left += _split(stuck, taken)
    return ordered


def _split(piece: Piece, taken: set[int]) -> tuple[Piece, Piece]:
    middle = (min(piece.below + piece.above) + max(piece.below + piece.above)) // 2
    near = sorted(range(min(taken), max(taken) + 5), key=lambda x: (abs(x - middle), x))
    joint = next(x for x in near if not {x - 1, x, x + 1} & taken)
    taken.add(joint)
    lower = replace(piece, above=(), right=False, left=False, joint=joint)
    return lower, replace(piece, below=(), joint=joint, upper=True)


def _swap(ordered: list[Piece]) -> None:
    """Move neighbours past each other while that saves crossings."""
    for _ in range(ROUNDS):
        changed = False
        for k in range(len(ordered) - 1):
            low, high = ordered[k : k + 2]
            if not _under(low, high) and _crossings(high, low) < _crossings(low, high):
                ordered[k : k + 2] = [high, low]
                changed = True
        if not changed:
            return


def _crossings(low: Piece, high: Piece) -> int:
    """Count the crossings of two pieces, the first on the lower track."""
    (a, b), (c, d) = low.ends, high.ends
    return sum(c <= x <= d for x in low.highs) + sum(a <= x <= b for x in high.lows)
