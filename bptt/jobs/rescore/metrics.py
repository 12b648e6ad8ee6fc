"""Word alignments and error rates, by jiwer."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from bptt.errors import InputError

try:
    import jiwer
except ImportError:
    jiwer = None


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
        """The word error rate: errors per word of the reference. It may exceed 1."""
        return self.errors / self.words


def can_align() -> bool:
    """Return whether jiwer is installed."""
    return jiwer is not None


def align(references: Sequence[Sequence[str]], hypotheses: Sequence[Sequence[str]]) -> list[Alignment]:
    """Return the alignment of each hypothesis with the corresponding reference, both sequences of words.

    If a reference is empty, all words of its hypothesis are insertions. Raises InputError if jiwer is not
    installed.
    """
    if not can_align():
        cure = "Install it: pip install 'bptt[metrics]'"
        raise InputError("word error rate", "needs jiwer", "no such package", cure)
    # jiwer 3 refuses empty references.
    spoken = [
        (reference, other) for reference, other in zip(references, hypotheses, strict=True) if reference
    ]
    counted = iter(_align_spoken(spoken))
    pairs = zip(references, hypotheses, strict=True)
    return [next(counted) if reference else Alignment(insertions=len(other)) for reference, other in pairs]


def _align_spoken(pairs: Sequence[tuple[Sequence[str], Sequence[str]]]) -> list[Alignment]:
    if not pairs:
        return []
    references, hypotheses = ([" ".join(words) for words in side] for side in zip(*pairs, strict=True))
    return [_counts(chunks) for chunks in jiwer.process_words(references, hypotheses).alignments]


def pool(alignments: Iterable[Alignment]) -> Alignment:
    """Return the sums of counts: the error rate of several texts is that of the sums, not a mean of rates."""
    found = tuple(alignments)
    return Alignment(
        sum(each.hits for each in found),
        sum(each.substitutions for each in found),
        sum(each.deletions for each in found),
        sum(each.insertions for each in found),
    )


def _counts(chunks: Iterable[jiwer.AlignmentChunk]) -> Alignment:
    lengths = dict.fromkeys(("equal", "substitute", "delete", "insert"), 0)
    for chunk in chunks:
        reference, hypothesis = (
            chunk.ref_end_idx - chunk.ref_start_idx,
            chunk.hyp_end_idx - chunk.hyp_start_idx,
        )
        lengths[chunk.type] += max(reference, hypothesis)
    return Alignment(*lengths.values())
