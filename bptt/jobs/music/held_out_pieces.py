"""The held-out pieces that a run keeps, so that it can be evaluated and looked into without the data."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from bptt.data.midi.music_files import read_music
from bptt.data.midi.score import Score
from bptt.data.readers.document import Document
from bptt.data.readers.forms import Source
from bptt.data.reading import read_bytes
from bptt.errors import InputError, counted
from bptt.jobs.music.piece_notation import FrameNotation, PieceNotation, notes_on
from bptt.jobs.music.pieces import EncodedPieces

FILE = "held_out.json"


@dataclass(frozen=True, eq=False)
class WrittenPiece:
    """A piece by its name, as a score and as the steps of a notation."""

    name: str
    score: Score
    steps: Tensor


@dataclass(frozen=True)
class WrittenPieces:
    """Pieces, and lines for the user on how they were read."""

    rows: Sequence[WrittenPiece]
    notes: tuple[str, ...] = ()


def to_bytes(notation: PieceNotation, pieces: EncodedPieces) -> bytes:
    """Return the content of the file that a run keeps: tokens, or the keys that sound in each frame."""
    steps = [
        [torch.nonzero(frame).flatten().tolist() for frame in piece]
        if isinstance(notation, FrameNotation)
        else piece.tolist()
        for piece in pieces.steps
    ]
    return (json.dumps({"names": pieces.names, "steps": steps}) + "\n").encode()


def held_out_source(run: Path) -> Document:
    """Return the held-out pieces of a run. Raises InputError if there are none, or the file is missing."""
    text = read_bytes(run / FILE, "Restore the file, or name pieces").decode("utf-8", "replace")
    return Document(str(run / FILE), text)


def read_written(notation: PieceNotation, source: Source, part: str | None = None) -> WrittenPieces:
    """Read pieces of a file or folder, or those that a run holds out.

    With a `part`, pieces of the data that belong to it; None for the part test if there is one, else all.
    Raises InputError if there are none.
    """
    if not isinstance(source, Path):
        return WrittenPieces(_held_out(notation, source))
    corpus = read_music([source])
    chosen = part or ("test" if corpus.part("test").pieces else "all")
    pieces = corpus.pieces if chosen == "all" else corpus.part(chosen).pieces
    if not pieces:
        raise InputError("part", "must hold pieces", f"none in the part {chosen}", "Leave it out")
    notes = (
        corpus.notes
        if chosen == "all"
        else (*corpus.notes, f"the part {chosen}: {counted(len(pieces), 'pieces')}")
    )
    written = [notation.written(each.score) for each in pieces]
    lost = sum((each for _, each in written), Counter[str]())
    rows = [
        WrittenPiece(each.name, each.score, steps) for each, (steps, _) in zip(pieces, written, strict=True)
    ]
    return WrittenPieces(rows, (*notes, *notes_on(lost)))


def _held_out(notation: PieceNotation, source: Document) -> list[WrittenPiece]:
    try:
        found = json.loads(source.text)
        pairs = list(zip(found["names"], found["steps"], strict=True))
        steps = [_steps(notation, each) for _, each in pairs]
    except (ValueError, KeyError, TypeError, IndexError) as error:
        rule, cure = "must be the held-out pieces of a run", "Name a file or folder of music"
        raise InputError(source.name, rule, error, cure) from error
    if not pairs:
        raise InputError(source.name, "must hold pieces", "none were held out", "Name a file or folder")
    return [
        WrittenPiece(str(name), notation.decode(piece), piece)
        for (name, _), piece in zip(pairs, steps, strict=True)
    ]


def _steps(notation: PieceNotation, values: Sequence[Any]) -> Tensor:
    if not isinstance(notation, FrameNotation):
        return torch.tensor(values, dtype=torch.int64)
    frames = torch.zeros(len(values), notation.keys, dtype=torch.int64)
    for row, keys in enumerate(values):
        frames[row, keys] = 1
    return frames
