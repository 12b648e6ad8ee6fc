"""Pieces to learn from: split so that a tune is on one side alone, and written for a network."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from torch import Tensor

from bptt.data.midi.copied_runs import variants
from bptt.data.midi.key_profiles import Key
from bptt.data.midi.music_files import MusicCorpus, MusicPiece
from bptt.data.split import split_groups
from bptt.errors import counted
from bptt.jobs.music.options import PieceOptions

# Steps of a melody that variants of a tune share: some four bars of a jig.
_RUN = 24


@dataclass(frozen=True, eq=False)
class EncodedPieces:
    """Pieces as a notation writes them, (T,) or (T, K) each, with their numbers of notes, names and keys.

    `lost` counts what the steps do not hold, by its reason.
    """

    steps: list[Tensor]
    notes: list[int]
    names: list[str]
    keys: list[Key]
    lost: Counter[str]

    def describe(self, unit: str) -> str:
        """Describe their number and size."""
        sizes = {"pieces": len(self.steps), "notes": sum(self.notes), unit: sum(map(len, self.steps))}
        return ", ".join(counted(count, things) for things, count in sizes.items())


@dataclass(frozen=True)
class SplitPieces:
    """The pieces to learn from, those held out, and a line for the user that says how they were chosen."""

    learned: Sequence[MusicPiece]
    held_out: Sequence[MusicPiece]
    reason: str


def split_pieces(corpus: MusicCorpus, options: PieceOptions) -> SplitPieces:
    """Split pieces by the parts that the data name, or else by drawing whole tunes.

    Raises InputError if there is a single tune.
    """
    held = corpus.part("dev").pieces
    others = [piece for piece in corpus.pieces if piece.part not in ("dev", "test")]
    tests = len(corpus.pieces) - len(held) - len(others)
    aside = f"; set aside to test with: {counted(tests, 'pieces')}" if tests else ""
    if held:
        return SplitPieces(others, held, f"split: as the data say{aside}")
    if not options.held_out:
        return SplitPieces(others, (), f"split: nothing is held out{aside}")
    tunes = variants([piece.score for piece in others], _RUN)
    learned, chosen = split_groups(tunes, options.held_out, options.seed)
    reason = (
        f"split: by tune, {len(set(tunes)):,} of them, variants and other keys of a tune on one side{aside}"
    )
    return SplitPieces([others[row] for row in learned], [others[row] for row in chosen], reason)
