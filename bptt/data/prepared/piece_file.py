"""A piece of a text as tokens, kept in a file until the vocabulary is known."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO
from zipfile import BadZipFile
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from bptt.data.prepared.library_cuts import END_TOKEN
from bptt.data.prepared.piece_text import text_of
from bptt.data.prepared.text_stream import FilePiece
from bptt.data.prepared.token_runs import RunTokeniser
from bptt.data.vocabulary_options import VocabularyOptions
from bptt.files import kind_of, replace_whole

# Distinct tokens are counted in as many groups as this, by a hash, or fewer.
GROUPS = 64


@dataclass(frozen=True)
class PieceFacts:
    """The content of a piece: `characters` of the text itself, those that the options have `left` and their
    `words`, `tokens`, `lines`, and `distinct` tokens. `key` is a hash of all that it was made of.
    """

    key: str
    characters: int
    left: int
    words: int
    tokens: int
    lines: int
    distinct: int


@dataclass(frozen=True)
class PieceWork:
    """A piece to tokenise into the file `path`: its characters from `first` on, up to `last` if that is
    given. Characters from `first` on begin a text.
    """

    piece: FilePiece
    options: VocabularyOptions
    path: Path
    first: int = 0
    last: int | None = None

    @property
    def key(self) -> str:
        """The hash of all that the tokens follow from."""
        about = {name: value for name, value in vars(self.piece).items() if name not in ("data", "name")}
        said = json.dumps([about, vars(self.options), self.first, self.last], sort_keys=True)
        return hashlib.sha256(said.encode() + self.piece.data).hexdigest()


class PieceArrays:
    """The arrays of the file of a piece: numbers of its distinct tokens, their counts, and its documents."""

    def __init__(self, path: Path) -> None:
        with np.load(path, allow_pickle=False) as found:
            self._found: Mapping[str, NDArray[Any]] = {name: found[name] for name in found.files}
        self.facts = PieceFacts(**json.loads(self._found["facts"].tobytes()))

    @property
    def ids(self) -> NDArray[np.int32]:
        """The tokens of the text, as numbers of the distinct ones."""
        return self._found["ids"]

    @property
    def counts(self) -> NDArray[np.int64]:
        """How often each distinct token counts for a vocabulary."""
        return self._found["counts"]

    @property
    def documents(self) -> NDArray[np.int64]:
        """The tokens at which documents begin."""
        return self._found["documents"]

    @property
    def tokens(self) -> list[str]:
        """The distinct tokens."""
        return [token or END_TOKEN for token in self._found["tokens"].tobytes().decode().split("\n")]

    def in_groups(self, groups: range) -> Iterator[tuple[str, int]]:
        """Yield the distinct tokens of some groups, with their counts."""
        chosen = self._found["groups"]
        places = np.flatnonzero((chosen >= groups.start) & (chosen < groups.stop))
        tokens = self.tokens
        return ((tokens[i], int(count)) for i, count in zip(places, self.counts[places], strict=True))


def make_piece(work: PieceWork) -> PieceFacts:
    """Make the file of a piece, whole, unless it is there already. Raises InputError as `text_of` does."""
    return _known_facts(work) or _tokenise(work)


def _known_facts(work: PieceWork) -> PieceFacts | None:
    if kind_of(work.path) != "a file":
        return None
    try:
        facts = PieceArrays(work.path).facts
    except (BadZipFile, OSError, ValueError, KeyError, TypeError, EOFError):
        return None
    return facts if facts.key == work.key else None


def _tokenise(work: PieceWork) -> PieceFacts:
    found = text_of(work.piece)
    text = found.text[work.first : work.last]
    run = _tokeniser(work.options).cut(text, work.piece.begins_line or work.first > 0)
    end = run.tokens.index(END_TOKEN) if END_TOKEN in run.tokens else -1
    ends = np.flatnonzero(run.ids == end)
    # A document begins at a line; the first of them may have begun before this text.
    skipped = found.text.count("\n", 0, work.first)
    inside = work.first > 0 and found.text[work.first - 1] != "\n"
    lines = np.array([each - skipped for each in found.documents if each >= skipped + inside], np.int64)
    starts = np.append(0, ends + 1)
    starts = starts[lines[lines < len(starts)]]
    facts = PieceFacts(
        work.key, len(text), run.characters, run.words, len(run.ids), len(ends), len(run.tokens)
    )
    arrays: dict[str, NDArray[Any]] = {
        "facts": _bytes(json.dumps(vars(facts))),
        "tokens": _bytes("\n".join("" if token == END_TOKEN else token for token in run.tokens)),
        "groups": np.array([crc32(token.encode()) % GROUPS for token in run.tokens], np.uint8),
        "counts": run.counts,
        "ids": run.ids,
        "documents": starts[starts < len(run.ids)],
    }
    replace_whole(work.path, lambda file: save_arrays(file, arrays), work.path.with_suffix(".tmp"))
    return facts


def save_arrays(file: BinaryIO, arrays: Mapping[str, NDArray[Any]]) -> None:
    """Write arrays as `numpy.load` reads them, with a checksum of each."""
    np.savez(file, **arrays)  # type: ignore[arg-type]


def _bytes(text: str) -> NDArray[np.uint8]:
    return np.frombuffer(text.encode(), np.uint8)


_TOKENISERS: dict[VocabularyOptions, RunTokeniser] = {}


def _tokeniser(options: VocabularyOptions) -> RunTokeniser:
    """Return the tokeniser of this process for the options, with what it has learned of characters."""
    return _TOKENISERS.setdefault(options, RunTokeniser(options))
