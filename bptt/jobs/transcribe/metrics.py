"""Error rates of transcripts: of words and characters, summed over all utterances, and by speaker."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bptt.data.error_rates import UNITS, Alignment, ErrorUnit, align, aligned, pool
from bptt.errors import counted
from bptt.jobs.answers import ScoreTable

# The columns of NIST's sclite, shares in percent.
_SCLITE = ("Snt", "Wrd", "Corr", "Sub", "Del", "Ins", "Err", "S.Err")
_SHORT = {"word": "WER", "character": "CER"}


@dataclass(frozen=True)
class ErrorScores:
    """The alignments of utterances in one unit, words or characters, and their sums."""

    unit: ErrorUnit
    alignments: tuple[Alignment, ...]

    @property
    def whole(self) -> Alignment:
        """The sums over all utterances."""
        return pool(self.alignments)

    @property
    def rate(self) -> float:
        """The error rate of the whole corpus."""
        return self.whole.error_rate

    @property
    def name(self) -> str:
        """WER or CER."""
        return _SHORT[self.unit]

    def row(self, rows: Sequence[int] | None = None) -> tuple[str, ...]:
        """Return the columns of sclite for some utterances, by default all."""
        taken = self.alignments if rows is None else tuple(self.alignments[row] for row in rows)
        found = pool(taken)
        counts = found.hits, found.substitutions, found.deletions, found.insertions, found.errors
        wrong = sum(each.errors > 0 for each in taken)
        shares = [_percent(count, found.words) for count in counts]
        return (f"{len(taken):,}", f"{found.words:,}", *shares, _percent(wrong, len(taken)))


def score(references: Sequence[str], texts: Sequence[str], unit: ErrorUnit) -> ErrorScores:
    """Return the alignments of texts with what was said."""
    split = UNITS[unit]
    return ErrorScores(
        unit, tuple(align([split(each) for each in references], [split(each) for each in texts]))
    )


def rates(references: Sequence[str], texts: Sequence[str]) -> dict[str, float]:
    """Return the error rates by name: of characters, words, and whole utterances."""
    words, characters = (score(references, texts, unit) for unit in ("word", "character"))
    wrong = sum(each.errors > 0 for each in characters.alignments)
    return {"cer": characters.rate, "wer": words.rate, "ser": wrong / max(1, len(references))}


def sclite_table(scores: dict[str, ErrorScores], foot: str) -> ScoreTable:
    """Return the columns of sclite of several scores, by name, with lines below."""
    return ScoreTable(("", *_SCLITE), tuple((name, *each.row()) for name, each in scores.items()), foot=foot)


def speaker_table(scores: ErrorScores, speakers: Sequence[str]) -> ScoreTable | None:
    """Return the columns of sclite by speaker; None if no speaker is named."""
    names = sorted({name for name in speakers if name})
    if not names:
        return None
    rows = {name: [row for row, each in enumerate(speakers) if each == name] for name in names}
    return ScoreTable(("speaker", *_SCLITE), tuple((name, *scores.row(rows[name])) for name in names))


def worst_utterances(
    scores: ErrorScores, references: Sequence[str], texts: Sequence[str], names: Sequence[str], most: int
) -> str:
    """Return the utterances with the most errors, aligned as sclite shows them; "" if there are no errors."""
    order = sorted(range(len(names)), key=lambda row: -scores.alignments[row].errors)
    wrong = [row for row in order[:most] if scores.alignments[row].errors]
    split = UNITS[scores.unit]
    return "\n".join(
        f"{names[row]}: {counted(scores.alignments[row].errors, 'errors')}\n"
        + _shown(split(references[row]), split(texts[row]))
        for row in wrong
    )


def _shown(reference: Sequence[str], text: Sequence[str]) -> str:
    """Return an alignment in two lines, with stars where a side has no word; what differs is in capitals."""
    above, below = [], []
    for given, found in aligned(reference, text):
        one, other = given or "", found or ""
        width = max(len(one), len(other))
        mark = "" if given == found else "*"
        above.append((one or "*" * width).ljust(width))
        below.append((other or "*" * width).ljust(width) + mark)
        above[-1] += " " * len(mark)
    return f"  REF: {' '.join(above).rstrip()}\n  HYP: {' '.join(below).rstrip()}"


def _percent(count: int, whole: int) -> str:
    return f"{100 * count / whole:.1f}" if whole else ("0.0" if not count else "inf")
