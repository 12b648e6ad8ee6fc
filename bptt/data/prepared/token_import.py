"""Tokens of other programs made into prepared tokens: checked, and read a block at a time."""

from __future__ import annotations

import hashlib
from codecs import getincrementaldecoder
from collections.abc import Callable, Iterator, Sequence
from itertools import accumulate
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from bptt.data.prepared.own_folder import begin_folder
from bptt.data.prepared.preparation import EXCERPT_SIZE, Preparation, finish, put
from bptt.data.prepared.reported_steps import Report, ReportedSteps
from bptt.data.prepared.text_stream import SourceFile, SourceForm
from bptt.data.prepared.token_files import TokenFile, TokenForm
from bptt.data.prepared.token_manifest import (
    EXCERPT,
    HELD_OUT_PART,
    LEARNED,
    TOKENIZER,
    Manifest,
    Shard,
    TokenPart,
    dtype_for,
)
from bptt.data.reading import open_file
from bptt.data.vocabulary import Vocabulary
from bptt.data.vocabulary_options import END, UNKNOWN
from bptt.errors import InputError
from bptt.files import replace_whole

# Tokens that are read at once, and those of a file that is written.
_BLOCK, _SHARD = 2**20, 2**26
_NAMES: dict[TokenForm, SourceForm] = {"nanogpt": "nanoGPT", "megatron": "Megatron"}


def import_tokens(
    asked: Preparation, report: Report, stopped: Callable[[], bool] = lambda: False
) -> Manifest:
    """Write the tokens of `asked.tokens` as files of prepared tokens, under the vocabulary of `asked`.

    The files that are `held_out` are the held-out part; without one it is the share of the tokens, at their
    end, that `asked` holds out. Raises InputError for a number that is no token of the vocabulary, an index
    that contradicts its file, or a part without tokens; Interruption when `stopped` returns True. Nothing of
    an import that was stopped is used by the next one.
    """
    assert asked.tokenizer is not None
    steps = ReportedSteps(report, stopped)
    begin_folder(asked.output)
    put(asked.output / TOKENIZER, asked.tokenizer)
    vocabulary = Vocabulary.load(asked.output / TOKENIZER, asked.options)
    line = _Line(asked.tokens, vocabulary.size, steps)
    held = sum(each.tokens for each in asked.tokens if each.held_out)
    share = held / line.total if held else asked.held_out
    cut = line.total - held if held else int(line.total * (1 - share))
    if not cut or (share and cut == line.total):
        rule = f"a held-out part of {share:g} must leave tokens in both parts"
        raise InputError("tokens", rule, f"{line.total:,} tokens")
    starts = np.concatenate(
        [each.documents() + begin for each, begin in zip(asked.tokens, line.begins, strict=True)]
    )
    counts = np.zeros(vocabulary.size, np.int64)
    parts = []
    for name, first, last in ((LEARNED, 0, cut), (HELD_OUT_PART, cut, line.total)):
        if first == last:
            continue
        extent = _Extent(vocabulary)
        shards = tuple(_write_shards(asked, name, line, (first, last), extent))
        own = np.unique([0, *(starts[(starts >= first) & (starts < last)] - first)]).astype("<i8").tobytes()
        put(asked.output / f"{name}.documents.bin", own)
        parts.append(extent.part(name, hashlib.sha256(own).hexdigest(), shards))
        if name == LEARNED:
            counts = extent.counts
        else:
            put(asked.output / EXCERPT, extent.excerpt().encode())
    return finish(asked, asked.tokenizer, counts, tuple(parts), line.sources(), share)


class _Line:
    """The tokens of some files, one behind the other; each is read once, from its beginning to its end."""

    def __init__(self, files: Sequence[TokenFile], size: int, steps: ReportedSteps) -> None:
        self._files, self._size, self._steps = files, size, steps
        ends = list(accumulate(each.tokens for each in files))
        self.begins, self.total = [0, *ends[:-1]], ends[-1]
        self._digests = [hashlib.sha256() for _ in files]

    def read(self, first: int, last: int) -> Iterator[NDArray[np.int64]]:
        """Yield the tokens from `first` to `last` in blocks. Raises InputError for one that is none."""
        for number, (each, begin) in enumerate(zip(self._files, self.begins, strict=True)):
            low, high = max(first, begin) - begin, min(last, begin + each.tokens) - begin
            if low >= high:
                continue
            dtype = np.dtype(each.dtype).newbyteorder("<")
            with open_file(each.path) as file:
                file.seek(low * dtype.itemsize)
                for place in range(low, high, _BLOCK):
                    self._steps.tell("files of tokens", begin + place, self.total)
                    count = min(_BLOCK, high - place)
                    data = file.read(count * dtype.itemsize)
                    if len(data) < count * dtype.itemsize:
                        raise InputError(str(each.path), f"must hold {each.tokens:,} tokens", "fewer now")
                    self._digests[number].update(data)
                    yield self._checked(each, place, np.frombuffer(data, dtype).astype(np.int64))

    def sources(self) -> list[SourceFile]:
        """Return the files, after all of them have been read."""
        return [
            SourceFile(
                each.path.name,
                each.tokens * np.dtype(each.dtype).itemsize,
                found.hexdigest(),
                _NAMES[each.form],
            )
            for each, found in zip(self._files, self._digests, strict=True)
        ]

    def _checked(self, file: TokenFile, place: int, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        wrong = np.flatnonzero((ids < 0) | (ids >= self._size))
        if len(wrong):
            rule = f"must hold numbers from 0 to {self._size - 1:,}, the tokens of the vocabulary"
            came = f"{ids[wrong[0]]} at token {place + wrong[0]:,}, counted from 0"
            raise InputError(str(file.path), rule, came, "Name the vocabulary that numbered the tokens")
        return ids


def _write_shards(
    asked: Preparation, name: str, line: _Line, span: tuple[int, int], extent: _Extent
) -> Iterator[Shard]:
    dtype = dtype_for(len(extent.counts))
    for number, first in enumerate(range(*span, _SHARD)):
        last, digest = min(first + _SHARD, span[1]), hashlib.sha256()

        def write(
            file: BinaryIO, first: int = first, last: int = last, digest: hashlib._Hash = digest
        ) -> None:
            for ids in line.read(first, last):
                data = ids.astype(f"<{np.dtype(dtype).str[1:]}").tobytes()
                file.write(data)
                digest.update(data)
                extent.add(ids)

        path = asked.output / f"{name}-{number:05}.bin"
        replace_whole(path, write, path.with_suffix(".tmp"))
        yield Shard(path.name, last - first, digest.hexdigest())


class _Extent:
    """Counts tokens, and the characters and words that they spell, of tokens that come block by block."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self.counts = np.zeros(vocabulary.size, np.int64)
        self._pieces = np.array(vocabulary.pieces, object)
        self._opening = vocabulary.level.opening.encode()
        # At other levels an unknown token is a word, or a part of one: it counts as it is spelled.
        self._spelled = len(vocabulary.level.unknown) - 1 if vocabulary.options.level == "character" else 0
        self._decoder = getincrementaldecoder("utf-8")("replace")
        self._characters = self._words = self._kept = 0
        self._before, self._head = "\n", ""

    def add(self, ids: NDArray[np.int64]) -> None:
        """Count more tokens."""
        self.counts += np.bincount(ids, minlength=len(self.counts))
        data = b"".join(self._pieces[ids])
        if self._opening:
            data = data.replace(b"\n" + self._opening, b"\n")
            if self._before == "\n":
                data = data.removeprefix(self._opening)
        text = self._decoder.decode(data)
        if not text:
            return
        goes_on = not (self._before.isspace() or text[0].isspace())
        self._words += len(text.split()) - goes_on
        self._characters += len(text)
        self._before = text[-1]
        self._head += text[: EXCERPT_SIZE - len(self._head)]

    def excerpt(self) -> str:
        """Return whole lines from the beginning of the text."""
        return self._head[: self._head.rfind("\n") + 1] or self._head

    def part(self, name: str, documents_sha256: str, shards: tuple[Shard, ...]) -> TokenPart:
        """Return the tokens as a part of a folder."""
        unknown, lines = int(self.counts[UNKNOWN]), int(self.counts[END])
        characters = self._characters + len(self._decoder.decode(b"", final=True)) - self._spelled * unknown
        return TokenPart(
            name,
            int(self.counts.sum()),
            characters,
            characters,
            self._words,
            lines,
            unknown,
            f"{name}.documents.bin",
            documents_sha256,
            shards,
        )
