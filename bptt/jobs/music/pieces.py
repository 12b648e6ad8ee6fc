"""Pieces to learn from: read from files and folders, and split so that a tune is on one side alone."""

from __future__ import annotations

import csv
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from bptt.data.midi.read_midi import read_midi
from bptt.data.midi.score import Score
from bptt.data.reading import read_bytes
from bptt.data.split import split_groups
from bptt.errors import InputError
from bptt.jobs.music.options import PieceOptions

# The names by which tables and rolls mark the pieces that are not learned from while training: those to
# choose by, and those to test with.
_HELD_OUT = {"valid", "validation", "dev", "validdata"}
_TEST = {"test", "testdata"}
# The column of a table of pieces that says which part a piece belongs to, and those that name its file.
ENDINGS = (".mid", ".midi")
_SPLIT, _FILES = "split", ("midi_filename", "filename", "file", "path")
# The notes by which a tune is known again in another key, and steps of time in a quarter for it.
_OPENING, _GRID = 24, 12


@dataclass(frozen=True)
class LearnedPiece:
    """A piece with the place that errors name; `part` is "train", "held-out" or "test", "" if unknown."""

    score: Score
    place: str
    part: str = ""


@dataclass(frozen=True)
class Pieces:
    """Pieces, and `notes` for the user on how they were read, a line each."""

    rows: tuple[LearnedPiece, ...]
    notes: tuple[str, ...] = ()


def read_folder_pieces(path: Path) -> Pieces:
    """Read the pieces of a file, or of a folder and those in it, files in the order of their names.

    A table in the folder with a column "split" says which part a piece belongs to. Files that cannot be read
    are left out, and counted. Raises InputError if there is none that can be read.
    """
    files = (
        sorted(each for each in path.rglob("*") if each.suffix.lower() in ENDINGS)
        if path.is_dir()
        else [path]
    )
    parts, notes = _parts_of(path) if path.is_dir() else ({}, ())
    rows: list[LearnedPiece] = []
    faults: list[str] = []
    for file in files:
        try:
            scores = read_midi(file)
        except InputError as error:
            if len(files) == 1:
                raise
            faults.append(str(error))
            continue
        part = parts.get(file.relative_to(path).as_posix(), "") if parts else ""
        rows += [LearnedPiece(score, str(file), part) for score in scores if score.notes]
    if not rows:
        rule = f"must hold pieces of music, files that end in {', '.join(ENDINGS)}"
        raise InputError(str(path), rule, faults[0] if faults else "none")
    if faults:
        notes = (*notes, f"{len(faults):,} files left out, as they cannot be read, the first: {faults[0]}")
    return Pieces(tuple(rows), notes)


def _parts_of(folder: Path) -> tuple[Mapping[str, str], tuple[str, ...]]:
    """Return the part of each file that a table in a folder names, and a note on it."""
    for table in sorted(folder.glob("*.csv")):
        rows = list(csv.DictReader(read_bytes(table).decode("utf-8", "replace").splitlines()))
        name = next((column for column in _FILES if rows and column in rows[0]), None)
        if name is not None and _SPLIT in rows[0]:
            found = {row[name]: _part(row[_SPLIT] or "") for row in rows}
            return found, (f'{table.name}: parts of its column "{_SPLIT}"',)
    return {}, ()


def _part(name: str) -> str:
    lowered = name.strip().lower()
    return "held-out" if lowered in _HELD_OUT else "test" if lowered in _TEST else "train"


def tune_of(score: Score) -> Hashable:
    """Return a value that is equal for the same tune in another key: its opening, from note to note.

    That is the highest pitch of each of the first 24 onsets as intervals, with their distances in time. Of
    percussion alone, all notes.
    """
    line: dict[int, int] = {}
    for note in score.notes:
        if not note.drum:
            line[note.onset] = max(note.pitch, line.get(note.onset, 0))
    if not line:
        return tuple(note[:4] for note in score.notes)
    first = min(line)
    onsets = sorted(line)[:_OPENING]
    return tuple(
        (round((onset - first) * _GRID / score.ticks_per_quarter), line[onset] - line[first])
        for onset in onsets
    )


def split_pieces(pieces: Pieces, options: PieceOptions) -> tuple[list[LearnedPiece], list[LearnedPiece], str]:
    """Return the pieces to learn from, those held out, and a line for the user that says why.

    Parts that the data name are kept; else whole tunes are drawn. Raises InputError if there is one tune.
    """
    rows = pieces.rows
    if any(row.part for row in rows):
        learned = [row for row in rows if row.part in ("", "train")]
        held = [row for row in rows if row.part == "held-out"]
        tests = len(rows) - len(learned) - len(held)
        return learned, held, f"split: as the data say; {tests:,} pieces to test with are left out"
    if not options.held_out:
        return list(rows), [], "split: nothing is held out"
    tunes = [tune_of(row.score) for row in rows]
    chosen, held_out = split_groups(tunes, options.held_out, options.seed)
    line = f"split: by tune, {len(set(tunes)):,} of them, the same tune in other keys on one side"
    return [rows[row] for row in chosen], [rows[row] for row in held_out], line


@dataclass(frozen=True, eq=False)
class EncodedPieces:
    """Pieces as a notation writes them, (T,) or (T, K) each, and their numbers of notes."""

    steps: list[Tensor]
    notes: list[int]

    def describe(self, unit: str) -> str:
        """Describe their number and size."""
        count = sum(map(len, self.steps))
        return f"{len(self.steps):,} pieces, {sum(self.notes):,} notes, {count:,} {unit}"
