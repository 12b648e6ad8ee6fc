"""The vocabulary of a text whose pieces are counted: of the same bytes as one learned of the whole text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil
from pathlib import Path

from bptt.data.levels import counted_tokenizer
from bptt.data.prepared.crew import Crew
from bptt.data.prepared.library_cuts import END_TOKEN, UNKNOWN_TOKEN
from bptt.data.prepared.piece_file import GROUPS, PieceArrays, PieceFacts
from bptt.data.vocabulary_options import VocabularyOptions

# Distinct tokens of all pieces, of which a process holds the counts at a time.
_AT_ONCE = 2_000_000


@dataclass(frozen=True)
class GroupWork:
    """The groups of tokens to count in the files of pieces; rarer ones than `least_count` are left out."""

    paths: tuple[Path, ...]
    groups: range
    least_count: int


def count_groups(work: GroupWork) -> dict[str, int]:
    """Return how often each token of some groups counts in all pieces."""
    counts: Counter[str] = Counter()
    for path in work.paths:
        for token, count in PieceArrays(path).in_groups(work.groups):
            counts[token] += count
    left_out = (END_TOKEN, UNKNOWN_TOKEN)
    return {token: n for token, n in counts.items() if n >= work.least_count and token not in left_out}


def learn_vocabulary(
    crew: Crew, paths: Sequence[Path], facts: Sequence[PieceFacts], options: VocabularyOptions
) -> bytes:
    """Return the content of tokenizer.json for pieces of a text. Raises InputError if no token is left."""
    parts = min(GROUPS, max(1, ceil(sum(each.distinct for each in facts) / _AT_ONCE)))
    size = ceil(GROUPS / parts)
    # Pieces that `bpe` joins characters in are all needed.
    least = 1 if options.level == "bpe" else max(1, options.least_count)
    ranges = (range(start, min(GROUPS, start + size)) for start in range(0, GROUPS, size))
    counts: dict[str, int] = {}
    for found in crew.map(count_groups, [GroupWork(tuple(paths), groups, least) for groups in ranges]):
        counts.update(found)
    return str(counted_tokenizer(counts, options).to_str(pretty=True)).encode()
