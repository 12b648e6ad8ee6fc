"""Edit distances between texts, and the error rates that they give.

All pairs of texts go through the dynamic programme side by side, a row of it at a time.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

Counts = npt.NDArray[np.int32]
ErrorUnit = Literal["word", "character"]

# Units of the error rate, each with a function that splits a text into them. Spaces are no characters.
UNITS: Mapping[str, Callable[[str], tuple[str, ...]]] = {
    "word": lambda text: tuple(text.split()),
    "character": lambda text: tuple("".join(text.split())),
}

# The costs of an insertion or deletion, and of a substitution: the fewest errors, and of these alignments one
# with the fewest substitutions, as sclite prefers it. So the counts are unique.
_GAP = 2**12
_REPLACE = _GAP + 1
# The cells of the tables that are kept at once, 64 MiB.
_CELLS = 2**24
_NONE, _HIT, _SUBSTITUTION, _DELETION, _INSERTION = range(5)


@dataclass(frozen=True)
class Alignment:
    """The counts of an optimal alignment of a hypothesis with its reference, or sums of such counts."""

    hits: int = 0
    substitutions: int = 0
    deletions: int = 0
    insertions: int = 0

    @property
    def errors(self) -> int:
        """The edit distance."""
        return self.substitutions + self.deletions + self.insertions

    @property
    def words(self) -> int:
        """The length of the reference."""
        return self.hits + self.substitutions + self.deletions

    @property
    def error_rate(self) -> float:
        """Errors per word of the reference: it may exceed 1, and is infinite if there are none of these."""
        if not self.words:
            return float("inf") if self.errors else 0.0
        return self.errors / self.words


def align(references: Sequence[Sequence[str]], hypotheses: Sequence[Sequence[str]]) -> list[Alignment]:
    """Return the alignment of each hypothesis with the corresponding reference, both sequences of words.

    Of the alignments with the fewest errors it is one with the fewest substitutions, as in sclite.
    """
    pairs = list(zip(references, hypotheses, strict=True))
    found = [Alignment()] * len(pairs)
    for rows in _groups([(len(one), len(other)) for one, other in pairs]):
        moves = _moves([pairs[row] for row in rows])
        counts = [(moves == kind).sum(0).tolist() for kind in range(_HIT, _INSERTION + 1)]
        for row, *each in zip(rows, *counts, strict=True):
            found[row] = Alignment(*each)
    return found


def aligned(reference: Sequence[str], hypothesis: Sequence[str]) -> list[tuple[str | None, str | None]]:
    """Return the pairs of an alignment, (word of the reference, of the hypothesis), None for no word."""
    moves = _moves([(reference, hypothesis)])[::-1, 0].tolist()
    given, found = iter(reference), iter(hypothesis)
    return [
        (None if move == _INSERTION else next(given), None if move == _DELETION else next(found))
        for move in moves
        if move != _NONE
    ]


def pool(alignments: Iterable[Alignment]) -> Alignment:
    """Return the sums of counts: the error rate of several texts is that of the sums, not a mean of rates."""
    found = tuple(alignments)
    return Alignment(
        sum(each.hits for each in found),
        sum(each.substitutions for each in found),
        sum(each.deletions for each in found),
        sum(each.insertions for each in found),
    )


def _groups(sizes: Sequence[tuple[int, int]]) -> Iterator[list[int]]:
    """Yield the pairs of these sizes in groups of similar size whose tables fit into memory."""
    rows: list[int] = []
    n = m = 0
    for row in sorted(range(len(sizes)), key=lambda row: sizes[row]):
        n, m = max(n, sizes[row][0]), max(m, sizes[row][1])
        if rows and (len(rows) + 1) * (n + 1) * (m + 1) > _CELLS:
            yield rows
            rows, (n, m) = [], sizes[row]
        rows.append(row)
    if rows:
        yield rows


def _moves(pairs: Sequence[tuple[Sequence[str], Sequence[str]]]) -> npt.NDArray[np.int8]:
    """Return the moves of an optimal alignment of each pair, from its end to its beginning: (moves, N)."""
    numbers: defaultdict[str, int] = defaultdict(lambda: len(numbers))
    given, found = (
        _padded([[numbers[word] for word in side] for side in sides]) for sides in zip(*pairs, strict=True)
    )
    table = _table(given, found)
    rows = np.arange(len(pairs))
    i, j = (np.array([len(side) for side in sides]) for sides in zip(*pairs, strict=True))
    moves = np.zeros((given.shape[1] + found.shape[1], len(pairs)), np.int8)
    for here in moves:
        if not (i.any() or j.any()):
            break
        cost, above, left = table[i, rows, j], np.maximum(i - 1, 0), np.maximum(j - 1, 0)
        same = given[rows, above] == found[rows, left]
        replaced = table[above, rows, left] + np.where(same, 0, _REPLACE)
        diagonal = (i > 0) & (j > 0) & (replaced == cost)
        down = ~diagonal & (i > 0) & (table[above, rows, j] + _GAP == cost)
        across = ~diagonal & ~down & (j > 0)
        here[diagonal] = np.where(same, _HIT, _SUBSTITUTION)[diagonal]
        here[down], here[across] = _DELETION, _INSERTION
        i, j = i - (diagonal | down), j - (diagonal | across)
    return moves


def _table(given: Counts, found: Counts) -> Counts:
    """Return the costs between all beginnings of texts (N, n) and (N, m): (n + 1, N, m + 1)."""
    across = np.arange(found.shape[1] + 1, dtype=np.int32) * _GAP
    table = np.empty((given.shape[1] + 1, len(given), len(across)), np.int32)
    table[0] = across
    for i in range(1, len(table)):
        before, here = table[i - 1], table[i]
        here[:, 0] = i * _GAP
        replaced = before[:, :-1] + np.where(given[:, i - 1, None] == found, 0, _REPLACE)
        np.minimum(replaced, before[:, 1:] + _GAP, out=here[:, 1:])
        # An insertion costs a gap more than the cell to the left: without that slope it is a running minimum.
        np.minimum.accumulate(here - across, axis=1, out=here)
        here += across
    return table


def _padded(texts: Sequence[Sequence[Any]]) -> Counts:
    """Return texts of numbers as rows (N, at least 1), -1 behind their ends."""
    rows = np.full((len(texts), max(1, *map(len, texts)) if texts else 1), -1, np.int32)
    for row, text in zip(rows, texts, strict=True):
        row[: len(text)] = text
    return rows
