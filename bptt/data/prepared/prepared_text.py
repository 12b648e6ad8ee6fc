"""A folder of prepared tokens, opened: its vocabulary, and the tokens of its parts."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from bptt.data.prepared.token_manifest import (
    COUNTS,
    EXCERPT,
    HELD_OUT_PART,
    LEARNED,
    TOKENIZER,
    Manifest,
    TokenPart,
    read_manifest,
)
from bptt.data.prepared.token_store import TokenStore
from bptt.data.reading import read_bytes
from bptt.data.text import decode_text
from bptt.data.vocabulary import Vocabulary
from bptt.errors import InputError

_CURE = "Bring the file back, or prepare the texts again"


@dataclass(frozen=True)
class PreparedText:
    """The tokens of a folder."""

    folder: Path
    manifest: Manifest
    vocabulary: Vocabulary

    def part(self, name: str) -> TokenPart | None:
        """Return a part, None if there is none."""
        return self.manifest.part(name)

    @property
    def learned(self) -> TokenPart:
        """The part to learn from."""
        found = self.manifest.part(LEARNED)
        assert found is not None
        return found

    @property
    def held_out(self) -> TokenPart | None:
        """The part that is held out, None if there is none."""
        return self.manifest.part(HELD_OUT_PART)

    def tokens(self, part: TokenPart) -> TokenStore:
        """Return the tokens of a part, whose files are read once to check them.

        Raises InputError naming a file that has changed.
        """
        found = TokenStore(self.folder, part, self.manifest.dtype)
        found.check(self.vocabulary.size)
        return found

    def documents(self, part: TokenPart) -> NDArray[np.int64]:
        """Return the first token of each document of a part, in ascending order.

        Raises InputError if the file has changed, or holds others.
        """
        path = self.folder / part.documents
        found = _numbers(path, _checked(path, part.documents_sha256))
        if len(found) and not (found[0] >= 0 and found[-1] <= part.tokens and (np.diff(found) > 0).all()):
            rule = f"must hold the first tokens of documents, ascending from 0 to {part.tokens:,}"
            raise InputError(str(path), rule, "others", _CURE)
        return found

    def counts(self) -> list[int]:
        """Return how often each token of the vocabulary occurs in the part to learn from.

        Raises InputError if the file has changed, or holds other numbers than one for each token.
        """
        path = self.folder / COUNTS
        found = _numbers(path, _checked(path, self.manifest.counts_sha256))
        if len(found) != self.vocabulary.size or (found < 0).any():
            rule = f"must hold {self.vocabulary.size:,} counts, one for each token of the vocabulary"
            raise InputError(str(path), rule, f"{len(found):,}", _CURE)
        return [int(count) for count in found]

    def excerpt(self) -> str:
        """Return the beginning of the held-out text, at most about a million characters; "" for none."""
        if self.held_out is None:
            return ""
        path = self.folder / EXCERPT
        return decode_text(read_bytes(path, _CURE), str(path), packed=False)


def open_prepared(folder: Path) -> PreparedText:
    """Open a folder of prepared tokens. Raises InputError naming a file that is missing or has changed."""
    manifest = read_manifest(folder)
    _checked(folder / TOKENIZER, manifest.tokenizer_sha256)
    vocabulary = Vocabulary.load(folder / TOKENIZER, manifest.vocabulary)
    if vocabulary.sha256 != manifest.vocabulary_sha256:
        raise InputError(str(folder / TOKENIZER), "must be the vocabulary of the tokens", "another", _CURE)
    return PreparedText(folder, manifest, vocabulary)


def _numbers(path: Path, data: bytes) -> NDArray[np.int64]:
    if len(data) % 8:
        raise InputError(str(path), "must hold numbers of 8 bytes", f"{len(data):,} bytes", _CURE)
    return np.frombuffer(data, "<i8").astype(np.int64)


def _checked(path: Path, sha256: str) -> bytes:
    data = read_bytes(path, _CURE)
    if hashlib.sha256(data).hexdigest() != sha256:
        raise InputError(str(path), "must be as `bptt prepare` wrote it", "other bytes", _CURE)
    return data
