"""Pieces of a text as a file of tokens, numbered by a vocabulary."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, BinaryIO

import numpy as np
from numpy.typing import NDArray

from bptt.data.levels import numbers_of, saved_tokenizer
from bptt.data.prepared.library_cuts import END_TOKEN, UNKNOWN_TOKEN
from bptt.data.prepared.piece_file import PieceArrays, save_arrays
from bptt.data.reading import open_file
from bptt.data.vocabulary_options import END, UNKNOWN, VocabularyOptions
from bptt.files import kind_of, replace_whole


@dataclass(frozen=True)
class ShardWork:
    """Files of pieces to write as tokens into `path`; what it holds then is kept in `record`."""

    pieces: tuple[Path, ...]
    keys: tuple[str, ...]
    path: Path
    record: Path
    tokenizer: Path
    options: VocabularyOptions
    dtype: str

    @property
    def key(self) -> str:
        """The hash of all that the tokens follow from."""
        known = hashlib.sha256(self.tokenizer.read_bytes()).hexdigest()
        return hashlib.sha256(json.dumps([self.keys, known, self.dtype]).encode()).hexdigest()


@dataclass(frozen=True)
class ShardFacts:
    """A file of tokens: its hash, the tokens and lines in it, and the unknown ones among them."""

    key: str
    sha256: str
    tokens: int
    unknown: int


def write_shard(work: ShardWork) -> ShardFacts:
    """Write a file of tokens, unless it is there and whole. Raises MachineError if that fails."""
    if (found := _known(work)) is not None:
        return found
    numbering = _numbering(work.tokenizer, work.options)
    digest, tokens = hashlib.sha256(), 0
    counts = np.zeros(numbering.size, np.int64)
    documents: list[NDArray[np.int64]] = []

    def write(file: BinaryIO) -> None:
        nonlocal tokens, counts
        for path in work.pieces:
            ids, starts = numbering.number(PieceArrays(path))
            data = ids.astype(work.dtype).tobytes()
            file.write(data)
            digest.update(data)
            counts += np.bincount(ids, minlength=numbering.size)
            documents.append(starts + tokens)
            tokens += len(ids)

    replace_whole(work.path, write, work.path.with_suffix(".tmp"))
    facts = ShardFacts(work.key, digest.hexdigest(), tokens, int(counts[UNKNOWN]))
    said = json.dumps(vars(facts)).encode()
    arrays: dict[str, NDArray[Any]] = {
        "facts": np.frombuffer(said, np.uint8),
        "counts": counts,
        "documents": np.concatenate(documents),
    }
    replace_whole(work.record, lambda file: save_arrays(file, arrays), work.record.with_suffix(".tmp"))
    return facts


class ShardRecord:
    """The record of a file of tokens: how often each of the vocabulary occurs, and where documents begin."""

    def __init__(self, path: Path) -> None:
        with np.load(path, allow_pickle=False) as found:
            self.facts = ShardFacts(**json.loads(found["facts"].tobytes()))
            self.counts: NDArray[np.int64] = found["counts"]
            self.documents: NDArray[np.int64] = found["documents"]


def _known(work: ShardWork) -> ShardFacts | None:
    if kind_of(work.path) != "a file" or kind_of(work.record) != "a file":
        return None
    try:
        facts = ShardRecord(work.record).facts
    except Exception:
        # Damaged in some way: it is made anew.
        return None
    return facts if facts.key == work.key and sha256_of(work.path) == facts.sha256 else None


def sha256_of(path: Path) -> str:
    """Return the hash of a file. Raises InputError if it is missing."""
    digest = hashlib.sha256()
    with open_file(path) as file:
        while part := file.read(2**20):
            digest.update(part)
    return digest.hexdigest()


class _Numbering:
    """The numbers of tokens in a vocabulary."""

    def __init__(self, tokenizer: Path, options: VocabularyOptions) -> None:
        self._tokenizer = saved_tokenizer(tokenizer.read_text("utf-8"), options)
        self._options = options
        self._known: dict[str, int] = {} if options.level == "bpe" else self._tokenizer.get_vocab()
        self.size: int = self._tokenizer.get_vocab_size()

    def number(self, piece: PieceArrays) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """Return the tokens of a piece, and at which of them documents begin."""
        ids, tokens = piece.ids, piece.tokens
        if self._options.level != "bpe":
            numbers = np.array([self._number(token) for token in tokens], np.int32)
            return numbers[ids], piece.documents
        split = numbers_of(self._tokenizer, tokens, self._options)
        split = [[END] if token == END_TOKEN else each for token, each in zip(tokens, split, strict=True)]
        sizes = np.array([len(each) for each in split])
        flat = np.array([number for each in split for number in each], np.int32)
        lengths = sizes[ids]
        behind = np.cumsum(lengths)
        begins = (np.cumsum(sizes) - sizes)[ids] - behind + lengths
        total = int(behind[-1]) if len(behind) else 0
        return flat[np.arange(total) + np.repeat(begins, lengths)], (behind - lengths)[piece.documents]

    def _number(self, token: str) -> int:
        if token == END_TOKEN:
            return END
        if token == UNKNOWN_TOKEN and self._options.level == "word":
            return UNKNOWN
        return self._known.get(token, UNKNOWN)


@lru_cache(maxsize=1)
def _numbering(tokenizer: Path, options: VocabularyOptions) -> _Numbering:
    return _Numbering(tokenizer, options)
