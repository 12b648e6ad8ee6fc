"""Pieces to learn from: split so that a tune is on one side alone, and written for a network."""

from __future__ import annotations

from collections.abc import Hashable, Sequence
from dataclasses import dataclass

from torch import Tensor

from bptt.data.midi.music_files import MusicCorpus, MusicPiece
from bptt.data.midi.score import Score
from bptt.data.split import split_groups
from bptt.jobs.music.options import PieceOptions

# The notes by which a tune is known again in another key, and steps of time in a quarter for it.
_OPENING, _GRID = 24, 12


@dataclass(frozen=True, eq=False)
class EncodedPieces:
    """Pieces as a notation writes them, (T,) or (T, K) each, their numbers of notes, and their names."""

    steps: list[Tensor]
    notes: list[int]
    names: list[str]

    def describe(self, unit: str) -> str:
        """Describe their number and size."""
        count = sum(map(len, self.steps))
        return f"{len(self.steps):,} pieces, {sum(self.notes):,} notes, {count:,} {unit}"


@dataclass(frozen=True)
class SplitPieces:
    """The pieces to learn from, those held out, and a line for the user that says how they were chosen."""

    learned: Sequence[MusicPiece]
    held_out: Sequence[MusicPiece]
    reason: str


def tune_of(score: Score) -> Hashable:
    """Return a value that is equal for the same tune in another key: its opening, from note to note.

    That is the highest pitch of each of the first 24 onsets, as intervals from the first one, with the time
    since then. Of percussion alone, all notes.
    """
    line: dict[int, int] = {}
    for note in score.notes:
        if not note.drum:
            line[note.onset] = max(note.pitch, line.get(note.onset, 0))
    if not line:
        return tuple(note[:4] for note in score.notes)
    first = min(line)
    return tuple(
        (round((onset - first) * _GRID / score.ticks_per_quarter), line[onset] - line[first])
        for onset in sorted(line)[:_OPENING]
    )


def split_pieces(corpus: MusicCorpus, options: PieceOptions) -> SplitPieces:
    """Split pieces by the parts that the data name, or else by drawing whole tunes.

    Raises InputError if there is a single tune.
    """
    held = corpus.part("dev").pieces
    others = [piece for piece in corpus.pieces if piece.part not in ("dev", "test")]
    tests = len(corpus.pieces) - len(held) - len(others)
    aside = f"; {tests:,} pieces to test with are set aside" if tests else ""
    if held:
        return SplitPieces(others, held, f"split: as the data say{aside}")
    if not options.held_out:
        return SplitPieces(others, (), f"split: nothing is held out{aside}")
    tunes = [tune_of(piece.score) for piece in others]
    learned, chosen = split_groups(tunes, options.held_out, options.seed)
    reason = f"split: by tune, {len(set(tunes)):,} of them, the same tune in other keys on one side{aside}"
    return SplitPieces([others[row] for row in learned], [others[row] for row in chosen], reason)
