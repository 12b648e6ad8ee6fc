"""Files of tokens that other programs write: those of nanoGPT and of Megatron, known by their form."""

from __future__ import annotations

import os
import struct
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from bptt.data.prepared.token_manifest import is_prepared
from bptt.data.reading import open_file
from bptt.errors import InputError

TokenForm = Literal["nanogpt", "megatron"]

# The beginning of an index (megatron/core/datasets/indexed_dataset.py of Megatron-LM): magic bytes, the
# version, the code of the type, the number of sequences, and that of document boundaries.
MAGIC = b"MMIDIDX\0\0"
HEAD = struct.Struct("<9sQBQQ")
VERSION = 1
CODES = {1: "uint8", 2: "int8", 3: "int16", 4: "int32", 5: "int64", 8: "uint16"}
TRAIN, VAL = "train.bin", "val.bin"

_BLOCK = 2**20
_CURE = "Write the tokens again"
_KNOWN_FORMS = (
    "must be train.bin or val.bin in a folder of nanoGPT, or have the .idx file of Megatron beside it"
)


@dataclass(frozen=True)
class TokenFile:
    """A file of numbers of tokens, with nothing else in it; `index` is that of Megatron, None of nanoGPT.

    A file that is `held_out` is one of tokens that are not learned from.
    """

    path: Path
    form: TokenForm
    dtype: str
    tokens: int
    held_out: bool
    index: Path | None = None

    def documents(self) -> NDArray[np.int64]:
        """Return the first token of each document, ascending: one document if there is no index.

        Memory grows with the number of documents, not of sequences. Raises InputError if the index
        contradicts itself or the file.
        """
        return np.zeros(1, np.int64) if self.index is None else _read_index(self, self.index)


def find_token_files(paths: Sequence[Path]) -> tuple[TokenFile, ...]:
    """Return the files of tokens that `paths` name, those to learn from first; none if they name texts.

    A path is a folder, one of the two files of Megatron, or what the names of these begin with. Raises
    InputError for a .bin file of another form, tokens and texts together, or a size that the form forbids.
    """
    named = [list(_files_at(path)) for path in paths]
    if not any(named):
        return ()
    for path, files in zip(paths, named, strict=True):
        if not files:
            raise InputError(
                str(path), "must not be named beside files of tokens", "texts", "Prepare it alone"
            )
    # Both files of Megatron may have been named.
    every = dict.fromkeys(each for files in named for each in files)
    found = sorted(every, key=lambda each: each.held_out)
    if not sum(each.tokens for each in found if not each.held_out):
        raise InputError(str(found[0].path), "must hold tokens to learn from", "none")
    return tuple(found)


def unknown_form(path: Path) -> InputError:
    """Return the error for a .bin file that no known program has written."""
    return InputError(
        str(path), _KNOWN_FORMS, "neither", "Name the folder of nanoGPT, or bring the .idx file"
    )


def _files_at(path: Path) -> Iterator[TokenFile]:
    if is_prepared(path):
        cure = "Train on it, or write it for another program (`to`)"
        raise InputError(str(path), "holds prepared tokens already", cure=cure)
    if path.is_dir():
        bins = sorted(each for each in path.glob("*.bin") if not each.name.startswith("."))
        indexed = any(each.with_suffix(".idx").exists() for each in bins)
        is_nanogpt = (
            not indexed and TRAIN in (names := {each.name for each in bins}) and names <= {TRAIN, VAL}
        )
        yield from map(_nanogpt if is_nanogpt else _megatron, bins)
    elif path.suffix in (".bin", ".idx") and path.exists():
        yield _megatron(path.with_suffix(".bin"))
    elif not path.exists() and (data := path.with_name(f"{path.name}.bin")).is_file():
        yield _megatron(data)


def _nanogpt(path: Path) -> TokenFile:
    size = _size(path)
    if size % 2:
        raise InputError(str(path), "must hold tokens of 2 bytes (nanoGPT)", f"{size:,} bytes", _CURE)
    return TokenFile(path, "nanogpt", "uint16", size // 2, path.name == VAL)


def _megatron(path: Path) -> TokenFile:
    index = path.with_suffix(".idx")
    if not index.exists():
        raise unknown_form(path)
    with open_file(index) as file:
        head = file.read(HEAD.size)
    if len(head) < HEAD.size or not head.startswith(MAGIC):
        raise InputError(str(index), "must begin as an index of Megatron does, MMIDIDX", head[:9], _CURE)
    _, version, code, sequences, boundaries = HEAD.unpack(head)
    if version != VERSION:
        raise InputError(str(index), f"must be an index of version {VERSION}", version, _CURE)
    if code not in CODES:
        known = ", ".join(f"{number} ({name})" for number, name in CODES.items())
        raise InputError(str(index), f"must have a type of whole numbers: {known}", code, _CURE)
    expected, found = HEAD.size + 12 * sequences + 8 * boundaries, _size(index)
    if found != expected:
        rule = (
            f"must have {expected:,} bytes for {sequences:,} sequences and {boundaries:,} document boundaries"
        )
        raise InputError(
            str(index), rule, f"{found:,} bytes", f"{_CURE}; an index with modes is not one of texts"
        )
    size, itemsize = _size(path), np.dtype(CODES[code]).itemsize
    if size % itemsize:
        raise InputError(str(path), f"must hold tokens of {itemsize} bytes", f"{size:,} bytes", _CURE)
    held_out = path.name == VAL
    return TokenFile(path, "megatron", CODES[code], size // itemsize, held_out, index)


def _size(path: Path) -> int:
    with open_file(path) as file:
        return os.fstat(file.fileno()).st_size


def _read_index(of: TokenFile, index: Path) -> NDArray[np.int64]:
    """Return the first tokens of documents; every pointer is compared with the lengths before it."""
    with open_file(index) as file:
        _, _, _, sequences, boundaries = HEAD.unpack(file.read(HEAD.size))

        def array(dtype: str, place: int, count: int) -> NDArray[np.int64]:
            file.seek(place)
            return np.frombuffer(file.read(count * np.dtype(dtype).itemsize), dtype).astype(np.int64)

        behind = HEAD.size + 12 * sequences
        documents = array("<i8", behind, boundaries)
        if (
            not len(documents)
            or documents[0] != 0
            or documents[-1] != sequences
            or (np.diff(documents) < 0).any()
        ):
            rule = f"must have document boundaries that ascend from 0 to its {sequences:,} sequences"
            raise InputError(str(index), rule, "others", _CURE)
        starts, itemsize, end = np.full(boundaries, of.tokens, np.int64), np.dtype(of.dtype).itemsize, 0
        for first in range(0, sequences, _BLOCK):
            count = min(_BLOCK, sequences - first)
            lengths = array("<i4", HEAD.size + 4 * first, count)
            pointers = array("<i8", HEAD.size + 4 * sequences + 8 * first, count)
            ends = end + np.cumsum(lengths)
            begins = ends - lengths
            wrong = np.flatnonzero((pointers != begins * itemsize) | (lengths < 0))
            if len(wrong):
                rule = "must have its sequences one behind the other"
                raise InputError(
                    str(index), rule, f"sequence {first + wrong[0]:,} at byte {pointers[wrong[0]]:,}", _CURE
                )
            inside = slice(*np.searchsorted(documents, (first, first + count)))
            starts[inside] = begins[documents[inside] - first]
            end = int(ends[-1])
    if end != of.tokens:
        raise InputError(
            str(of.path), f"must hold the {end:,} tokens of {index.name}", f"{of.tokens:,}", _CURE
        )
    return np.unique(starts[starts < end])
