"""Files and folders of music as pieces; every file that is left out or repaired is named and counted."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from bptt.data.json_text import parse_json
from bptt.data.midi.abc_tunes import is_abc, read_abc
from bptt.data.midi.key_frames import score_of_frames
from bptt.data.midi.read_midi import midi_scores
from bptt.data.midi.rolls import Roll, json_rolls, mat_rolls, npz_rolls
from bptt.data.midi.score import Score
from bptt.data.readers.grid import part_of
from bptt.data.reading import encoding_of, read_bytes
from bptt.data.signatures import ZIP, signature_of
from bptt.errors import InputError, counted

_MIDI = (".mid", ".midi", ".kar", ".rmi", ".smf")
_OTHERS = (".abc", ".mat", ".npz", ".json", ".pickle", ".pkl")
_KINDS = "MIDI, ABC, or piano rolls as .json, .npz or .mat"
# The column of a table that names the part.
_SPLIT = "split"
_TABLES = (".csv", ".tsv")
# Quarters; half a day. A few bytes can name a time at which there were more bars than memory holds.
_LONGEST = 100_000
_NAMED = 3  # files that a note names


@dataclass(frozen=True)
class MusicPiece:
    """A score; `name` is that of its file, with a number or title if the file holds several, `place` where
    errors point. `part` is train, dev or test if the data say so.
    """

    score: Score
    name: str
    place: str
    part: str = ""


@dataclass(frozen=True)
class MusicCorpus:
    """Pieces; `notes` sum up in a line each what was read, repaired and left out, `details` say it file by
    file.
    """

    pieces: tuple[MusicPiece, ...]
    notes: tuple[str, ...] = ()
    details: tuple[str, ...] = ()

    @property
    def scores(self) -> tuple[Score, ...]:
        """The scores of the pieces."""
        return tuple(piece.score for piece in self.pieces)

    def part(self, name: str) -> MusicCorpus:
        """Return the pieces of one part of the data, train, dev or test."""
        return replace(self, pieces=tuple(piece for piece in self.pieces if piece.part == name))


def read_music(paths: Sequence[Path]) -> MusicCorpus:
    """Read files of music, and all below folders.

    In a folder, files of other kinds are left out, and so are files that cannot be read; a file that is named
    itself must be readable. A table in the folder with a column `split` and one of file names says which part
    a piece is in. Pieces without notes are left out. Raises InputError if nothing is left, or a named file
    cannot be read.
    """
    found = _Reading()
    for path in paths:
        if path.is_dir():
            found.read_folder(path)
        else:
            found.add(path, path.name)
    return found.corpus(", ".join(map(str, paths)))


def read_pieces(path: Path) -> Iterator[MusicPiece]:
    """Yield the pieces of one file. Raises InputError if it is no music, or cannot be read."""
    data = read_bytes(path)
    read = _reader(path, data)
    for name, part, score in read(path, data):
        place = f"{path}: {name}" if name else str(path)
        yield MusicPiece(score, f"{path.name}: {name}" if name else path.name, place, part)


_Found = Iterator[tuple[str, str, Score]]


def _reader(path: Path, data: bytes) -> Callable[[Path, bytes], _Found]:
    """Return the reader of a file, found by its first bytes, then by its name."""
    suffix = path.suffix.casefold()
    if data.startswith(b"MThd") or (data.startswith(b"RIFF") and data[8:12] == b"RMID") or suffix in _MIDI:
        return _midi
    if data.startswith(b"MATLAB") or suffix == ".mat":
        return lambda path, data: _rolls(mat_rolls(path))
    if data.startswith(ZIP) and suffix == ".npz":
        return lambda path, data: _rolls(npz_rolls(path))
    if data.lstrip()[:1] in (b"{", b"["):
        return _json
    if is_abc(data):
        return _abc
    known = signature_of(data)
    if known is None and suffix in (".pickle", ".pkl"):
        known = "a pickle, which is never loaded", ""
    came, cure = known or (f"first bytes {data[:8]!r}", "")
    raise InputError(str(path), f"must be music: {_KINDS}", came, cure or "Convert it to one of these")


def _midi(path: Path, data: bytes) -> _Found:
    scores = midi_scores(data, str(path))
    for number, score in enumerate(scores):
        yield (f"track {number + 1}" if len(scores) > 1 else ""), "", score


def _rolls(rolls: Iterator[Roll]) -> _Found:
    for name, part, frames in rolls:
        yield name, part, score_of_frames(frames)


def _json(path: Path, data: bytes) -> _Found:
    try:
        text = data.decode(encoding_of(path))
    except UnicodeDecodeError as error:
        raise InputError(str(path), "must be text", error) from error
    value = parse_json(text, str(path), "must be JSON")
    tunes = value if isinstance(value, list) else []
    if tunes and all(isinstance(tune, dict) and "abc" in tune for tune in tunes):
        return _session(path, tunes)
    return _rolls(json_rolls(value, str(path)))


def _session(path: Path, tunes: Sequence[dict[str, object]]) -> _Found:
    """Yield tunes as thesession.org publishes them: the ABC of each without its head."""
    for number, tune in enumerate(tunes):
        head = {"X": number + 1, "T": tune.get("name", ""), "M": tune.get("meter", "4/4"), "L": "1/8"}
        lines = [
            *(f"{key}:{value}" for key, value in head.items()),
            f"K:{tune.get('mode', 'C')}",
            str(tune["abc"]),
        ]
        for title, score in read_abc("\n".join(lines), f"{path}: [{number}]"):
            yield f"[{number}] {title}", "", score


def _abc(path: Path, data: bytes) -> _Found:
    try:
        text = data.decode(encoding_of(path))
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    for name, score in read_abc(text, str(path)):
        yield name, "", score


class _Reading:
    """The pieces so far, and counts of what was repaired or left out, with the files that it happened in."""

    def __init__(self) -> None:
        self._pieces: list[MusicPiece] = []
        self._details: list[str] = []
        self._remarks: Counter[str] = Counter()
        self._remarked: Counter[str] = Counter()
        self._left_out: dict[str, list[str]] = {}

    def read_folder(self, folder: Path) -> None:
        """Read what is below a folder."""
        paths = sorted(path for path in folder.rglob("*") if path.is_file() and not _is_hidden(path, folder))
        parts = _parts(folder, paths)
        listed = {str(path) for path in paths}
        for path in paths:
            name = path.relative_to(folder).as_posix()
            if parts and path.suffix.casefold() in _TABLES:
                continue
            if path.suffix.casefold() not in (*_MIDI, *_OTHERS):
                self._leave_out("files of another kind", name)
                continue
            part = parts.get(str(path))
            if parts and part is None:
                self._details.append(f"{name}: in no line of the table of parts")
                self._remarked["files in no line of the table of parts"] += 1
            try:
                self.add(path, name, part)
            except InputError as error:
                self._leave_out("files that cannot be read", f"{name}: {error}")
        for missing in sorted(set(parts) - listed):
            self._leave_out("files that the table of parts names, and that are not there", missing)

    def add(self, path: Path, name: str, part: str | None = None) -> None:
        """Read one file. Raises InputError if it cannot be read."""
        for piece in list(read_pieces(path)):
            named = replace(piece, name=name + piece.name.removeprefix(path.name))
            if part is not None:
                named = replace(named, part=part)
            if not piece.score.notes:
                self._leave_out("pieces without notes", named.name)
                continue
            if piece.score.end > _LONGEST * piece.score.ticks_per_quarter:
                self._leave_out(f"pieces of more than {_LONGEST:,} quarters", named.name)
                continue
            self._pieces.append(named)
            for remark, count in piece.score.remarks:
                self._remarks[remark] += count
                self._remarked[remark] += 1
                self._details.append(f"{named.name}: {remark}: {count:,}")

    def _leave_out(self, why: str, name: str) -> None:
        self._left_out.setdefault(why, []).append(name)
        self._details.append(f"{name}: left out ({why})")

    def corpus(self, where: str) -> MusicCorpus:
        """Return what was read. Raises InputError if there is no piece."""
        if not self._pieces:
            got = "; ".join(f"{why}: {', '.join(names[:_NAMED])}" for why, names in self._left_out.items())
            raise InputError(where, f"must hold music: {_KINDS}", got or "none")
        total = sum(len(piece.score.notes) for piece in self._pieces)
        notes = [f"pieces read: {len(self._pieces):,}, with {counted(total, 'notes')}"]
        parts = Counter(piece.part for piece in self._pieces)
        if set(parts) != {""}:
            notes.append(
                "parts: " + ", ".join(f"{part or 'none'} {count:,}" for part, count in parts.items())
            )
        for why, names in self._left_out.items():
            notes.append(f"left out, {why}: {len(names):,}, such as {', '.join(names[:_NAMED])}")
        for remark, files in self._remarked.items():
            count = self._remarks[remark]
            notes.append(
                f"{remark}: {count:,} in {counted(files, 'pieces')}" if count else f"{remark}: {files:,}"
            )
        return MusicCorpus(tuple(self._pieces), tuple(notes), tuple(self._details))


def _is_hidden(path: Path, folder: Path) -> bool:
    return any(part.startswith((".", "__MACOSX")) for part in path.relative_to(folder).parts)


def _parts(folder: Path, paths: Sequence[Path]) -> dict[str, str]:
    """Return the part of each file that a table in the folder names, by its path."""
    found: dict[str, str] = {}
    for table in paths:
        if table.suffix.casefold() not in _TABLES:
            continue
        text = read_bytes(table).decode("utf-8-sig", "replace")
        lines = csv.DictReader(
            io.StringIO(text), delimiter="\t" if table.suffix.casefold() == ".tsv" else ","
        )
        for row in lines:
            names = [
                cell for cell in row.values() if isinstance(cell, str) and cell.casefold().endswith(_MIDI)
            ]
            if row.get(_SPLIT) and names:
                found[str(table.parent / names[0])] = part_of(row[_SPLIT])
    return found
