"""tokens.json: what a folder of prepared tokens holds, with the hash of every file."""

from __future__ import annotations

import hashlib
import json
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bptt.data.prepared.text_stream import SourceFile
from bptt.data.reading import read_bytes
from bptt.data.vocabulary_options import VocabularyOptions
from bptt.errors import InputError
from bptt.files import MARK, to_json
from bptt.options.sections import check_keys, read_section

MANIFEST = "tokens.json"
TOKENIZER = "tokenizer.json"
COUNTS = "counts.bin"
EXCERPT = "held_out.txt"
LEARNED, HELD_OUT_PART = "learned", "held_out"

_FORMAT = 1
# The largest vocabulary whose numbers fit into two bytes.
_SMALL = 2**16
_CURE = "Bring the file back, or prepare the texts again"
_DTYPES = ("uint16", "int32")


@dataclass(frozen=True)
class Shard:
    """A file of tokens, one after the other, in little-endian order."""

    file: str
    tokens: int
    sha256: str


@dataclass(frozen=True)
class TokenPart:
    """The tokens to learn from, or those held out, with the extent of their text: `characters` of the text,
    those (`left`) and the `words` that the vocabulary's options leave, `lines`, and `unknown` tokens.
    `documents` is the file with the number of the first token of each document, int64.
    """

    name: str
    tokens: int
    characters: int
    left: int
    words: int
    lines: int
    unknown: int
    documents: str
    documents_sha256: str
    shards: tuple[Shard, ...]


@dataclass(frozen=True)
class Manifest:
    """The content of tokens.json."""

    dtype: str
    vocabulary: VocabularyOptions
    vocabulary_size: int
    vocabulary_sha256: str
    tokenizer_sha256: str
    counts_sha256: str
    held_out: float
    parts: tuple[TokenPart, ...]
    sources: tuple[SourceFile, ...]

    def part(self, name: str) -> TokenPart | None:
        """Return a part by its name; None if there is none."""
        return next((each for each in self.parts if each.name == name), None)

    @property
    def sha256(self) -> str:
        """The hash of all tokens and of the vocabulary."""
        hashes = [(part.name, [shard.sha256 for shard in part.shards]) for part in self.parts]
        return hashlib.sha256(json.dumps([self.vocabulary_sha256, hashes]).encode()).hexdigest()

    def to_bytes(self) -> bytes:
        """Return the content of tokens.json."""
        head = {"format": _FORMAT, "about": f"tokens, {MARK} prepare", "byte_order": "little"}
        return (to_json(head | asdict(self), indent=2) + "\n").encode("utf-8", "backslashreplace")


def dtype_for(size: int) -> str:
    """Return the type of the tokens of a vocabulary of `size`."""
    return "uint16" if size <= _SMALL else "int32"


def is_prepared(path: Path) -> bool:
    """Return whether a path is that of a folder of prepared tokens."""
    try:
        return (path / MANIFEST).is_file()
    except OSError:
        # A text may be longer than any name of a file.
        return False


def read_manifest(folder: Path) -> Manifest:
    """Read tokens.json. Raises InputError if it is missing, damaged, or of another format."""
    path = folder / MANIFEST
    data = read_bytes(path, "Name a folder that `bptt prepare` wrote")
    try:
        found = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise InputError(str(path), "must be JSON in UTF-8", error, _CURE) from error
    if not isinstance(found, dict) or found.get("format") != _FORMAT or found.get("byte_order") != "little":
        raise InputError(str(path), f'must be an object with "format": {_FORMAT}', "another", _CURE)
    try:
        return _read(found, str(path))
    except (TypeError, ValueError, KeyError) as error:
        if isinstance(error, InputError):
            raise
        raise InputError(str(path), "must be as `bptt prepare` wrote it", error, _CURE) from error


def _read(found: dict[str, Any], where: str) -> Manifest:
    fields = Manifest.__dataclass_fields__.keys()
    check_keys(found, {*fields, "format", "about", "byte_order"}, where)
    plain = {name: found[name] for name in fields if name not in ("vocabulary", "parts", "sources")}
    parts = tuple(
        TokenPart(**{**each, "shards": tuple(Shard(**shard) for shard in each["shards"])})
        for each in found["parts"]
    )
    sources = tuple(SourceFile(**each) for each in found["sources"])
    options = read_section(VocabularyOptions, found, "vocabulary", where)
    manifest = Manifest(vocabulary=options, parts=parts, sources=sources, **plain)
    names = [shard.file for part in parts for shard in part.shards] + [part.documents for part in parts]
    sizes = [n for part in parts for n in (part.tokens, part.left, part.words, part.lines, part.unknown)]
    sizes += [shard.tokens for part in parts for shard in part.shards]
    if not all(isinstance(name, str) and Path(name).name == name for name in names):
        raise ValueError("its files must be in its own folder")
    if not all(type(n) is int and 0 <= n <= sys.maxsize for n in (*sizes, manifest.vocabulary_size)):
        raise ValueError("its sizes must be whole numbers")
    if manifest.dtype not in _DTYPES or manifest.part(LEARNED) is None:
        raise ValueError(f"its tokens must be {' or '.join(_DTYPES)}, and some of them learned from")
    if any(sum(shard.tokens for shard in part.shards) != part.tokens for part in parts):
        raise ValueError("the tokens of a part must be those of its files")
    return manifest
