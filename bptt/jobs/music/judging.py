"""Pieces judged beside the corpus of a run: what they share with it, and where they degenerate."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from bptt.data.midi.copied_runs import CopiedRun
from bptt.data.midi.score import Score
from bptt.data.midi.score_measures import distance, measure_scores
from bptt.errors import counted
from bptt.jobs.music.corpus_record import CorpusRecord

# A longer run of notes that is in the corpus too is a copy, not a turn of phrase.
COPIED = 16
# The same note this often in a row, and one pitch for this share of all notes, is no music any more; pieces
# with fewer notes are not judged.
_REPEATED, _ONE_PITCH, _JUDGED = 16, 0.8, 16
# The definition of the measures, for the user.
MEASURED = (
    "in_key is the share of notes in the key of their piece; distances are between histograms, 0 for equal "
    "ones, 1 for those with nothing in common; longest_copied counts notes in a row that the corpus has too, "
    "in any key"
)
# The faults that an evaluation lists.
_SHOWN = 5
_HISTOGRAMS = ("pitches", "durations", "gaps", "velocities")


@dataclass(frozen=True)
class Judgement:
    """The share of notes in key, the longest run copied from the corpus, and faults in words."""

    in_key: float
    copied: CopiedRun
    faults: tuple[str, ...]


def judge(score: Score, corpus: CorpusRecord) -> Judgement:
    """Return the judgement of a piece."""
    measures, copied = measure_scores([score]), corpus.runs.longest(score)
    faults = list(_degenerate(score))
    if measures.hanging:
        faults.append(f"{counted(measures.hanging, 'notes')} of 32 quarters or more")
    if copied.notes > COPIED:
        faults.append(
            f"{copied.notes:,} notes in a row are those of piece {copied.score + 1:,} of the corpus"
        )
    return Judgement(measures.in_key, copied, tuple(faults))


def _degenerate(score: Score) -> Iterator[str]:
    """Yield what is degenerate about a piece: silence, one note for ever, one pitch alone."""
    notes = score.notes
    if not notes:
        yield "no notes"
        return
    for track in sorted({note.track for note in notes}):
        line = [(note.pitch, note.duration) for note in notes if note.track == track and not note.drum]
        (pitch, _), longest = max(
            ((same, len(list(group))) for same, group in groupby(line)),
            key=lambda each: each[1],
            default=((0, 0), 0),
        )
        if longest > _REPEATED:
            yield f"the same note, pitch {pitch}, {longest:,} times in a row"
    pitches = Counter(note.pitch for note in notes if not note.drum)
    if pitches.total() >= _JUDGED:
        pitch, count = pitches.most_common(1)[0]
        if count > _ONE_PITCH * pitches.total():
            yield f"{count:,} of {pitches.total():,} notes are pitch {pitch}"


def compared(scores: Sequence[Score], corpus: CorpusRecord) -> tuple[dict[str, float], tuple[str, ...]]:
    """Return measures of pieces beside those of the corpus, and a line for each fault.

    Distances are between histograms, from 0 (equal) to 1 (nothing in common).
    """
    own, other = measure_scores(scores), corpus.measures
    judgements = [judge(score, corpus) for score in scores]
    metrics = {"in_key": own.in_key, "corpus_in_key": other.in_key}
    for name in _HISTOGRAMS:
        metrics[f"{name}_distance"] = distance(getattr(own, name), getattr(other, name))
    metrics |= {
        "polyphony": own.polyphony,
        "corpus_polyphony": other.polyphony,
        "longest_copied": max((each.copied.notes for each in judgements), default=0),
        "hanging": own.hanging,
    }
    faults = list(dict.fromkeys(fault for each in judgements for fault in each.faults))
    more = [f"and {counted(len(faults) - _SHOWN, 'faults')} more: `bptt score` names them"] * (
        len(faults) > _SHOWN
    )
    return metrics, (*faults[:_SHOWN], *more)
