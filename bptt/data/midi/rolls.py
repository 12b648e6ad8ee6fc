"""Piano rolls in files: JSON lists of pitches, arrays of NumPy, MATLAB cells; each piece with its part."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from zipfile import ZipFile

import numpy as np

from bptt.data.midi.key_frames import LOWEST, PER_QUARTER, KeyFrames, frames_of_pitches
from bptt.data.readers.arrays import AnyArray, read_array
from bptt.data.readers.grid import part_of
from bptt.data.readers.matlab import read_matlab
from bptt.data.reading import open_file
from bptt.errors import BpttError, InputError

# The name of a piece, the part of the data that it is in ("" if none is named), its frames.
Roll = tuple[str, str, KeyFrames]

# Pitch of the first column by their number: the keys of a piano, or all of MIDI.
_WIDTHS = {88: LOWEST, 128: 0}
_CURE = "Give frames as rows of 88 (piano) or 128 (MIDI) keys"
_CELL_CURE = "Give cells named traindata, validdata, testdata, each of matrices (T, 88)"
_JSON_CURE = 'Give {"train": [piece, …]}, a piece being frames such as [60, 64, 67]'


def json_rolls(value: Any, where: str) -> Iterator[Roll]:
    """Yield the rolls of a JSON value: pieces, or parts with pieces; a piece is a list of frames, a frame the
    list of its MIDI numbers. Raises InputError for anything else.
    """
    parts = value if isinstance(value, dict) else {"": value}
    for name, pieces in parts.items():
        if not isinstance(pieces, list):
            raise InputError(
                f"{where}: {name}", "must be a list of pieces", type(pieces).__name__, _JSON_CURE
            )
        for number, piece in enumerate(pieces):
            place = f"{name}[{number}]" if name else f"[{number}]"
            yield (
                place,
                part_of(name),
                frames_of_pitches(_pitches(piece, f"{where}: {place}"), f"{where}: {place}"),
            )


def _pitches(piece: Any, where: str) -> list[list[int]]:
    frames = piece if isinstance(piece, list) else [None]
    found = []
    for number, frame in enumerate(frames):
        numbers = frame if isinstance(frame, list) else [None]
        # JSON has one kind of number; some files write 60.0.
        if not all(map(_is_whole, numbers)):
            rule = "a frame must be a list of whole numbers"
            raise InputError(f"{where}, frame {number}", rule, str(frame)[:60], _JSON_CURE)
        found.append(list(map(int, numbers)))
    return found


def _is_whole(value: Any) -> bool:
    return (isinstance(value, float) and value.is_integer()) or type(value) is int


def npz_rolls(path: Path) -> Iterator[Roll]:
    """Yield the rolls of an `.npz` file: every array (T, K) is a piece, (N, T, K) are N of them, silent
    frames at their end not counted; K is 88 or 128, and a key that is not 0 sounds.

    Raises InputError for other shapes, for NaN, and for arrays of Python objects, which are pickles.
    """
    with open_file(path) as file:
        try:
            with ZipFile(file) as archive:
                for info in archive.infolist():
                    name = info.filename.removesuffix(".npy")
                    yield from _array_rolls(read_array(archive, info, path, name), str(path), name)
        except BpttError:
            raise
        except Exception as error:
            # Of damaged files: zipfile and numpy raise some fifteen kinds.
            raise InputError(str(path), "must be an .npz file of arrays", error, _CURE) from error


def _array_rolls(array: AnyArray, where: str, name: str) -> Iterator[Roll]:
    pieces = [(name, array)]
    if array.ndim == 3:
        pieces = [(f"{name}[{number}]", piece) for number, piece in enumerate(array)]
    for place, piece in pieces:
        yield place, part_of(name), _frames(piece, f"{where}: {place}")


def mat_rolls(path: Path) -> Iterator[Roll]:
    """Yield the rolls of a `.mat` file: cells of matrices (T, 88), named after the part that they are.

    Raises InputError if the file holds no such cells, or a matrix NaN; MachineError without SciPy.
    """
    arrays = read_matlab(path, "music", _CELL_CURE)
    named = {name: each for name, each in arrays.items() if isinstance(each, np.ndarray)}
    cells = {name: each for name, each in named.items() if each.dtype.hasobject}
    if not cells:
        raise InputError(str(path), "must hold cells of piano rolls", ", ".join(sorted(named)), _CELL_CURE)
    for name, cell in cells.items():
        part = part_of(name.removesuffix("data"))
        for number, piece in enumerate(cell.ravel()):
            place = f"{name}[{number}]"
            yield place, part, _frames(np.asarray(piece), f"{path}: {place}")


def _frames(array: AnyArray, where: str) -> KeyFrames:
    if array.ndim != 2 or array.shape[1] not in _WIDTHS or array.dtype.kind not in "iufb":
        raise InputError(where, "must be frames of keys", f"{array.shape} of {array.dtype}", _CURE)
    unknown = np.argwhere(~np.isfinite(array))
    if len(unknown):
        frame, key = unknown[0].tolist()
        cure = "Write 0 where no key sounds"
        raise InputError(f"{where}, frame {frame}, key {key}", "must be a number", array[frame, key], cure)
    return KeyFrames(array != 0, None, _WIDTHS[array.shape[1]], PER_QUARTER)
